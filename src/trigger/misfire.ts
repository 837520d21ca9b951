// What becomes of owed slots: excluded ones never fire, those on time do, late ones follow the misfire policy. A run of
// neighbouring slots that share a fate is one decision. Laws: every owed slot before the cursor is in exactly one
// decision, in order; a slot fares in a batch as it would in one large batch, so catching up may take many ticks.
import type { Exclusions } from './exclusion.ts'
import type { MisfirePolicy } from './schedule-policy.ts'
import type { OwedSlots } from './slots.ts'
import type { Instant, Schedule } from './trigger-type.ts'

export interface Fire {
  readonly kind: 'fire'
  readonly slot: Instant
}

/** A run of neighbouring slots disposed of for one reason. */
export interface Run {
  /** `coalesce`: a later slot fires in their place. */
  readonly kind: 'coalesce' | 'skip'
  readonly reason: 'excluded' | 'misfire' | 'paused' | 'limit' | 'cooldown' | 'overlap'
  readonly from: Instant
  readonly until: Instant
  readonly count: number
}

export type Decision = Fire | Run

export interface MisfirePlan {
  readonly decisions: readonly Decision[]
  /** The earliest slot not disposed of; null when the schedule has no more. */
  readonly cursor: Instant | null
}

export interface MisfireContext {
  /** Whose slots they are: a slot is judged by the late ones that follow, of which some may lie beyond the batch. */
  readonly schedule: Schedule
  readonly exclusions: Exclusions
  readonly now: Instant
  readonly policy: MisfirePolicy
  /** The most slots that may fire in this batch; the cursor stops before the others. */
  readonly maxFires: number
}

export function applyMisfire({ slots, next }: OwedSlots, context: MisfireContext): MisfirePlan {
  const { exclusions, now, policy, maxFires } = context
  const lateBefore = now - policy.thresholdMs
  const candidates = slots.filter(slot => exclusions(slot) === null)
  const late = countBefore(candidates, lateBefore)
  const expired = countBefore(candidates, Math.min(lateBefore, now - policy.catchUpWindowMs))
  const wanted = lateFires(policy)
  const beyond = countCandidates(next, { ...context, until: lateBefore, most: wanted })
  const passedOver = Math.max(expired, Math.min(late, late + beyond - wanted))
  const skipped = policy.policy === 'fire_once' ? expired : passedOver
  const cursor = candidates[passedOver + maxFires] ?? next
  return { decisions: decide(slots, { candidates, skipped, passedOver, cursor }), cursor }
}

interface Fates {
  /** Slots that are not excluded. */
  readonly candidates: readonly Instant[]
  /** How many of them, from the first on, are skipped; and how many are skipped or coalesced. */
  readonly skipped: number
  readonly passedOver: number
  readonly cursor: Instant | null
}

function decide(slots: readonly Instant[], { candidates, skipped, passedOver, cursor }: Fates): Decision[] {
  const decisions: Decision[] = []
  let index = 0
  for (const slot of slots) {
    if (slot === cursor) break
    if (slot !== candidates[index]) extend(decisions, { kind: 'skip', reason: 'excluded' }, slot)
    else if (index++ >= passedOver) decisions.push({ kind: 'fire', slot })
    else extend(decisions, { kind: index <= skipped ? 'skip' : 'coalesce', reason: 'misfire' }, slot)
  }
  return decisions
}

/** Adds a slot to the last decision if that is a run of the same fate, else to a run of its own. */
export function extend<One extends { readonly kind: string }>(
  decisions: (One | Run)[],
  { kind, reason }: Pick<Run, 'kind' | 'reason'>,
  slot: Instant,
): void {
  const last = decisions.at(-1)
  if (last !== undefined && 'count' in last && last.kind === kind && last.reason === reason)
    decisions[decisions.length - 1] = { ...last, until: slot, count: last.count + 1 }
  else decisions.push({ kind, reason, from: slot, until: slot, count: 1 })
}

/** How many late slots the policy lets fire, counted from the last one backwards. */
function lateFires({ policy, max }: MisfirePolicy): number {
  if (policy === 'skip') return 0
  return policy === 'fire_once' ? 1 : max
}

/** How many of the ascending slots are before an instant. */
function countBefore(slots: readonly Instant[], instant: Instant): number {
  const index = slots.findIndex(slot => slot >= instant)
  return index < 0 ? slots.length : index
}

interface Counting extends Pick<MisfireContext, 'schedule' | 'exclusions'> {
  readonly until: Instant
  readonly most: number
}

/** How many slots from `first` on and before `until` are not excluded, as far as `most`. */
function countCandidates(first: Instant | null, { schedule, exclusions, until, most }: Counting): number {
  let count = 0
  for (let slot = first; slot !== null && slot < until && count < most; ) {
    const exclusion = exclusions(slot)
    if (exclusion === null) count++
    slot = schedule.next(exclusion === null ? slot : exclusion.until - 1)
  }
  return count
}
