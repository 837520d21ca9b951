// A backfill fires slots of the past on request: those its rule names in a range, in their order, each once. Pure: what
// the range holds, and what becomes of its next slots. Dry run, count and the work itself walk the same slots.
import { scheduleOf } from './check.ts'
import { type Calendars, exclusionsOf } from './exclusion.ts'
import type { Disposal } from './fire.ts'
import { type Decision, extend } from './misfire.ts'
import { owedSlots } from './slots.ts'
import type { Trigger } from './trigger.ts'
import type { Instant, Schedule } from './trigger-type.ts'

/** `buffer_all`: each slot waits until no execution of the trigger is open. */
export const backfillOverlaps = ['allow', 'skip', 'buffer_all'] as const
export type BackfillOverlap = (typeof backfillOverlaps)[number]

/** Slots looked at in one go. */
const CHUNK_SLOTS = 1_000
const MINUTE_MS = 60_000
/** A rate makes up for so much of a delay, milliseconds. */
const LENIENCE_MS = 1_000

export interface Range {
  readonly from: Instant
  /** Exclusive. */
  readonly until: Instant
}

export interface PlannedSlot {
  readonly slot: Instant
  /** The calendar that excludes it. */
  readonly excludedBy: string | null
}

/** The fire key of a slot of a backfill. */
export function backfillKey(backfillId: string, slot: Instant): string {
  return `bf:${backfillId}:${new Date(slot).toISOString()}`
}

/** The slots of a range, in order. Throws when they cannot be computed. */
export function* plannedSlots(
  trigger: Trigger,
  { from, until, calendars }: Range & { calendars: Calendars },
): Generator<PlannedSlot> {
  const schedule = scheduleIn(trigger)
  const exclusions = exclusionsOf(trigger, calendars)
  for (let cursor: Instant | null = from; cursor !== null && cursor < until; ) {
    const { slots, next } = owedSlots(schedule, { from: cursor, now: until - 1, limit: CHUNK_SLOTS })
    for (const slot of slots) yield { slot, excludedBy: exclusions(slot)?.by ?? null }
    cursor = next
  }
}

export interface ChunkContext {
  readonly backfillId: string
  /** The earliest slot not disposed of. */
  readonly cursor: Instant
  readonly until: Instant
  readonly calendars: Calendars
  readonly overlap: BackfillOverlap
  /** Executions of the trigger that are not over, whatever fired them. */
  readonly open: number
  /** The most that may be fired now. */
  readonly room: number
}

export interface Chunk {
  readonly disposals: readonly Disposal[]
  /** Slots they dispose of, and how many of those are fired. */
  readonly done: number
  readonly fired: number
  /** The cursor after them; null when the range is through. */
  readonly next: Instant | null
}

/** What becomes of the next slots, as many as may be disposed of now. Throws when they cannot be computed. */
export function nextChunk(trigger: Trigger, context: ChunkContext): Chunk {
  const { backfillId, cursor, until, overlap, open, room } = context
  const schedule = scheduleIn(trigger)
  const exclusions = exclusionsOf(trigger, context.calendars)
  const owed = owedSlots(schedule, { from: cursor, now: until - 1, limit: CHUNK_SLOTS })
  const decisions: Decision[] = []
  let done = 0
  let fired = 0
  for (const slot of owed.slots) {
    const isOverlapping = overlap !== 'allow' && open + fired > 0
    if (exclusions(slot) !== null) extend(decisions, { kind: 'skip', reason: 'excluded' }, slot)
    else if (isOverlapping && overlap === 'skip') extend(decisions, { kind: 'skip', reason: 'overlap' }, slot)
    else if (isOverlapping || fired >= room) break
    else {
      decisions.push({ kind: 'fire', slot })
      fired++
    }
    done++
  }
  const next = owed.slots[done] ?? owed.next
  return {
    disposals: decisions.map(decision => disposalOf(trigger, backfillId, decision)),
    done,
    fired,
    next: next !== null && next < until ? next : null,
  }
}

function disposalOf(trigger: Trigger, backfillId: string, decision: Decision): Disposal {
  if (decision.kind === 'fire') {
    const { slot } = decision
    const slots = { from: slot, until: slot, count: 1 }
    const fireKey = backfillKey(backfillId, slot)
    return { trigger, fireKey, disposition: 'fired', reason: null, slots }
  }
  const { reason, from, until, count } = decision
  const slots = { from, until, count }
  return { trigger, fireKey: backfillKey(backfillId, from), disposition: 'skipped', reason, slots }
}

function scheduleIn(trigger: Trigger): Schedule {
  const schedule = scheduleOf(trigger)
  if (schedule === null) throw new Error(`a trigger of type ${trigger.type} has no slots`)
  return schedule
}

export interface Pace {
  /** Null: no limit. */
  readonly ratePerMinute: number | null
  /** Nothing fires before. */
  readonly notBefore: Instant
}

/** How many may be fired now. */
export function allowance({ ratePerMinute, notBefore }: Pace, now: Instant): number {
  if (ratePerMinute === null) return Number.POSITIVE_INFINITY
  if (now < notBefore) return 0
  return Math.floor(((now - countedFrom(notBefore, now)) * ratePerMinute) / MINUTE_MS) + 1
}

/** `notBefore` after so many fires. */
export function paceAfter({ ratePerMinute, notBefore }: Pace, fired: number, now: Instant): Instant {
  if (ratePerMinute === null || fired === 0) return notBefore
  return countedFrom(notBefore, now) + Math.ceil((fired * MINUTE_MS) / ratePerMinute)
}

function countedFrom(notBefore: Instant, now: Instant): Instant {
  return Math.max(notBefore, now - LENIENCE_MS)
}

export interface Course {
  readonly slotCount: number
  readonly doneCount: number
  readonly sinceAt: Date
  readonly sinceDone: number
}

/** When the last slot will have been disposed of, at the speed since it was started or resumed; null before there is one. */
export function estimatedEnd({ slotCount, doneCount, sinceAt, sinceDone }: Course, now: Date): Date | null {
  const took = now.getTime() - sinceAt.getTime()
  if (doneCount === sinceDone || took <= 0) return null
  return new Date(now.getTime() + Math.ceil(((slotCount - doneCount) * took) / (doneCount - sinceDone)))
}
