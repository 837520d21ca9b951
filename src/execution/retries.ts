// How long an attempt may take, and whether another one follows it. Pure.
import { retryDelay } from '../base/retry.ts'
import { type Failed, failed, type NodeError } from '../node/node-type.ts'
import type { NodePolicy, RetryPolicy } from '../workflow/workflow.ts'
import type { NodeState } from './state.ts'

const DEFAULT_TIMEOUT_MS = 30_000
const MAX_DELAY_MS = 300_000

/** Of an attempt: milliseconds, which are none when its time was up before it could begin; and what it comes to after them. */
export interface Allowance {
  readonly ms: number
  readonly timedOut: Failed
}

export function allowance(policy: NodePolicy, state: NodeState, now: number): Allowance {
  const { timeout_ms = DEFAULT_TIMEOUT_MS, total_timeout_ms: total } = policy
  const left = total === undefined ? Number.POSITIVE_INFINITY : endOfAll(total, state, now) - now
  if (timeout_ms <= left)
    return {
      ms: timeout_ms,
      timedOut: failed('NODE_TIMEOUT', `took longer than ${timeout_ms} ms`, { retryable: true }),
    }
  return { ms: Math.max(0, left), timedOut: failed('NODE_TIMEOUT', `took longer than ${total} ms in all its attempts`) }
}

/** When the next attempt begins; undefined when the failure is for good. `random` as in `retryDelay`. */
export function nextAttemptAt(
  { retry, total_timeout_ms: total }: NodePolicy,
  state: NodeState,
  { error, at, random }: { error: NodeError; at: Date; random: number },
): Date | undefined {
  const attempt = state.attempt - state.lost
  if (retry === undefined || attempt >= (retry.max_attempts ?? 3) || !isWorthIt(retry, error)) return undefined
  const backoff = {
    backoff: retry.backoff ?? 'exponential',
    delay_ms: retry.delay_ms ?? 1_000,
    max_delay_ms: retry.max_delay_ms ?? MAX_DELAY_MS,
  } as const
  const next = at.getTime() + retryDelay(backoff, { attempt, retryAfter: error.retryAfter }, random)
  return total !== undefined && next >= endOfAll(total, state, at.getTime()) ? undefined : new Date(next)
}

function isWorthIt({ retry_on, give_up_on = [] }: RetryPolicy, { code, retryable }: NodeError): boolean {
  return !give_up_on.includes(code) && (retry_on?.includes(code) ?? retryable)
}

/** When the time of all attempts is up, in milliseconds of the epoch. */
function endOfAll(total: number, { startedAt }: NodeState, now: number): number {
  return (startedAt?.getTime() ?? now) + total
}
