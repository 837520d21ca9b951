// What people ask about a trigger's past and future, with what the database holds: explain and history.
import { MbflowError } from '../base/errors.ts'
import type { Pool } from '../db/pool.ts'
import { createExplainer, type Explanation } from './explain.ts'
import { findTrigger } from './find.ts'
import {
  findEntry,
  holdSnapshot,
  type LedgerEntry,
  listEntries,
  loadBackfillFires,
  loadEntries,
  loadSpecs,
} from './past-store.ts'
import { rulesOf, slotsBetween } from './rules.ts'
import { subjectOf } from './subject.ts'
import type { Trigger } from './trigger.ts'
import type { Instant } from './trigger-type.ts'

export type { LedgerEntry } from './past-store.ts'

/** Instants (two for a local time that comes twice), or the slots of a range. */
export type Asked =
  | { readonly kind: 'instants'; readonly at: readonly Instant[] }
  | { readonly kind: 'range'; readonly from: Instant; readonly until: Instant; readonly count: number }

export interface LookedBack extends Explanation {
  /** Fires of backfills for the slot, whatever became of it in its time. */
  readonly backfills: readonly LedgerEntry[]
}

export interface Explained {
  readonly trigger: Trigger
  readonly now: Date
  readonly explanations: readonly LookedBack[]
  /** Of a range with more slots than were asked for: where to go on. */
  readonly next: Date | null
}

/** `asked` is given the trigger, on whose clock a time may be meant. Throws TRIGGER_NOT_FOUND, NAME_AMBIGUOUS. */
export function explainTrigger(pool: Pool, word: string, asked: (trigger: Trigger) => Asked): Promise<Explained> {
  return pool.transaction(async tx => {
    await holdSnapshot(tx)
    const subject = await subjectOf(tx, await findTrigger(tx, word))
    const { trigger, prospect } = subject
    const specs = await loadSpecs(tx, trigger.id)
    const question = asked(trigger)
    const { instants, next } =
      question.kind === 'instants'
        ? { instants: question.at, next: null }
        : pageOf(
            slotsBetween(rulesOf(trigger, specs, prospect.now), { ...question, count: question.count + 1 }),
            question,
          )
    const [first, last] = [instants[0], instants.at(-1)]
    const range = { triggerId: trigger.id, from: new Date(first ?? 0), until: new Date(last ?? 0) }
    const [entries, backfills] =
      first === undefined ? [[], []] : await Promise.all([loadEntries(tx, range), loadBackfillFires(tx, range)])
    const explain = createExplainer(subject, { specs, entries })
    return {
      trigger,
      now: new Date(prospect.now),
      explanations: instants.map(at => ({
        ...explain(at),
        backfills: backfills.filter(({ slotAt }) => slotAt?.getTime() === at),
      })),
      next,
    }
  })
}

function pageOf(slots: readonly Instant[], { count }: { count: number }): { instants: Instant[]; next: Date | null } {
  const next = slots[count]
  return { instants: slots.slice(0, count), next: next === undefined ? null : new Date(next) }
}

export interface HistoryQuery {
  /** The fire key of the last entry of the page before. */
  readonly before?: string
  readonly limit: number
}

/** The ledger of a trigger, what was decided last first. Throws TRIGGER_NOT_FOUND, NAME_AMBIGUOUS, INPUT_INVALID. */
export async function triggerHistory(
  pool: Pool,
  word: string,
  { before, limit }: HistoryQuery,
): Promise<LedgerEntry[]> {
  const { id } = await findTrigger(pool, word)
  if (before === undefined) return listEntries(pool, { triggerId: id, before: null, limit })
  const decidedAt = await findEntry(pool, { triggerId: id, fireKey: before })
  if (decidedAt === undefined) {
    throw new MbflowError('INPUT_INVALID', `${word} has no fire with the key ${before}`, {
      hint: 'give the fire key of the last line of the page before',
    })
  }
  return listEntries(pool, { triggerId: id, before: { decidedAt, fireKey: before }, limit })
}
