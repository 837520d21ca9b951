// What becomes of the slots a trigger owes: slots → misfire → overlap → disposals. Pure; the poller and edits carry it out.

import { scheduleOf } from './check.ts'
import type { Disposal } from './fire.ts'
import { applyMisfire, type Decision } from './misfire.ts'
import { applyOverlap } from './overlap.ts'
import { owedSlots } from './slots.ts'
import { inputOf, misfirePolicy, overlapPolicy, slotKey, type Trigger } from './trigger.ts'
import type { Instant } from './trigger-type.ts'

/** Slots looked at, and fires decided, for one trigger in one go. */
const MAX_SLOTS = 10_000
const MAX_FIRES = 1_000

export interface Owing {
  /** The earliest slot not disposed of. */
  readonly cursor: Instant
  readonly now: Instant
  /** Executions of the trigger that are not over. */
  readonly open: number
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
}

/** Throws when the slots cannot be computed. */
export function disposeOwed(trigger: Trigger, { cursor, now, open, room }: Owing): Disposed {
  // A trigger that was disabled behind our back (an UPDATE in psql) owes nothing.
  const schedule = trigger.enabled ? scheduleOf(trigger) : null
  if (schedule === null) return { trigger, disposals: [], next: null, looked: 0 }
  const owed = owedSlots(schedule, { from: cursor, now, limit: MAX_SLOTS })
  const policy = misfirePolicy(trigger.config)
  const { decisions, cursor: next } = applyMisfire(owed, { now, policy, maxFires: Math.min(MAX_FIRES, room) })
  const disposals = applyOverlap(decisions, overlapPolicy(trigger.config), open).map(decision =>
    disposalOf(trigger, decision),
  )
  return { trigger, disposals, next, looked: owed.slots.length }
}

function disposalOf(trigger: Trigger, decision: Decision): Disposal {
  const from = decision.kind === 'fire' ? decision.slot : decision.from
  const base = { trigger, fireKey: slotKey(from), input: inputOf(trigger.config) }
  if (decision.kind === 'fire')
    return { ...base, disposition: 'fired', reason: null, slots: { from, until: from, count: 1 } }
  const { kind, reason, until, count } = decision
  return { ...base, disposition: kind === 'coalesce' ? 'coalesced' : 'skipped', reason, slots: { from, until, count } }
}

/** Whether open executions matter to what becomes of its slots. */
export function limitsOverlap(trigger: Trigger): boolean {
  return overlapPolicy(trigger.config) !== 'allow'
}

export function firstSlotAfter(trigger: Trigger, instant: Instant): Instant | null {
  return scheduleOf(trigger)?.next(instant) ?? null
}
