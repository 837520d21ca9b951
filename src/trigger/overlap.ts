// What becomes of fires for what was fired before: executions that are not over or have failed, a fire that is too recent, a
// limit that is reached.
import type { Cooldown } from './cooldown.ts'
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
  /** Whether it is to be paused, because its executions fail. */
  readonly failing: boolean
  /** It rests until then. */
  readonly restsUntil: Instant
}

/** What becomes of one more fire, which counts from `at`. What waits comes first, whatever room there is. */
export function judgeStart(
  { policy, open, waiting, left, failing, restsUntil }: StartContext,
  at: Instant,
): 'fire' | 'buffer' | 'paused' | 'limit' | 'cooldown' | 'overlap' {
  if (failing) return 'paused'
  if (left <= 0) return 'limit'
  if (at < restsUntil) return 'cooldown'
  if (open < policy.concurrency && (waiting === 0 || policy.buffer === 0)) return 'fire'
  return waiting < policy.buffer ? 'buffer' : 'overlap'
}

/** Decides about the fires among the decisions; what one of them takes is not there for the next. */
export function applyOverlap(
  decisions: readonly Decision[],
  context: StartContext,
  { fireInstant, restsUntil: restAfter, now }: Cooldown & { readonly now: Instant },
): (Decision | Wait)[] {
  const applied: (Decision | Wait)[] = []
  let { open, waiting, left, restsUntil } = context
  for (const decision of decisions) {
    if (decision.kind !== 'fire') {
      applied.push(decision)
      continue
    }
    const at = fireInstant(decision.slot, now)
    const verdict = judgeStart({ ...context, open, waiting, left, restsUntil }, at)
    if (verdict === 'fire' || verdict === 'buffer') {
      applied.push({ kind: verdict, slot: decision.slot })
      left--
      if (verdict === 'buffer') waiting++
      else {
        open++
        restsUntil = restAfter(at)
      }
    } else extend(applied, { kind: 'skip', reason: verdict }, decision.slot)
  }
  return applied
}
