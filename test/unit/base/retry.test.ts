import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Backoff, retryAfterMs, retryDelay } from '../../../src/base/retry.ts'

const shapes = ['constant', 'linear', 'exponential'] as const
const policies = fc.record({
  backoff: fc.constantFrom(...shapes),
  delay_ms: fc.nat(1e6),
  max_delay_ms: fc.nat(1e9),
})
const attempts = fc.integer({ min: 1, max: 2000 })
const chances = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const failures = fc.record({ attempt: attempts, retryAfter: fc.nat(86_400_000) })

const ALMOST_ONE = 1 - 2 ** -53
const longest = (backoff: Backoff['backoff'], attempt: number): number =>
  Math.ceil(retryDelay({ backoff, delay_ms: 1000, max_delay_ms: 10_000 }, { attempt }, ALMOST_ONE) / 10) * 10

test('constant back-off stays, linear adds, exponential doubles, and all stop at the longest pause', () => {
  expect([1, 2, 3, 4, 5].map(attempt => longest('constant', attempt))).toEqual([1000, 1000, 1000, 1000, 1000])
  expect([1, 2, 3, 4, 5].map(attempt => longest('linear', attempt))).toEqual([1000, 2000, 3000, 4000, 5000])
  expect([1, 2, 3, 4, 5].map(attempt => longest('exponential', attempt))).toEqual([1000, 2000, 4000, 8000, 10_000])
})

test('a pause is a whole number of milliseconds between the floor and the longest pause above it', () => {
  fc.assert(
    fc.property(policies, failures, chances, (policy, failure, random) => {
      const delay = retryDelay(policy, failure, random)
      expect(Number.isSafeInteger(delay)).toBe(true)
      expect(delay).toBeGreaterThanOrEqual(failure.retryAfter)
      expect(delay).toBeLessThanOrEqual(failure.retryAfter + policy.max_delay_ms)
    }),
  )
})

test('with the same luck a later attempt never waits less', () => {
  fc.assert(
    fc.property(policies, attempts, chances, (policy, attempt, random) => {
      const next = retryDelay(policy, { attempt: attempt + 1 }, random)
      expect(next).toBeGreaterThanOrEqual(retryDelay(policy, { attempt }, random))
    }),
  )
})

test('the jitter is full: no luck means no back-off at all', () => {
  fc.assert(
    fc.property(policies, attempts, (policy, attempt) => {
      expect(retryDelay(policy, { attempt }, 0)).toBe(0)
    }),
  )
})

const noon = 'Sun, 06 Nov 1994 12:00:00 GMT'

test.each([
  ['120', noon, 120_000],
  ['0', undefined, 0],
  ['Sun, 06 Nov 1994 12:00:30 GMT', noon, 30_000],
  ['Sunday, 06-Nov-94 12:01:00 GMT', noon, 60_000],
  ['Sun, 06 Nov 1994 11:00:00 GMT', noon, 0],
  ['Sun, 06 Nov 1994 12:00:30 GMT', undefined, undefined],
  ['999999999', noon, 86_400_000],
  ['soon', noon, undefined],
  ['-5', noon, undefined],
  ['1.5', noon, undefined],
  ['', noon, undefined],
  [undefined, noon, undefined],
])('Retry-After %j in an answer of %j means %j ms', (retryAfter, date, expected) => {
  const headers = {
    ...(retryAfter !== undefined && { 'retry-after': retryAfter }),
    ...(date !== undefined && { date }),
  }
  expect(retryAfterMs(headers)).toBe(expected)
})

test.each([
  ['1500', 1500],
  ['12.3', 13],
  ['999999999', 86_400_000],
  ['soon', 7000],
])('retry-after-ms %j comes before Retry-After: %i ms', (exact, expected) => {
  expect(retryAfterMs({ 'retry-after-ms': exact, 'retry-after': '7' })).toBe(expected)
})

test.each([Number.NaN, Number.POSITIVE_INFINITY, -1e300, 1e300, 'soon' as unknown as number])(
  'a wish to wait for %s makes a pause of a day at most',
  retryAfter => {
    const policy = { backoff: 'constant', delay_ms: 1_000, max_delay_ms: 1_000 } as const
    const delay = retryDelay(policy, { attempt: 1, retryAfter }, 0.5)
    expect(delay).toBeGreaterThanOrEqual(500)
    expect(delay).toBeLessThanOrEqual(86_400_500)
  },
)
