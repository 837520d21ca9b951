// Which slots a schedule owes. Poller, preview and explain all ask here, so what is shown is what will happen.
// Laws: slots strictly increase; slots(a, b] then slots(b, c] are slots(a, c].
import type { Instant, Schedule } from './trigger-type.ts'

export interface OwedSlots {
  readonly slots: readonly Instant[]
  /** The first slot not in `slots`, past or future; null when there is none. */
  readonly next: Instant | null
  /** Whether `slots` are all that is owed until now. */
  readonly complete: boolean
}

export interface OwedQuery {
  /** The cursor: the earliest instant not yet disposed of. */
  readonly from: Instant
  readonly now: Instant
  /** The most slots to look at in one go. */
  readonly limit: number
}

/** The slots in [from, now]. */
export function owedSlots(schedule: Schedule, { from, now, limit }: OwedQuery): OwedSlots {
  const slots: Instant[] = []
  let next = schedule.next(from - 1)
  while (next !== null && next <= now && slots.length < limit) {
    slots.push(next)
    next = schedule.next(next)
  }
  return { slots, next, complete: next === null || next > now }
}

/** The first `count` slots after an instant; fewer when the schedule ends. */
export function upcoming(schedule: Schedule, after: Instant, count: number): Instant[] {
  const slots: Instant[] = []
  for (let next = schedule.next(after); next !== null && slots.length < count; next = schedule.next(next))
    slots.push(next)
  return slots
}
