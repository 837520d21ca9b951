// What an edit does to the slots that fire in a range: which it adds, which it removes, which it moves.
//
// 1. A removed slot and an added one next to each other, with no slot that stays between them, are one slot that moved;
//    of two such neighbours the nearer one, of equally near ones the earlier one.
// 2. What is compared are foreseen fires: an excluded slot, or one after the limit, is none.
import { MbflowError } from '../base/errors.ts'
import { foreseenFires, type Prospect } from './foresee.ts'
import type { Trigger } from './trigger.ts'
import type { Instant } from './trigger-type.ts'

/** Fires of each side that are compared at most. */
const MAX_FIRES = 100_000

export interface SlotChange {
  readonly change: 'added' | 'removed' | 'moved'
  /** Null when it is added. */
  readonly from: Date | null
  /** Null when it is removed. */
  readonly to: Date | null
}

export interface Simulation {
  /** How many slots fire in the range now, and after the edit. */
  readonly before: number
  readonly after: number
  readonly kept: number
  readonly added: number
  readonly removed: number
  readonly moved: number
  readonly changes: readonly SlotChange[]
}

export interface Side {
  readonly trigger: Trigger
  readonly prospect: Prospect
}

/** The fires in [from, until) of a trigger as it stands (null: there is none) and as edited. Throws INPUT_INVALID. */
export function simulate(
  { present, edited }: { present: Side | null; edited: Side },
  range: { from: Instant; until: Instant },
): Simulation {
  const [before, after] = [present === null ? [] : firesOf(present, range), firesOf(edited, range)]
  const changes = compare(before, after)
  const count = (kind: SlotChange['change']): number => changes.filter(({ change }) => change === kind).length
  const [added, removed, moved] = [count('added'), count('removed'), count('moved')]
  const kept = before.length - removed - moved
  return { before: before.length, after: after.length, kept, added, removed, moved, changes }
}

function firesOf({ trigger, prospect }: Side, range: { from: Instant; until: Instant }): Instant[] {
  const fires = foreseenFires(trigger, prospect, { ...range, most: MAX_FIRES + 1 })
  if (fires.length <= MAX_FIRES) return fires
  throw new MbflowError('INPUT_INVALID', `there are more than ${MAX_FIRES.toLocaleString('en')} slots in this range`, {
    hint: 'choose a shorter one with --from and --to',
  })
}

interface Changed {
  readonly at: Instant
  readonly change: 'added' | 'removed'
}

function compare(before: readonly Instant[], after: readonly Instant[]): SlotChange[] {
  const changes: SlotChange[] = []
  let stretch: Changed[] = []
  let [b, a] = [0, 0]
  while (b < before.length || a < after.length) {
    const [old = Number.POSITIVE_INFINITY, now = Number.POSITIVE_INFINITY] = [before[b], after[a]]
    if (old <= now) b++
    if (now <= old) a++
    if (old === now) {
      changes.push(...pair(stretch))
      stretch = []
    } else stretch.push(old < now ? { at: old, change: 'removed' } : { at: now, change: 'added' })
  }
  return [...changes, ...pair(stretch)]
}

/** Of ascending changes with no slot that stays between them. */
function pair(changed: readonly Changed[]): SlotChange[] {
  const pairs: SlotChange[] = []
  for (let i = 0; i < changed.length; i++) {
    const [one, next] = [changed[i], changed[i + 1]]
    if (one === undefined) continue
    if (
      next !== undefined &&
      gap(one, next) < Number.POSITIVE_INFINITY &&
      gap(one, next) <= gap(next, changed[i + 2])
    ) {
      const [from, to] = one.change === 'removed' ? [one, next] : [next, one]
      pairs.push({ change: 'moved', from: new Date(from.at), to: new Date(to.at) })
      i++
    } else if (one.change === 'removed') pairs.push({ change: 'removed', from: new Date(one.at), to: null })
    else pairs.push({ change: 'added', from: null, to: new Date(one.at) })
  }
  return pairs
}

/** How far one may have moved to the other; endless for two of a kind. */
function gap(one: Changed, other: Changed | undefined): number {
  return other === undefined || other.change === one.change ? Number.POSITIVE_INFINITY : other.at - one.at
}
