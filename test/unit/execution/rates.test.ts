// Buckets of tokens: how often executions may begin.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { evolve, fold } from '../../../src/execution/evolve.ts'
import { gateAhead, judgeArrivals } from '../../../src/execution/gates.ts'
import { afterTaking, type Bucket, timesAt, tokensIn } from '../../../src/execution/rates.ts'
import { initialState } from '../../../src/execution/state.ts'
import type { RateLimit } from '../../../src/workflow/workflow.ts'
import { planOf } from '../../support/plans.ts'

const bucket = (missing: number, rate?: RateLimit, { waiting = 0, elapsed = 0 } = {}): Bucket => ({
  key: 'w',
  missing,
  elapsed,
  waiting,
  settings: rate ? { rate } : {},
})
const tenAMinute: RateLimit = { limit: 10, period_ms: 60_000 }

test('a full bucket holds as many tokens as the limit, or as burst says', () => {
  expect(tokensIn(bucket(0, tenAMinute))).toBe(10)
  expect(tokensIn(bucket(1, { ...tenAMinute, burst: 3 }, { elapsed: 3_600_000 }))).toBe(3)
})

test('a token comes in every period divided by the limit', () => {
  expect([0, 5_999, 6_000, 12_000].map(elapsed => tokensIn(bucket(10, tenAMinute, { elapsed })))).toEqual([0, 0, 1, 2])
})

test('who waits is let begin when the next token is there', () => {
  expect(afterTaking(bucket(0, tenAMinute), 10)).toEqual({ missing: 10, fullIn: 60_000, tokenIn: 6_000 })
  expect(afterTaking(bucket(10, tenAMinute, { elapsed: 2_000 }), 0).tokenIn).toBeCloseTo(4_000)
  expect(afterTaking(bucket(0, tenAMinute), 9).tokenIn).toBe(0)
})

test('who began before others counts what had come in by then, and gives nothing back', () => {
  const late = bucket(9, tenAMinute, { elapsed: -1_000 })
  expect(tokensIn(late)).toBe(0)
  expect(afterTaking(late, 0)).toEqual({ missing: 9, fullIn: 54_000, tokenIn: 1_000 })
})

test('a bucket that was emptied under a larger rate is empty, and no more than that', () => {
  expect(tokensIn(bucket(1_000, tenAMinute))).toBe(0)
  expect(afterTaking(bucket(1_000, tenAMinute), 0)).toEqual({ missing: 10, fullIn: 60_000, tokenIn: 6_000 })
})

test('a version without a rate lets everybody begin', () => {
  expect(tokensIn(bucket(5))).toBe(Number.POSITIVE_INFINITY)
  expect(afterTaking(bucket(5), 5)).toEqual({ missing: 0, fullIn: 0, tokenIn: 0 })
})

test('beyond the tokens executions wait, or are skipped; nobody passes those who wait', () => {
  const one = { ...tenAMinute, burst: 1 }
  expect(judgeArrivals(timesAt(bucket(0, one)), 2)).toEqual(['admitted', 'waits'])
  expect(judgeArrivals(timesAt(bucket(0, { ...one, on_limit: 'skip' })), 2)).toEqual(['admitted', 'skipped'])
  expect(judgeArrivals(timesAt(bucket(0, one, { waiting: 1 })), 1)).toEqual(['waits'])
})

test('in no stretch of time more begin than burst and what comes in meanwhile, and nobody waits while there is a token', () => {
  const rate = fc.record({
    limit: fc.integer({ min: 1, max: 100 }),
    period_ms: fc.integer({ min: 1_000, max: 100_000 }),
    burst: fc.integer({ min: 1, max: 20 }),
  })
  const arrivals = fc.array(fc.record({ after: fc.nat(5_000), count: fc.integer({ min: 1, max: 10 }) }), {
    maxLength: 30,
  })
  fc.assert(
    fc.property(rate, arrivals, (given, comers) => {
      const step = given.period_ms / given.limit
      const begun: number[] = []
      let [now, missing, countedAt, waiting, wakeAt] = [0, 0, 0, 0, Number.POSITIVE_INFINITY]
      const look = (): void => {
        const present = bucket(missing, given, { elapsed: now - countedAt })
        const count = Math.min(waiting, tokensIn(present))
        const kept = afterTaking(present, count)
        begun.push(...Array(count).fill(now))
        waiting -= count
        missing = kept.missing
        countedAt = now
        wakeAt = waiting > 0 ? now + kept.tokenIn : Number.POSITIVE_INFINITY
      }
      const until = (instant: number): void => {
        while (wakeAt <= instant) {
          now = wakeAt
          const before = begun.length
          look()
          expect(begun.length).toBeGreaterThan(before)
        }
        now = instant
      }
      let arrivesAt = 0
      for (const { after, count } of comers) {
        arrivesAt += after
        until(arrivesAt)
        waiting += count
        look()
      }
      until(Number.MAX_SAFE_INTEGER)
      expect(begun).toHaveLength(comers.reduce((sum, { count }) => sum + count, 0))
      for (let i = 0; i < begun.length; i++) {
        for (let j = i; j < begun.length; j++) {
          const stretch = (begun[j] ?? 0) - (begun[i] ?? 0)
          expect(j - i + 1).toBeLessThanOrEqual(given.burst + stretch / step + 0.01)
        }
      }
    }),
    { numRuns: 50 },
  )
})

test('an execution comes to its limit first, and then to its rate', () => {
  const settings = { concurrency: { max: 1 }, rate: { ...tenAMinute, key: 'input.a' } }
  const at = (limitKey?: string, rateKey?: string) => gateAhead({ settings }, { limitKey, rateKey })
  expect(at()).toMatchObject({ gate: 'limit', expression: undefined })
  expect(at('w')).toEqual({ gate: 'rate', setting: 'settings.rate.key', expression: 'input.a' })
  expect(at('w', 'w/1')).toBeUndefined()
})

const plan = planOf(['a'])
const at = (second: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, second))

test('who waits for its time keeps its place under its limit, and its timeout stands still', () => {
  const state = fold(plan, initialState(plan, null), [
    { body: { type: 'execution_admitted', payload: { key: 'w' } }, createdAt: at(0) },
    { body: { type: 'execution_throttled', payload: { key: 'w/1' } }, createdAt: at(0) },
    { body: { type: 'execution_passed', payload: { key: 'w/1' } }, createdAt: at(20) },
  ])
  expect(state).toMatchObject({ status: 'pending', turn: 1, limitKey: 'w', rateKey: 'w/1' })
  expect([state.parkedReason, state.pausedAt]).toEqual([undefined, undefined])
})

test('who is paused while it waits for its time leaves the line and keeps its place', () => {
  const paused = fold(plan, initialState(plan, null), [
    { body: { type: 'execution_admitted', payload: { key: 'w' } }, createdAt: at(0) },
    { body: { type: 'execution_throttled', payload: { key: 'w/1' } }, createdAt: at(0) },
    { body: { type: 'workflow_pause_requested', payload: { by: 'me' } }, createdAt: at(1) },
    { body: { type: 'workflow_paused', payload: {} }, createdAt: at(1) },
  ])
  expect(paused).toMatchObject({ limitKey: 'w', rateKey: undefined })
  const retried = evolve(plan, paused, {
    body: { type: 'workflow_retried', payload: { by: 'me', nodes: [] } },
    at: at(2),
  })
  expect(retried).toMatchObject({ limitKey: undefined, rateKey: undefined })
})
