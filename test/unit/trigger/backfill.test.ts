import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  allowance,
  backfillKey,
  type ChunkContext,
  estimatedEnd,
  nextChunk,
  paceAfter,
  plannedSlots,
} from '../../../src/trigger/backfill.ts'
import { triggerOf } from './trigger-of.ts'

const HOUR_MS = 3_600_000
const start = Date.parse('2026-01-01T00:00:00Z')
const calendars = new Map()
const hourly = triggerOf('interval', { every: '1h', anchor: '2026-01-01T00:00:00Z' })
const noNights = triggerOf('interval', {
  every: '1h',
  anchor: '2026-01-01T00:00:00Z',
  exclude: [{ times: [{ from: '00:00', to: '06:00' }] }],
})

const context: ChunkContext = {
  backfillId: 'b',
  cursor: start,
  until: start + 24 * HOUR_MS,
  calendars,
  overlap: 'allow',
  open: 0,
  room: 1_000,
}

const planned = (trigger: typeof hourly, hours: number) => [
  ...plannedSlots(trigger, { from: start, until: start + hours * HOUR_MS, calendars }),
]

test('a range begins with its first instant and ends before its last', () => {
  const slots = planned(hourly, 3)
  expect(slots.map(({ slot }) => (slot - start) / HOUR_MS)).toEqual([0, 1, 2])
})

test('a range longer than what is looked at in one go is walked to its end', () => {
  expect(planned(hourly, 2_500)).toHaveLength(2_500)
})

test('an excluded slot is planned with the calendar that excludes it', () => {
  expect(planned(noNights, 7).map(({ excludedBy }) => excludedBy)).toEqual([...Array(6).fill('exclude[0]'), null])
})

test('a trigger without a schedule has nothing to plan', () => {
  expect(() => [...plannedSlots(triggerOf('manual', {}), { from: 0, until: 1, calendars })]).toThrow('has no slots')
})

test('each slot is fired under the key of the backfill, after what comes due', () => {
  const { disposals, done, fired, next } = nextChunk(hourly, context)
  expect([disposals.length, done, fired, next]).toEqual([24, 24, 24, null])
  expect(disposals[1]).toMatchObject({
    fireKey: backfillKey('b', start + HOUR_MS),
    disposition: 'fired',
    slots: { from: start + HOUR_MS, count: 1 },
  })
})

test('neighbouring excluded slots are one row that counts them', () => {
  const { disposals } = nextChunk(noNights, { ...context, room: 0 })
  expect(disposals).toMatchObject([
    { disposition: 'skipped', reason: 'excluded', slots: { from: start, until: start + 5 * HOUR_MS, count: 6 } },
  ])
})

test('without room it stops at the next slot that would fire', () => {
  expect(nextChunk(hourly, { ...context, room: 2 })).toMatchObject({ done: 2, next: start + 2 * HOUR_MS })
  expect(nextChunk(hourly, { ...context, room: -3 })).toMatchObject({ done: 0, next: start })
})

test.each([
  ['buffer_all', 0, { fired: 1, done: 1, next: start + HOUR_MS }],
  ['buffer_all', 1, { fired: 0, done: 0, next: start }],
  ['skip', 0, { fired: 1, done: 24, next: null }],
  ['skip', 1, { fired: 0, done: 24, next: null }],
] as const)('with overlap %s and %i open executions', (...[overlap, open, expected]) => {
  expect(nextChunk(hourly, { ...context, overlap, open })).toMatchObject(expected)
})

test('chunk after chunk, whatever the room, every planned slot is disposed of once, in order', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(30), { minLength: 1 }), fc.integer({ min: 1, max: 300 }), (rooms, hours) => {
      const until = start + hours * HOUR_MS
      const slots: number[] = []
      let cursor: number | null = start
      for (let i = 0; cursor !== null; i++) {
        const room = (rooms[i % rooms.length] ?? 0) + (i % 2)
        const chunk = nextChunk(noNights, { ...context, until, cursor, room })
        for (const { slots: run } of chunk.disposals)
          for (let slot = run?.from ?? 0; slot <= (run?.until ?? -1); slot += HOUR_MS) slots.push(slot)
        cursor = chunk.next
      }
      expect(slots).toEqual(planned(noNights, hours).map(({ slot }) => slot))
    }),
  )
})

const rated = (ratePerMinute: number, notBefore = start) => ({ ratePerMinute, notBefore })

test('without a rate nothing limits the pace', () => {
  const pace = { ratePerMinute: null, notBefore: start }
  expect([allowance(pace, start), paceAfter(pace, 500, start)]).toEqual([Number.POSITIVE_INFINITY, start])
})

test.each([
  [60, -1, 0],
  [60, 0, 1],
  [60, 999, 1],
  [60, 1_000, 2],
  [60, HOUR_MS, 2],
  [600, HOUR_MS, 11],
  [1, HOUR_MS, 1],
])('at %i a minute, %i ms after the next may fire, %i may', (rate, after, expected) => {
  expect(allowance(rated(rate), start + after)).toBe(expected)
})

test('a rate is kept over any time, but for a second’s worth', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5_000 }),
      fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1 }),
      (rate, pauses) => {
        let now = start
        let fired = 0
        let pace = rated(rate)
        for (const pause of pauses) {
          now += pause
          const count = allowance(pace, now)
          fired += count
          pace = rated(rate, paceAfter(pace, count, now))
        }
        expect(fired).toBeLessThanOrEqual((rate * (now - start + 1_000)) / 60_000 + 1)
      },
    ),
  )
})

test('the end is estimated from the speed since it was started or resumed', () => {
  const now = new Date(start + 10_000)
  const course = { slotCount: 100, doneCount: 30, sinceAt: new Date(start), sinceDone: 20 }
  expect(estimatedEnd(course, now)).toEqual(new Date(start + 80_000))
  expect(estimatedEnd({ ...course, sinceDone: 30 }, now)).toBeNull()
})
