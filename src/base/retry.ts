// When to try again. Pure: chance and the server's wish are arguments.
//
// 1. Full jitter: the pause lies anywhere between nothing and the back-off of the attempt, so that what failed together
//    does not come back together.
// 2. The back-off never exceeds `max_delay_ms` and never shrinks from one attempt to the next.
// 3. Retry-After is a floor, and the jitter comes on top of it; no server and no executor puts a node to sleep by it for
//    longer than a day.

export interface Backoff {
  readonly backoff: 'constant' | 'linear' | 'exponential'
  /** The back-off after the first attempt, milliseconds. */
  readonly delay_ms: number
  readonly max_delay_ms: number
}

export interface FailedAttempt {
  /** The first is 1. */
  readonly attempt: number
  /** Milliseconds the other side asked to wait. */
  readonly retryAfter?: number | undefined
}

/** Milliseconds to wait before the next attempt. `random` is in [0, 1). */
export function retryDelay(policy: Backoff, { attempt, retryAfter = 0 }: FailedAttempt, random: number): number {
  const backoff = Math.min(policy.max_delay_ms, policy.delay_ms * growth(policy.backoff, attempt))
  const asked = retryAfter > 0 ? Math.min(retryAfter, LONGEST_RETRY_AFTER_MS) : 0 // also what is no number
  return asked + Math.floor(random * backoff)
}

function growth(backoff: Backoff['backoff'], attempt: number): number {
  switch (backoff) {
    case 'constant':
      return 1
    case 'linear':
      return attempt
    case 'exponential':
      return 2 ** Math.min(attempt - 1, 40) // finite, and beyond any pause
  }
}

const LONGEST_RETRY_AFTER_MS = 24 * 60 * 60 * 1000
const HTTP_DATE = /^[A-Z][a-z]+, .+ GMT$/

/**
 * Milliseconds the headers of an answer ask to wait, at most a day. Of `Retry-After` a date is measured against the answer's own `Date`, so that no clock of ours matters. Undefined when they
 * say nothing usable.
 */
export function retryAfterMs(headers: Readonly<Record<string, string>>): number | undefined {
  const { 'retry-after-ms': exact = '', 'retry-after': retryAfter, date } = headers
  if (/^\d+(\.\d+)?$/.test(exact)) return Math.min(Math.ceil(Number(exact)), LONGEST_RETRY_AFTER_MS)
  if (retryAfter === undefined) return undefined
  const wait = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : httpDate(retryAfter) - httpDate(date)
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), LONGEST_RETRY_AFTER_MS)
}

function httpDate(text = ''): number {
  return HTTP_DATE.test(text) ? Date.parse(text) : Number.NaN
}
