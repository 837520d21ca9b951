// The rules a trigger had and has, one after the other, and the slots they named while they held. A rule holds for the
// slots after the instant it was set, up to and including the instant of the next one: so it was when it was edited.
import { messageOf } from '../base/errors.ts'
import { scheduleOf } from './check.ts'
import type { Spec } from './past-store.ts'
import { isArmed, type Trigger } from './trigger.ts'
import type { Instant, Schedule } from './trigger-type.ts'

export interface Rule {
  /** The trigger as the rule had it. */
  readonly trigger: Trigger
  /** When it was set. */
  readonly since: Instant
  /** Exclusive. */
  readonly from: Instant
  /** Inclusive; infinite for the present rule. */
  readonly until: Instant
  /** Null for a type without one, and for a rule that cannot be computed. */
  readonly schedule: Schedule | null
  /** Why it cannot be computed. */
  readonly error: string | null
}

/** Slots up to `now` follow the specs, later ones the trigger as it stands, whoever changed it. */
export function rulesOf(trigger: Trigger, specs: readonly Spec[], now: Instant): Rule[] {
  const past = specs.map(({ validFrom, ...spec }, i) => ({
    trigger: { ...trigger, ...spec },
    since: validFrom.getTime(),
    from: validFrom.getTime(),
    until: specs[i + 1]?.validFrom.getTime() ?? now,
  }))
  const since = past.at(-1)?.since ?? now
  const present = { trigger, since, from: now, until: Number.POSITIVE_INFINITY }
  return [...past, present].map(rule => ({ ...rule, ...readSchedule(rule.trigger) }))
}

function readSchedule(trigger: Trigger): Pick<Rule, 'schedule' | 'error'> {
  try {
    return { schedule: scheduleOf(trigger), error: null }
  } catch (error) {
    return { schedule: null, error: messageOf(error) }
  }
}

/** Undefined before the trigger was there. */
export function ruleAt(rules: readonly Rule[], instant: Instant): Rule | undefined {
  return rules.find(({ from, until }) => from < instant && instant <= until)
}

/** The owed slots next to an instant: those of rules that were armed. */
export function neighbours(
  rules: readonly Rule[],
  instant: Instant,
): { previous: Instant | null; next: Instant | null } {
  const armed = rules.filter(({ trigger }) => isArmed(trigger))
  const before = armed.filter(({ from }) => from < instant).reverse()
  const after = armed.filter(({ until }) => until > instant)
  return {
    previous: first(
      before,
      ({ schedule, from, until }) => schedule && lastBefore(schedule, { from, until: Math.min(until + 1, instant) }),
    ),
    next: first(after, ({ schedule, from, until }) => {
      const slot = schedule?.next(Math.max(from, instant)) ?? null
      return slot !== null && slot <= until ? slot : null
    }),
  }
}

function first(rules: readonly Rule[], slotOf: (rule: Rule) => Instant | null): Instant | null {
  for (const rule of rules) {
    const slot = slotOf(rule)
    if (slot !== null) return slot
  }
  return null
}

/** The last slot in (from, until), by bisection: schedules only look ahead. */
function lastBefore(schedule: Schedule, { from, until }: { from: Instant; until: Instant }): Instant | null {
  const isBefore = (slot: Instant | null): slot is Instant => slot !== null && slot < until
  let found = schedule.next(from)
  if (!isBefore(found)) return null
  let unknown = until - 1
  while (unknown > found) {
    const middle = found + Math.floor((unknown - found) / 2)
    const slot = schedule.next(middle)
    if (isBefore(slot)) found = slot
    else unknown = middle
  }
  return found
}

/** The slots in [from, until) that the rules name, armed or not; at most `count`. */
export function slotsBetween(
  rules: readonly Rule[],
  { from, until, count }: { from: Instant; until: Instant; count: number },
): Instant[] {
  const slots: Instant[] = []
  for (const { schedule, ...rule } of rules) {
    const end = Math.min(rule.until, until - 1)
    let slot = schedule?.next(Math.max(rule.from, from - 1)) ?? null
    for (; slot !== null && slot <= end && slots.length < count; slot = schedule?.next(slot) ?? null) slots.push(slot)
  }
  return slots
}
