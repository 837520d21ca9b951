// Whether another attempt follows, when, and how long it may take.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { allowance, nextAttemptAt, timedOut } from '../../../src/execution/retries.ts'
import { type NodeState, UNTOUCHED } from '../../../src/execution/state.ts'
import type { NodeError } from '../../../src/node/node-type.ts'
import type { NodePolicy, RetryPolicy } from '../../../src/workflow/workflow.ts'
import { START } from '../../support/pure-run.ts'

const at = START.getTime()
const nth = (attempt: number, more: Partial<NodeState> = {}): NodeState => ({
  ...UNTOUCHED,
  status: 'running',
  startedAt: START,
  attempt,
  ...more,
})
const error = (more: Partial<NodeError> = {}): NodeError => ({
  code: 'BUSY',
  message: 'later',
  retryable: true,
  ...more,
})

/** Milliseconds until the next attempt; null when there is none. The longest pause there can be, unless luck says otherwise. */
function pause(
  policy: NodePolicy,
  {
    state = nth(1),
    because = error(),
    luck = 1 - 1e-9,
  }: { state?: NodeState; because?: NodeError; luck?: number } = {},
): number | null {
  const next = nextAttemptAt(policy, state, { error: because, at: START, random: luck })
  return next === undefined ? null : next.getTime() - at
}

const pauses = (retry: RetryPolicy): (number | null)[] =>
  [1, 2, 3, 4, 5].map(attempt => {
    const ms = pause({ retry: { max_attempts: 6, ...retry } }, { state: nth(attempt) })
    return ms === null ? null : ms + 1
  })

test('the longest pauses are constant, linear or exponential, and none is longer than the cap', () => {
  expect(pauses({ backoff: 'constant', delay_ms: 100 })).toEqual([100, 100, 100, 100, 100])
  expect(pauses({ backoff: 'linear', delay_ms: 100 })).toEqual([100, 200, 300, 400, 500])
  expect(pauses({ backoff: 'exponential', delay_ms: 100 })).toEqual([100, 200, 400, 800, 1600])
  expect(pauses({ backoff: 'exponential', delay_ms: 100, max_delay_ms: 300 })).toEqual([100, 200, 300, 300, 300])
})

test('without more it is exponential, from a second on, at most five minutes, three attempts in all', () => {
  expect(pauses({})).toEqual([1000, 2000, 4000, 8000, 16000])
  expect(pause({ retry: { max_attempts: 20 } }, { state: nth(19) })).toBe(299_999)
  expect([pause({ retry: {} }, { state: nth(2) }), pause({ retry: {} }, { state: nth(3) })]).toEqual([1999, null])
})

test('without a policy there is one attempt', () => {
  expect(pause({})).toBeNull()
})

test('attempts that were lost do not count', () => {
  expect(pause({ retry: {} }, { state: nth(5, { lost: 3 }) })).toBe(1999)
})

test('law: the pause lies anywhere between nothing and the longest, and what a server asked for comes before it', () => {
  const policy = { retry: { backoff: 'constant', delay_ms: 1_000 } } as const
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(100_000), (luck, retryAfter) => {
      const ms = pause(policy, { luck, because: error({ retryAfter }) }) ?? Number.NaN
      expect(ms).toBeGreaterThanOrEqual(retryAfter)
      expect(ms).toBeLessThan(retryAfter + 1_000)
    }),
  )
  expect(pause(policy, { luck: 0 })).toBe(0)
})

test.each([
  ['what may pass, without a word about it', {}, { code: 'BUSY', retryable: true }, true],
  ['what does not pass', {}, { code: 'BUSY', retryable: false }, false],
  [
    'a code that is named, whether it may pass or not',
    { retry_on: ['BUSY'] },
    { code: 'BUSY', retryable: false },
    true,
  ],
  ['a code that is not named, though it may pass', { retry_on: ['BUSY'] }, { code: 'OTHER', retryable: true }, false],
  ['a code to give up on, though it may pass', { give_up_on: ['BUSY'] }, { code: 'BUSY', retryable: true }, false],
  ['any other than the one to give up on', { give_up_on: ['BUSY'] }, { code: 'OTHER', retryable: true }, true],
] as const)('another attempt after %s', (...row) => {
  const [, retry, because, isTried] = row
  expect(pause({ retry }, { because: error(because) }) !== null).toBe(isTried)
})

test('no attempt begins once the time of all of them is up', () => {
  const policy = { total_timeout_ms: 10_000, retry: { backoff: 'constant', delay_ms: 1_000 } } as const
  const since = (ms: number): NodeState => nth(1, { startedAt: new Date(at - ms) })
  expect(pause(policy, { state: since(9_000) })).toBe(999)
  expect(pause(policy, { state: since(9_500) })).toBeNull()
  expect(pause(policy, { state: since(0), because: error({ retryAfter: 20_000 }) })).toBeNull()
})

test('an attempt gets its own time, or what is left of that of all, after which there is no other', () => {
  const allowed = (policy: NodePolicy, begun = 0): [number, boolean] => {
    const ms = allowance(policy, nth(1, { startedAt: new Date(at - begun) }), at)
    return [ms, timedOut(policy, ms).error.retryable]
  }
  expect(allowed({})).toEqual([30_000, true])
  expect(allowed({ timeout_ms: 500 })).toEqual([500, true])
  expect(allowed({ timeout_ms: 500, total_timeout_ms: 2_000 }, 1_000)).toEqual([500, true])
  expect(allowed({ timeout_ms: 500, total_timeout_ms: 2_000 }, 1_800)).toEqual([200, false])
  expect(allowed({ timeout_ms: 500, total_timeout_ms: 2_000 }, 60_000)).toEqual([0, false])
})
