// A thousand cron triggers due at the same instant, two daemons: how late their first nodes start.
import { sql } from '../../src/db/sql.ts'
import { bareRate } from '../bare.ts'
import type { Bench } from '../bench.ts'
import { type Ground, onGround } from '../ground.ts'
import { quantile, ratios } from '../report.ts'
import { everything, layered, over, publish, requireRecorded } from '../shapes.ts'
import { memoryFigure } from '../throughput.ts'
import { type Armed, armEvery, disarm, nextSlot, requireOnce } from './triggers.ts'

/** What a daemon does is compiled well only after some ten thousand times: `single` warms up as long. */
const WARM_UP = 20

/** The slots of daemons that have just begun, told beside those of daemons that have run for a while. */
const FRESH = 5

export async function boundary({ quick, say, figure }: Bench): Promise<void> {
  const armed: Armed = { count: 1_000, period: 10_000 }
  const [warmUp, rounds] = quick ? [FRESH, 3] : [WARM_UP, 6]
  say(`${warmUp + rounds} slots, ${armed.period / 1000} s apart`)
  const single = layered('boundary', 1, 1)
  await onGround(ground =>
    onGround(async beside => {
      const workflow = await publish(ground, single)
      const bare = await publish(beside, single)
      const daemons = [await ground.daemon(), await ground.daemon()]
      await armEvery(ground, workflow, armed)
      const meters = await Promise.all(daemons.map(daemon => ground.meter(daemon)))
      const slots: Lateness[][] = []
      const limits: number[] = []
      for (let i = 0; i < warmUp + rounds; i++) {
        const { slot } = await nextSlot(ground)
        await over(ground, everything(workflow, 0))
        slots.push(await latenessOf(ground, slot))
        limits.push((armed.count / (await bareRate(beside, bare, armed.count))) * 1000)
      }
      await disarm(ground)
      await requireRecorded(ground, everything(workflow, await requireOnce(ground, armed)))
      const [fresh, warm] = [slots.slice(0, FRESH), slots.slice(warmUp)]
      const started = each(warm, 'started', 0.5)
      const bareTimes = limits.slice(warmUp)
      figure({ name: 'node start late, p50', unit: 'ms', values: started, bar: '≤ 150' })
      figure({ name: 'node start late, p99', unit: 'ms', values: each(warm, 'started', 0.99), bar: '≤ 400' })
      figure({ name: 'completed late, p99', unit: 'ms', values: each(warm, 'completed', 0.99) })
      figure({ name: 'bare limit, as many recorded', unit: 'ms', values: bareTimes })
      figure({ name: 'p50, times the bare limit', unit: '', values: ratios(started, bareTimes) })
      figure({ name: 'p50 of fresh daemons', unit: 'ms', values: each(fresh, 'started', 0.5) })
      figure(memoryFigure(await Promise.all(meters.map(meter => meter.stop()))))
    }),
  )
}

interface Lateness {
  readonly started: number
  readonly completed: number
}

/** A quantile of each slot. */
function each(slots: readonly Lateness[][], what: keyof Lateness, q: number): number[] {
  return slots.map(slot =>
    quantile(
      slot.map(one => one[what]),
      q,
    ),
  )
}

/** Milliseconds after the slot, of everything fired for it. */
function latenessOf({ pool }: Ground, slot: Date): Promise<Lateness[]> {
  return pool.rows(sql('bench.lateness')`
    select (extract(epoch from n.started_at - e.scheduled_for) * 1000)::float8 as started,
      (extract(epoch from e.completed_at - e.scheduled_for) * 1000)::float8 as completed
    from public.executions e join public.node_executions n on n.execution_id = e.id
    where e.scheduled_for = ${slot}`)
}
