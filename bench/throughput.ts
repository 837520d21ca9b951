// How many executions of a shape end per second, beside how many the bare database records.
import { systemClock } from '../src/base/clock.ts'
import { sql } from '../src/db/sql.ts'
import { type Cost, type Ground, openGround } from './ground.ts'
import { report } from './report.ts'
import { bareRate, begin, publish, type Shape } from './shapes.ts'

export interface Throughput {
  readonly shape: Shape
  /** Executions per round. */
  readonly count: number
  readonly bars: { readonly ratio: string; readonly rate: string; readonly commits?: string; readonly cpu?: string }
}

const ROUNDS = 3

export async function throughput({ shape, count, bars }: Throughput): Promise<void> {
  const ground = await openGround()
  try {
    const workflowId = await publish(ground, shape)
    const daemon = await ground.daemon()
    const rates: number[] = []
    const limits: number[] = []
    const costs: Cost[] = []
    await round(ground, workflowId, Math.ceil(count / 5)) // warms plans and caches of both
    await bareRate(ground, { shape, workflowId, count: Math.ceil(count / 5) })
    for (let i = 0; i < ROUNDS; i++) {
      const before = await ground.cost(daemon)
      rates.push(await round(ground, workflowId, count))
      const after = await ground.cost(daemon)
      costs.push(difference(before, after))
      limits.push(await bareRate(ground, { shape, workflowId, count }))
    }
    const workload = shape.name
    const each = (pick: (cost: Cost) => number): number[] => costs.map(cost => pick(cost) / count)
    report({ workload, figure: 'rate', unit: '/s', values: rates, bar: bars.rate })
    report({ workload, figure: 'bare limit', unit: '/s', values: limits })
    report({
      workload,
      figure: 'ratio to the bare limit',
      unit: '',
      values: rates.map((rate, i) => rate / (limits[i] ?? Number.NaN)),
      bar: bars.ratio,
    })
    report({
      workload,
      figure: 'commits per execution',
      unit: '',
      values: each(cost => cost.commits),
      ...(bars.commits ? { bar: bars.commits } : {}),
    })
    report({ workload, figure: 'WAL per execution', unit: 'kB', values: each(cost => cost.walBytes / 1000) })
    report({
      workload,
      figure: 'daemon CPU per execution',
      unit: 'ms',
      values: each(cost => cost.daemonCpuMs),
      ...(bars.cpu ? { bar: bars.cpu } : {}),
    })
    report({ workload, figure: 'server CPU per execution', unit: 'ms', values: each(cost => cost.serverCpuMs) })
    report({
      workload,
      figure: 'peak memory of the daemon',
      unit: 'MB',
      values: costs.map(cost => cost.peakBytes / 1e6),
      bar: '≤ 250',
    })
    await daemon.stop()
  } finally {
    await ground.close()
  }
}

/** Executions a second, from the first one begun to the last one over, by the database's clock. */
async function round(ground: Ground, workflowId: string, count: number): Promise<number> {
  const [{ since } = { since: new Date() }] = await ground.pool.rows<{ since: Date }>(
    sql('bench.now')`select clock_timestamp()::timestamptz(3) as since`,
  )
  await begin(ground, workflowId, count)
  for (;;) {
    await systemClock.sleep(50)
    const [row] = await ground.pool.rows<{ done: number; seconds: number }>(sql('bench.done')`
      select count(*) as done, extract(epoch from max(completed_at) - ${since}::timestamptz)::float8 as seconds
      from public.executions where workflow_id = ${workflowId} and created_at >= ${since} and status = 'completed'`)
    if (row !== undefined && row.done >= count) return count / row.seconds
  }
}

function difference(before: Cost, after: Cost): Cost {
  return {
    commits: after.commits - before.commits,
    walBytes: after.walBytes - before.walBytes,
    serverCpuMs: after.serverCpuMs - before.serverCpuMs,
    daemonCpuMs: after.daemonCpuMs - before.daemonCpuMs,
    peakBytes: after.peakBytes,
  }
}
