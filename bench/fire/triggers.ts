// Many triggers with one schedule, and what became of their slots.
import { systemClock } from '../../src/base/clock.ts'
import { sql } from '../../src/db/sql.ts'
import { createTrigger } from '../../src/trigger/arm.ts'
import type { Driver } from '../ground.ts'
import type { Workflow } from '../shapes.ts'

export interface Armed {
  readonly count: number
  /** Milliseconds between two slots; their grid begins with the epoch. */
  readonly period: number
}

/** Arms right after a slot, so that all of them have the next one ahead. */
export async function armEvery(driver: Driver, workflow: Workflow, { count, period }: Armed): Promise<void> {
  await systemClock.sleep(period - (systemClock.now() % period) + 50)
  await arm(driver, workflow, { count, schedule: `*/${period / 1000} * * * * *` })
}

/** Rows of one statement. */
const TOGETHER = 20_000
const FIRST = { key: 't0', name: 't0', type: 'cron', enabled: true } as const

/** The first as the product makes one, the others as copies of its rows. */
export async function arm(
  { pool, ids }: Driver,
  { id, shape: { name } }: Workflow,
  { count, schedule }: { count: number; schedule: string },
): Promise<void> {
  const { id: model } = await pool.transaction(tx =>
    createTrigger(tx, { ids }, { ...FIRST, workflowId: id, workflowName: name, config: { schedule } }),
  )
  for (let made = 1; made < count; made += TOGETHER) {
    await pool.run(sql('bench.arm')`
      with armed as (
        insert into public.triggers (workflow_id, workflow_name, key, name, type, config, enabled, spec_version, anchor_at)
        select workflow_id, workflow_name, 't' || number, 't' || number, type, config, enabled, spec_version, anchor_at
        from public.triggers, generate_series(${made}::integer, ${Math.min(made + TOGETHER, count) - 1}::integer) as number
        where id = ${model}
        returning id
      ), specs as (
        insert into public.trigger_specs (trigger_id, spec_version, workflow_id, type, config, anchor_at, enabled, valid_from)
        select armed.id, spec_version, workflow_id, type, config, anchor_at, enabled, valid_from
        from public.trigger_specs, armed where trigger_id = ${model}
      )
      insert into public.trigger_cursors (trigger_id, next_fire_at)
      select armed.id, next_fire_at from public.trigger_cursors, armed where trigger_id = ${model}`)
  }
}

/** No trigger fires any more. */
export async function disarm({ pool }: Driver): Promise<void> {
  await pool.run(sql('bench.disarm')`delete from public.trigger_cursors`)
}

const LOOK_MS = 5
const PATIENCE_MS = 60_000

/** Waits for the slot that all triggers have ahead, and until all have disposed of it: after how many milliseconds. */
export async function nextSlot({ pool }: Driver): Promise<{ slot: Date; ms: number }> {
  const [ahead] = await pool.rows<{ slot: Date; pause: number }>(sql('bench.slot')`
    select min(next_fire_at) as slot, (extract(epoch from min(next_fire_at) - clock_timestamp()) * 1000)::float8 as pause
    from public.trigger_cursors having min(next_fire_at) = max(next_fire_at)`)
  if (ahead === undefined || ahead.pause < 0) throw new Error('the triggers have no common slot ahead')
  await systemClock.sleep(ahead.pause)
  for (;;) {
    const [row] = await pool.rows<{ owed: boolean; ms: number }>(sql('bench.owed')`
      select exists (select from public.trigger_cursors where next_fire_at <= ${ahead.slot}) as owed,
        (extract(epoch from clock_timestamp() - ${ahead.slot}::timestamptz) * 1000)::float8 as ms`)
    if (row?.owed === false) return { slot: ahead.slot, ms: row.ms }
    if (row === undefined || row.ms > PATIENCE_MS) throw new Error('slots are still owed after a minute')
    await systemClock.sleep(LOOK_MS)
  }
}

/**
 * Throws unless every trigger fired exactly once for every slot, from the first to the last one there is. Resolves to the
 * number of executions.
 */
export async function requireOnce({ pool }: Driver, { count, period }: Armed): Promise<number> {
  const slots = await pool.rows<{ slot: Date; fires: number; executions: number; triggers: number }>(sql('bench.once')`
    select f.slot_at as slot, count(*) as fires, count(e.id) as executions, count(distinct e.trigger_id) as triggers
    from public.trigger_fires f
    full join public.executions e on e.trigger_id = f.trigger_id and e.scheduled_for = f.slot_at
    group by f.slot_at
    order by f.slot_at`)
  const first = slots[0]?.slot.getTime() ?? Number.NaN
  slots.forEach(({ slot, ...found }, i) => {
    const isWhole = Object.values(found).every(number => number === count)
    if (!isWhole || slot.getTime() !== first + i * period)
      throw new Error(`${count} triggers, and of the slot ${slot?.toISOString()} became ${JSON.stringify(found)}`)
  })
  return slots.length * count
}
