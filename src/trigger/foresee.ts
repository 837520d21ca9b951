// What will become of the slots of a trigger. Preview, explain, simulate and forecast ask here, and here the functions of
// the poller are asked.
//
// 1. Foreseen is what happens when every slot is disposed of on time and no execution overlaps: nobody knows more before.
// 2. A slot before the cursor has been disposed of; it does not count for the limit, and what is said of it is the rule.
import { scheduleOf } from './check.ts'
import { cooldownOf } from './cooldown.ts'
import { dependsOnBefore, type Standing } from './dispose.ts'
import { exclusionsOf } from './exclusion.ts'
import { maxFires } from './schedule-policy.ts'
import { isArmed, type Trigger } from './trigger.ts'
import type { Instant } from './trigger-type.ts'

/** What the future of a trigger depends on besides its rule. */
export interface Prospect extends Pick<Standing, 'fired' | 'restsUntil' | 'calendars'> {
  readonly now: Instant
  /** The earliest slot not disposed of; null when nothing is owed any more, or nothing because it is disabled or paused. */
  readonly cursor: Instant | null
}

export type Fate =
  | { readonly kind: 'fires' }
  /** `by` the name of the calendar, or where the config holds it. */
  | { readonly kind: 'excluded'; readonly by: string }
  /** The first slot after the last fire: skipped, and the schedule has ended. */
  | { readonly kind: 'limit' }
  /** The fire before is too recent. */
  | { readonly kind: 'cooldown' }
  /** Too many slots come before it to say what they make of it. */
  | { readonly kind: 'uncounted' }

export interface Foreseen {
  readonly slot: Instant
  readonly fate: Fate
}

/** Slots counted for a limit before those that are asked for: about a second's work. */
export const MAX_WALK = 1_000_000

const FIRES: Fate = { kind: 'fires' }
const RESTS: Fate = { kind: 'cooldown' }
const LIMIT: Fate = { kind: 'limit' }

/** The slots from an instant on, in order; endless if the schedule is. A trigger that is disabled or paused is taken as armed now. */
export function* foresee(trigger: Trigger, { from, ...prospect }: Prospect & { from: Instant }): Generator<Foreseen> {
  const schedule = scheduleOf(trigger)
  if (schedule === null) return
  const { now, cursor, fired, calendars } = prospect
  const exclusions = exclusionsOf(trigger, calendars)
  const isOver = hasReachedLimit(trigger, prospect)
  const since = cursor ?? now
  let left = maxFires(trigger.config) - fired
  const { restsUntil } = cooldownOf(trigger)
  let rests = prospect.restsUntil
  const start = dependsOnBefore(trigger) ? Math.min(from, since) : from
  let walked = 0
  for (let slot = schedule.next(start - 1); slot !== null; slot = schedule.next(slot)) {
    if (isOver && slot >= since) return
    if (slot < from && ++walked > MAX_WALK) {
      const first = schedule.next(from - 1)
      if (first !== null) yield { slot: first, fate: { kind: 'uncounted' } }
      return
    }
    const exclusion = exclusions(slot)
    let fate: Fate = FIRES
    if (exclusion !== null) fate = { kind: 'excluded', by: exclusion.by }
    else if (slot >= since) {
      fate = left <= 0 ? LIMIT : slot < rests ? RESTS : FIRES
      if (fate === FIRES) {
        left--
        rests = restsUntil(slot)
      }
    }
    if (slot >= from) yield { slot, fate }
    if (fate.kind === 'limit') return
  }
}

/** Whether the slot that says so is in the ledger already. */
export function hasReachedLimit(trigger: Trigger, { cursor, fired }: Pick<Prospect, 'cursor' | 'fired'>): boolean {
  return isArmed(trigger) && cursor === null && fired >= maxFires(trigger.config)
}

/** Enabled and with slots to come, but without a cursor: enabled by an UPDATE of its row, behind our back. */
export function isUnarmed(trigger: Trigger, { now, cursor, fired }: Prospect): boolean {
  if (!isArmed(trigger) || cursor !== null || hasReachedLimit(trigger, { cursor, fired })) return false
  return (scheduleOf(trigger)?.next(now) ?? null) !== null
}

/** The fires in [from, until), as things stand; none while it is disabled or paused. Stops after `most`. */
export function foreseenFires(
  trigger: Trigger,
  prospect: Prospect,
  { from, until, most }: { from: Instant; until: Instant; most: number },
): Instant[] {
  const fires: Instant[] = []
  if (!isArmed(trigger) || isUnarmed(trigger, prospect)) return fires
  for (const { slot, fate } of foresee(trigger, { ...prospect, from })) {
    if (slot >= until || fires.length === most) break
    if (fate.kind === 'fires' || fate.kind === 'uncounted') fires.push(slot)
  }
  return fires
}
