// An idle system, a manual fire: how long until the first node runs, and until the execution is over.
import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/log.ts'
import { createMetrics } from '../../src/base/metrics.ts'
import { sql } from '../../src/db/sql.ts'
import { createTrigger } from '../../src/trigger/arm.ts'
import { fireManually } from '../../src/trigger/fire-manually.ts'
import { bareTimes } from '../bare.ts'
import type { Bench } from '../bench.ts'
import { type Ground, onGround } from '../ground.ts'
import { quantile, ratios } from '../report.ts'
import { type Batch, layered, over, publish, requireRecorded, type Workflow } from '../shapes.ts'
import { memoryFigure, ROUNDS } from '../throughput.ts'

interface Latency {
  readonly started: number
  readonly completed: number
}

export async function run({ quick, figure }: Bench): Promise<void> {
  await onGround(async ground => {
    const workflow = await publish(ground, layered('latency', 1, 1))
    const daemon = await ground.daemon()
    const fire = await armed(ground, workflow)
    await latencies(ground, { workflow, fire, count: 40 }) // warms up
    const count = quick ? 20 : 200
    const meter = await ground.meter(daemon)
    const rounds: Latency[][] = []
    const limits: number[][] = []
    for (let i = 0; i < ROUNDS; i++) {
      rounds.push(await latencies(ground, { workflow, fire, count }))
      limits.push(await bareTimes(ground, workflow, count))
    }
    const each = (pick: (latency: Latency) => number, q: number): number[] =>
      rounds.map(round => quantile(round.map(pick), q))
    figure({ name: 'fire → first node, p50', unit: 'ms', values: each(({ started }) => started, 0.5), bar: '≤ 5' })
    figure({ name: 'fire → completed, p50', unit: 'ms', values: each(({ completed }) => completed, 0.5), bar: '≤ 8' })
    figure({ name: 'fire → completed, p99', unit: 'ms', values: each(({ completed }) => completed, 0.99), bar: '≤ 20' })
    const limitP50s = limits.map(times => quantile(times, 0.5))
    figure({ name: 'bare limit, p50', unit: 'ms', values: limitP50s })
    figure({ name: 'bare limit, p99', unit: 'ms', values: limits.map(times => quantile(times, 0.99)) })
    figure({
      name: 'completed, times the bare limit',
      unit: '',
      values: ratios(
        each(({ completed }) => completed, 0.5),
        limitP50s,
      ),
    })
    figure(memoryFigure([await meter.stop()]))
  })
}

/** Resolves to what asks a new trigger of the workflow to fire. */
async function armed({ pool, queue, ids }: Ground, { id, shape: { name } }: Workflow): Promise<() => Promise<unknown>> {
  const deps = { pool, queue, ids, metrics: createMetrics(), log: silentLogger }
  const manual = { key: 'now', name: 'now', type: 'manual', config: {}, enabled: true } as const
  const trigger = await pool.transaction(tx =>
    createTrigger(tx, deps, { ...manual, workflowId: id, workflowName: name }),
  )
  return () => fireManually(deps, { triggerId: trigger.id, input: {}, scope: 'bench' })
}

/** Milliseconds since the transaction of the fire began, by the database's clock. */
async function latencies(
  ground: Ground,
  { workflow, fire, count }: { workflow: Workflow; fire: () => Promise<unknown>; count: number },
): Promise<Latency[]> {
  const first = ground.ids.next()
  for (let i = 0; i < count; i++) {
    await fire()
    await systemClock.sleep(30 + Math.random() * 20)
  }
  const fired: Batch = { workflow, first, last: ground.ids.next(), count }
  await over(ground, fired)
  await requireRecorded(ground, fired)
  return ground.pool.rows(sql('bench.latency')`
    select (extract(epoch from n.started_at - f.decided_at) * 1000)::float8 as started,
      (extract(epoch from e.completed_at - f.decided_at) * 1000)::float8 as completed
    from public.trigger_fires f
    join public.executions e on e.id = f.execution_id
    join public.node_executions n on n.execution_id = e.id
    where e.id between ${first} and ${fired.last}`)
}
