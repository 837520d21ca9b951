// How long an attempt may take, and whether another one follows it. Pure.
import { retryDelay } from '../base/retry.ts'
import { type Failed, failed, type NodeError } from '../node/node-type.ts'
import type { NodePolicy, RetryPolicy } from '../workflow/workflow.ts'
import type { NodeState } from './state.ts'

const DEFAULT_TIMEOUT_MS = 30_000
const MAX_DELAY_MS = 300_000

/** Milliseconds that an attempt may take: none when its time was up before it could begin. */
export function allowance(policy: NodePolicy, state: NodeState, now: number): number {
  const { timeout_ms = DEFAULT_TIMEOUT_MS, total_timeout_ms: total } = policy
  const left = total === undefined ? Number.POSITIVE_INFINITY : endOfAll(total, state, now) - now
  return Math.max(0, Math.min(timeout_ms, left))
}

/** What an attempt comes to that took all of its allowance. */
export function timedOut({ timeout_ms = DEFAULT_TIMEOUT_MS, total_timeout_ms: total }: NodePolicy, ms: number): Failed {
  if (ms === timeout_ms) return failed('NODE_TIMEOUT', `took longer than ${ms} ms`, { retryable: true })
  return failed('NODE_TIMEOUT', `took longer than ${total} ms in all its attempts`)
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
