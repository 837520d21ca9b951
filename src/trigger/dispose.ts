// What becomes of the slots a trigger owes: slots → misfire → overlap → disposals. Pure; the poller and edits carry it out.

import { scheduleOf } from './check.ts'
import { type Cooldown, cooldownOf } from './cooldown.ts'
import { type Calendars, exclusionsOf } from './exclusion.ts'
import type { Disposal } from './fire.ts'
import { applyMisfire, type Decision } from './misfire.ts'
import { applyOverlap, judgeStart, type StartContext, type Wait } from './overlap.ts'
import { maxFires, misfirePolicy } from './schedule-policy.ts'
import { owedSlots } from './slots.ts'
import { rests, startPolicy } from './start-policy.ts'
import { isArmed, slotKey, type Trigger } from './trigger.ts'
import type { Instant } from './trigger-type.ts'

/** Slots looked at, and fires decided, for one trigger in one go. */
const MAX_SLOTS = 10_000
const MAX_FIRES = 1_000

/** What the fate of a trigger's slots depends on besides its rule. */
export interface Standing {
  /** Executions of the trigger that are not over; asked for if `limitsOverlap`. */
  readonly open: number
  /** Fires that wait for room; asked for if `buffers`. */
  readonly waiting: number
  /** Slots it has fired, or is bound to; asked for if `limitsFires`. */
  readonly fired: number
  /** Whether as many executions failed in a row as it bears; asked for if `countsFailures`. */
  readonly failing: boolean
  /** It does not fire again before; the past if it has no cooldown. */
  readonly restsUntil: Instant
  /** Those that `sharedCalendars` gives, and maybe others. */
  readonly calendars: Calendars
}

export interface Owing extends Standing {
  /** The earliest slot not disposed of. */
  readonly cursor: Instant
  readonly now: Instant
  /** Most disposals wanted. */
  readonly room: number
}

export interface Disposed {
  readonly trigger: Trigger
  readonly disposals: readonly Disposal[]
  /** The cursor after them; null when the schedule has ended. */
  readonly next: Instant | null
  /** How many slots were looked at. */
  readonly looked: number
  readonly standing: Standing
}

/** Throws when the slots cannot be computed. */
export function disposeOwed(trigger: Trigger, { cursor, now, room, ...standing }: Owing): Disposed {
  // A trigger that was disabled or paused behind our back (an UPDATE in psql) owes nothing.
  const schedule = isArmed(trigger) ? scheduleOf(trigger) : null
  if (schedule === null) return { trigger, disposals: [], next: null, looked: 0, standing }
  const { config } = trigger
  const owed = owedSlots(schedule, { from: cursor, now, limit: MAX_SLOTS })
  const plan = applyMisfire(owed, {
    schedule,
    exclusions: exclusionsOf(trigger, standing.calendars),
    now,
    policy: misfirePolicy(config),
    maxFires: Math.min(MAX_FIRES, room),
  })
  const cooldown = { ...cooldownOf(trigger), now }
  const decisions = applyOverlap(plan.decisions, startContext(trigger, standing), cooldown)
  // The slot that meets the limit is the last one owed: it says why there are no more.
  const hasEnded = decisions.some(decision => decision.kind === 'skip' && decision.reason === 'limit')
  return {
    trigger,
    disposals: decisions.map(decision => disposalOf(trigger, decision)),
    next: hasEnded ? null : plan.cursor,
    looked: owed.slots.length,
    standing: afterwards(standing, decisions, cooldown),
  }
}

function startContext({ config }: Trigger, standing: Standing): StartContext {
  return { ...standing, policy: startPolicy(config), left: maxFires(config) - standing.fired }
}

function afterwards(
  standing: Standing,
  decisions: readonly (Decision | Wait)[],
  { fireInstant, restsUntil, now }: Cooldown & { readonly now: Instant },
): Standing {
  const slots = (kind: 'fire' | 'buffer'): Instant[] =>
    decisions.flatMap(decision => (decision.kind === kind ? [decision.slot] : []))
  const [fires, buffered] = [slots('fire'), slots('buffer')]
  const last = fires.at(-1)
  return {
    ...standing,
    open: standing.open + fires.length,
    waiting: standing.waiting + buffered.length,
    fired: standing.fired + fires.length + buffered.length,
    restsUntil: last === undefined ? standing.restsUntil : restsUntil(fireInstant(last, now)),
  }
}

export interface RequestFate extends Pick<Disposal, 'disposition' | 'reason'> {
  /** What the next request of the same transaction meets. */
  readonly standing: Standing
}

/** What becomes of a request. Slots alone count for `max_fires`. */
export function disposeRequest(trigger: Trigger, standing: Standing, now: Instant): RequestFate {
  const verdict = judgeStart({ ...startContext(trigger, standing), left: Number.POSITIVE_INFINITY }, now)
  switch (verdict) {
    case 'fire': {
      const after = { ...standing, open: standing.open + 1, restsUntil: cooldownOf(trigger).restsUntil(now) }
      return { disposition: 'fired', reason: null, standing: after }
    }
    case 'buffer':
      return { disposition: 'buffered', reason: null, standing: { ...standing, waiting: standing.waiting + 1 } }
    default:
      return { disposition: 'skipped', reason: verdict, standing }
  }
}

function disposalOf(trigger: Trigger, decision: Decision | Wait): Disposal {
  const from = 'slot' in decision ? decision.slot : decision.from
  const base = { trigger, fireKey: slotKey(from) }
  if ('slot' in decision) {
    const disposition = decision.kind === 'fire' ? 'fired' : 'buffered'
    return { ...base, disposition, reason: null, slots: { from, until: from, count: 1 } }
  }
  const { kind, reason, until, count } = decision
  return { ...base, disposition: kind === 'coalesce' ? 'coalesced' : 'skipped', reason, slots: { from, until, count } }
}

/** Whether what becomes of a slot depends on the slots before it, though all are disposed of on time and nothing overlaps. */
export function dependsOnBefore(trigger: Trigger): boolean {
  return limitsFires(trigger) || rests(trigger)
}

/** Whether it matters how many slots it has fired. */
export function limitsFires(trigger: Trigger): boolean {
  return Number.isFinite(maxFires(trigger.config))
}

export function firstSlotAfter(trigger: Trigger, instant: Instant): Instant | null {
  return scheduleOf(trigger)?.next(instant) ?? null
}
