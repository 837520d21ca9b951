// Our slots beside those of the oracle.
import type { Pool } from '../../src/db/pool.ts'
import { owedSlots } from '../../src/trigger/slots.ts'
import type { Instant } from '../../src/trigger/trigger-type.ts'
import { zoneNamed } from '../../src/trigger/zone.ts'
import { cronSchedule } from '../unit/trigger/cron-texts.ts'
import { type OracleQuery, oracle, textOf, type Window } from './cron-oracle.ts'

/** One schedule in one window, if the slots are not the same. */
export interface Difference {
  readonly schedule: string
  readonly timezone: string
  readonly dst: unknown
  /** The first slots that only we have, and that only the clock has. */
  readonly ours: readonly string[]
  readonly clock: readonly string[]
}

export interface Comparison {
  readonly slots: number
  readonly differences: readonly Difference[]
}

export async function compare(pool: Pool, query: OracleQuery): Promise<Comparison> {
  const { timezone, windows, schedules } = query
  const clock = await oracle(pool, query)
  const differences: Difference[] = []
  let slots = 0
  schedules.forEach((one, n) => {
    const schedule = cronSchedule({ schedule: textOf(one), timezone, dst: one.dst })
    windows.forEach(({ from, until }, w) => {
      const ours = owedSlots(schedule, { from, now: until, limit: Number.POSITIVE_INFINITY }).slots
      slots += ours.length
      const theirs = clock[n]?.[w] ?? []
      const [only, missing] = [without(ours, theirs), without(theirs, ours)]
      if (only.length + missing.length > 0)
        differences.push({ schedule: textOf(one), timezone, dst: one.dst, ours: only, clock: missing })
    })
  })
  return { slots, differences }
}

function without(slots: readonly Instant[], others: readonly Instant[]): string[] {
  const known = new Set(others)
  return slots
    .filter(slot => !known.has(slot))
    .slice(0, 3)
    .map(slot => new Date(slot).toISOString())
}

/** The changes of a zone's clocks by Node's copy of the rules, or the beginning of the window if there are none. */
export function changesOf(timezone: string, { from, until }: Window): Instant[] {
  const zone = zoneNamed(timezone)
  const changes: Instant[] = []
  for (let at = zone.stretchAt(from).until; at < until; at = zone.stretchAt(at).until) {
    const { from: since, offset, before } = zone.stretchAt(at)
    if (since === at && offset !== before) changes.push(at)
  }
  return changes.length > 0 ? changes : [from]
}
