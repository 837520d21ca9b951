// What becomes of fires while executions of the same trigger are not over, and once it has fired as often as it may.
import { type Decision, extend } from './misfire.ts'
import type { OverlapPolicy } from './trigger.ts'

/** Whether another execution may start beside `open` ones. */
export function mayStart(policy: OverlapPolicy, open: number): boolean {
  return policy === 'allow' || open === 0
}

export interface StartContext {
  readonly policy: OverlapPolicy
  /** Executions of the trigger that are not over. */
  readonly open: number
  /** How many more times it may fire. */
  readonly left: number
}

/** Turns fires that may not start into skipped runs; what starts in this batch counts for the rest of it. */
export function applyOverlap(decisions: readonly Decision[], { policy, open, left }: StartContext): Decision[] {
  const applied: Decision[] = []
  let started = 0
  for (const decision of decisions) {
    if (decision.kind !== 'fire') applied.push(decision)
    else if (started >= left) extend(applied, { kind: 'skip', reason: 'limit' }, decision.slot)
    else if (!mayStart(policy, open + started)) extend(applied, { kind: 'skip', reason: 'overlap' }, decision.slot)
    else {
      applied.push(decision)
      started++
    }
  }
  return applied
}
