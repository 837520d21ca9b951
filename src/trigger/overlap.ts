// What becomes of fires while executions of the same trigger are not over.
import type { Decision } from './misfire.ts'
import type { OverlapPolicy } from './trigger.ts'

/** Whether another execution may start beside `open` ones. */
export function mayStart(policy: OverlapPolicy, open: number): boolean {
  return policy === 'allow' || open === 0
}

/** Turns fires that may not start into skipped runs; what starts in this batch counts as open for the rest of it. */
export function applyOverlap(decisions: readonly Decision[], policy: OverlapPolicy, open: number): Decision[] {
  const applied: Decision[] = []
  for (const decision of decisions) {
    const last = applied.at(-1)
    if (decision.kind !== 'fire') {
      applied.push(decision)
    } else if (mayStart(policy, open)) {
      applied.push(decision)
      open++
    } else if (last?.kind === 'skip' && last.reason === 'overlap') {
      applied[applied.length - 1] = { ...last, until: decision.slot, count: last.count + 1 }
    } else {
      applied.push({ kind: 'skip', reason: 'overlap', from: decision.slot, until: decision.slot, count: 1 })
    }
  }
  return applied
}
