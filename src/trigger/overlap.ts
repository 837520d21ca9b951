// What becomes of fires while executions of the same trigger are not over, and once it has fired as often as it may.
import { type Decision, extend } from './misfire.ts'
import type { StartPolicy } from './start-policy.ts'
import type { Instant } from './trigger-type.ts'

/** A slot that waits for room. */
export interface Wait {
  readonly kind: 'buffer'
  readonly slot: Instant
}

export interface StartContext {
  readonly policy: StartPolicy
  /** Executions of the trigger that are not over. */
  readonly open: number
  /** Fires that wait for room. */
  readonly waiting: number
  /** How many more times it may fire. */
  readonly left: number
}

/** What becomes of one more fire. What waits comes first, whatever room there is. */
export function judgeStart({ policy, open, waiting, left }: StartContext): 'fire' | 'buffer' | 'overlap' | 'limit' {
  if (left <= 0) return 'limit'
  if (open < policy.concurrency && (waiting === 0 || policy.buffer === 0)) return 'fire'
  return waiting < policy.buffer ? 'buffer' : 'overlap'
}

/** Decides about the fires among the decisions; what one of them takes is not there for the next. */
export function applyOverlap(decisions: readonly Decision[], context: StartContext): (Decision | Wait)[] {
  const applied: (Decision | Wait)[] = []
  let { open, waiting, left } = context
  for (const decision of decisions) {
    if (decision.kind !== 'fire') {
      applied.push(decision)
      continue
    }
    const verdict = judgeStart({ ...context, open, waiting, left })
    if (verdict === 'fire' || verdict === 'buffer') {
      applied.push({ kind: verdict, slot: decision.slot })
      left--
      if (verdict === 'fire') open++
      else waiting++
    } else extend(applied, { kind: 'skip', reason: verdict }, decision.slot)
  }
  return applied
}
