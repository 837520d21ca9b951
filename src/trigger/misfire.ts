// What becomes of owed slots: those on time fire, late ones follow the misfire policy. A run of slots that share a fate is
// one decision. Laws: every owed slot before the cursor is in exactly one decision, in order; a slot fares in a batch as
// it would in one large batch, so catching up may take many ticks. For that a batch must hold more slots than `max`.
import type { OwedSlots } from './slots.ts'
import type { MisfirePolicy } from './trigger.ts'
import type { Instant } from './trigger-type.ts'

export interface Fire {
  readonly kind: 'fire'
  readonly slot: Instant
}

/** A run of neighbouring slots disposed of for one reason. */
export interface Run {
  /** `coalesce`: a later slot fires in their place. */
  readonly kind: 'coalesce' | 'skip'
  readonly reason: 'misfire' | 'overlap'
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
  readonly now: Instant
  readonly policy: MisfirePolicy
  /** The most slots that may fire in this batch; the cursor stops before the others. */
  readonly maxFires: number
}

export function applyMisfire({ slots, next }: OwedSlots, { now, policy, maxFires }: MisfireContext): MisfirePlan {
  const lateBefore = now - policy.thresholdMs
  const late = countBefore(slots, lateBefore)
  const expired = countBefore(slots, Math.min(lateBefore, now - policy.catchUpWindowMs))
  // A slot is judged by the late ones after it, of which at least one may lie beyond this batch.
  const lateBeyond = next !== null && next < lateBefore ? 1 : 0
  const passedOver = Math.max(expired, Math.min(late, late + lateBeyond - lateFires(policy)))
  const skipped = policy.policy === 'fire_once' ? expired : passedOver
  const firing = lateBeyond > 0 ? [] : slots.slice(passedOver, passedOver + maxFires)
  return {
    decisions: [
      ...run('skip', slots.slice(0, skipped)),
      ...run('coalesce', slots.slice(skipped, passedOver)),
      ...firing.map(slot => ({ kind: 'fire', slot }) as const),
    ],
    cursor: slots[passedOver + firing.length] ?? next,
  }
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

function run(kind: Run['kind'], slots: readonly Instant[]): Run[] {
  const [from] = slots
  const until = slots.at(-1)
  if (from === undefined || until === undefined) return []
  return [{ kind, reason: 'misfire', from, until, count: slots.length }]
}
