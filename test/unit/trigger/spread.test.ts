import { expect, test } from 'vitest'
import { createIds } from '../../../src/base/id.ts'
import { shareOf, spreadOf } from '../../../src/trigger/spread.ts'

/** Made in one millisecond, as those of one document are. */
const ids = (() => {
  const source = createIds(() => Date.UTC(2026, 10, 22))
  return Array.from({ length: 10_000 }, () => source.next())
})()

test('a share depends on nothing but the id, and differs from purpose to purpose', () => {
  const id = '0199f0c0-7a00-7000-8000-000000000001'
  expect([shareOf(id, 'minute', 60), shareOf(id, 'hour', 24), shareOf(id, 'spread', 901)]).toEqual([8, 23, 217])
})

test('the shares of many triggers are even', () => {
  const counts = Object.values(Object.groupBy(ids, id => shareOf(id, 'minute', 60))).map((some = []) => some.length)
  expect(counts).toHaveLength(60)
  expect(Math.min(...counts)).toBeGreaterThan(110) // 167 each on average
  expect(Math.max(...counts)).toBeLessThan(230)
})

test('a spread is a whole number of seconds, up to all of it', () => {
  const offsets = new Set(ids.map(id => spreadOf(id, 2_900)))
  expect([...offsets].sort()).toEqual([0, 1_000, 2_000])
})

test('no spread moves nothing', () => {
  expect(spreadOf(ids[0] ?? '', 0)).toBe(0)
})
