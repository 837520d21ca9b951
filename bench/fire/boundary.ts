// A thousand cron triggers due at the same instant, two daemons: how late their first nodes start.
import { sql } from '../../src/db/sql.ts'
import type { Bench } from '../bench.ts'
import { type Ground, onGround } from '../ground.ts'
import { quantile } from '../report.ts'
import { everything, layered, over, publish, requireRecorded } from '../shapes.ts'
import { memoryFigure } from '../throughput.ts'
import { type Armed, armEvery, disarm, nextSlot, requireOnce } from './triggers.ts'

/** A daemon that has run for a while: what it does is compiled only after some thousand times. */
const WARM_UP = 5

export async function boundary({ quick, say, figure }: Bench): Promise<void> {
  const armed: Armed = { count: 1_000, period: 10_000 }
  const rounds = quick ? 3 : 6
  say(`${WARM_UP + rounds} slots, ${armed.period / 1000} s apart`)
  await onGround(async ground => {
    const workflow = await publish(ground, layered('boundary', 1, 1))
    const daemons = [await ground.daemon(), await ground.daemon()]
    await armEvery(ground, workflow, armed)
    const meters = await Promise.all(daemons.map(daemon => ground.meter(daemon)))
    const slots: Lateness[][] = []
    for (let i = 0; i < WARM_UP + rounds; i++) {
      const { slot } = await nextSlot(ground)
      await over(ground, everything(workflow, 0))
      slots.push(await latenessOf(ground, slot))
    }
    await disarm(ground)
    await requireRecorded(ground, everything(workflow, await requireOnce(ground, armed)))
    const measured = slots.slice(WARM_UP)
    const each = (pick: (one: Lateness) => number, q: number): number[] =>
      measured.map(lateness => quantile(lateness.map(pick), q))
    figure({ name: 'node start late, p50', unit: 'ms', values: each(one => one.started, 0.5), bar: '≤ 150' })
    figure({ name: 'node start late, p99', unit: 'ms', values: each(one => one.started, 0.99), bar: '≤ 400' })
    figure({ name: 'completed late, p99', unit: 'ms', values: each(one => one.completed, 0.99) })
    figure(memoryFigure(await Promise.all(meters.map(meter => meter.stop()))))
  })
}

interface Lateness {
  readonly started: number
  readonly completed: number
}

/** Milliseconds after the slot, of everything fired for it. */
function latenessOf({ pool }: Ground, slot: Date): Promise<Lateness[]> {
  return pool.rows(sql('bench.lateness')`
    select (extract(epoch from n.started_at - e.scheduled_for) * 1000)::float8 as started,
      (extract(epoch from e.completed_at - e.scheduled_for) * 1000)::float8 as completed
    from public.executions e join public.node_executions n on n.execution_id = e.id
    where e.scheduled_for = ${slot}`)
}
