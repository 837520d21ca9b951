import { expect, test } from 'vitest'
import { createAllowance, maxPerMinute, type Taken } from '../../../src/trigger/hook-rate.ts'

const NOON = new Date('2026-11-22T12:00:00Z')
const at = (ms: number): Date => new Date(NOON.getTime() + ms)

function granted(most: number, { before, now = at(0) }: { before?: Taken; now?: Date }): number {
  const allowance = createAllowance({ max_per_minute: most }, { before, now })
  return Array.from({ length: 20 }, () => allowance.take()).filter(Boolean).length
}

test('as many are granted as the limit says', () => {
  expect(granted(5, {})).toBe(5)
})

test('what was taken in the same minute counts, what was taken before does not', () => {
  expect(granted(5, { before: { minute: NOON, taken: 3 }, now: at(59_999) })).toBe(2)
  expect(granted(5, { before: { minute: NOON, taken: 3 }, now: at(60_000) })).toBe(5)
})

test('a limit that was lowered grants nothing, and takes nothing back', () => {
  const allowance = createAllowance({ max_per_minute: 2 }, { before: { minute: NOON, taken: 7 }, now: at(1) })
  expect(allowance.take()).toBe(false)
  expect(allowance.state()).toEqual({ minute: NOON, taken: 7 })
})

test.each([
  [0, 60],
  [1, 60],
  [59_000, 1],
  [59_999, 1],
])('%i ms into the minute there are more after %i s', (ms, seconds) => {
  expect(createAllowance({ max_per_minute: 1 }, { before: undefined, now: at(ms) }).retryAfter).toBe(seconds)
})

test('without a limit there is none', () => {
  expect(maxPerMinute({})).toBe(Number.POSITIVE_INFINITY)
})
