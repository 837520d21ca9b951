// What becomes of owed slots: those on time fire, late ones follow the misfire policy. A run of slots that share a fate is
// one entry. Laws: every owed slot before the cursor is in exactly one entry, in order; what is decided for a slot in one
// batch is what would have been decided for it in one large batch, so catching up may take many ticks.
import type { MisfirePolicy } from './trigger.ts'
import type { OwedSlots } from './slots.ts'
import type { Instant } from './trigger-type.ts'

export interface FireEntry {
  readonly kind: 'fire'
  readonly slot: Instant
}

/** A run of neighbouring slots disposed of for one reason. */
export interface RunEntry {
  /** `coalesce`: a later slot fires in their place. */
  readonly kind: 'coalesce' | 'skip'
  readonly reason: 'misfire' | 'overlap'
  readonly from: Instant
  readonly until: Instant
  readonly count: number
}

export type SlotEntry = FireEntry | RunEntry

export interface Settlement {
  readonly entries: readonly SlotEntry[]
  /** The earliest slot not disposed of; null when the schedule has no more. */
  readonly cursor: Instant | null
}

export interface MisfireContext {
  readonly now: Instant
  readonly policy: MisfirePolicy
  /** The most slots that may fire in this batch. */
  readonly maxFires: number
}

/**
 * How many late slots the policy lets fire, from the last one backwards. A slot counts only late ones after it, so the
 * answer does not depend on how the slots are cut into batches.
 */
function lateFires({ policy, max }: MisfirePolicy): number {
  if (policy === 'skip') return 0
  return policy === 'fire_once' ? 1 : max
}
