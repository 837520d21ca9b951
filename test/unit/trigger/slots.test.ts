import fc from 'fast-check'
import { expect, test } from 'vitest'
import { between, delayed, listOf, unionOf } from '../../../src/trigger/schedule.ts'
import { owedSlots, upcoming } from '../../../src/trigger/slots.ts'
import type { Instant, Schedule } from '../../../src/trigger/trigger-type.ts'
import { interval } from '../../../src/trigger/types/interval.ts'
import { cronSchedule, cronText, isRefused } from './cron-texts.ts'

const every10: Schedule = { next: after => (Math.floor(after / 10) + 1) * 10 }
const thrice: Schedule = { next: after => [10, 20, 30].find(slot => slot > after) ?? null }

test('owes what lies between the cursor and now, both included', () => {
  expect(owedSlots(every10, { from: 20, now: 40, limit: 100 })).toEqual({
    slots: [20, 30, 40],
    next: 50,
    complete: true,
  })
})

test('owes nothing before the first slot', () => {
  expect(owedSlots(every10, { from: 20, now: 19, limit: 100 })).toEqual({ slots: [], next: 20, complete: true })
})

test('stops at the limit and names the slot that follows', () => {
  expect(owedSlots(every10, { from: 20, now: 1_000, limit: 2 })).toEqual({ slots: [20, 30], next: 40, complete: false })
})

test('a limit reached with the last owed slot is complete', () => {
  expect(owedSlots(every10, { from: 20, now: 35, limit: 2 })).toEqual({ slots: [20, 30], next: 40, complete: true })
})

test('a schedule that ends has no next slot', () => {
  expect(owedSlots(thrice, { from: 15, now: 100, limit: 100 })).toEqual({ slots: [20, 30], next: null, complete: true })
  expect(upcoming(thrice, 10, 5)).toEqual([20, 30])
})

test('upcoming slots are strictly after the instant', () => {
  expect(upcoming(every10, 20, 3)).toEqual([30, 40, 50])
})

const seconds = fc.integer({ min: Date.UTC(2020, 0, 1) / 1_000, max: Date.UTC(2038, 0, 1) / 1_000 })
const zone = fc.constantFrom('UTC', 'America/New_York', 'Australia/Lord_Howe', 'Africa/Casablanca')
const dst = fc.record({ gap: fc.constantFrom('next_valid', 'skip'), overlap: fc.constantFrom('first', 'both') })

const cronSchedules = fc
  .record({ schedule: cronText.filter(schedule => !isRefused({ schedule })), timezone: zone, dst })
  .map(config => cronSchedule(config))
const intervalSchedules = fc
  .tuple(fc.integer({ min: 1, max: 100_000 }), seconds)
  .map(
    ([every, anchor]) =>
      interval.schedule?.({ every: `${every}s` }, { triggerId: 'trigger', anchor: anchor * 1_000 }) as Schedule,
  )
const plain = fc.oneof(cronSchedules, intervalSchedules)

/** As a rule has them: several in one, single times, bounds, spread. */
const combined = fc
  .record({
    parts: fc.array(plain, { minLength: 1, maxLength: 3 }),
    times: fc.array(seconds, { maxLength: 3 }),
    from: seconds,
    length: fc.integer({ min: 1, max: 500_000_000 }),
    shift: fc.nat(86_400),
  })
  .map(({ parts, times, from, length, shift }) => {
    const all = unionOf([...parts, listOf(times.map(time => time * 1_000))])
    return delayed(between(all, { from: from * 1_000, until: (from + length) * 1_000 }), shift * 1_000)
  })
const schedules = fc.oneof(plain, combined)

test('slots strictly increase, and none lies between two neighbours', () => {
  fc.assert(
    fc.property(schedules, seconds, fc.nat(100), (schedule, second, percent) => {
      const slots = upcoming(schedule, second * 1_000, 10)
      slots.reduce((last, slot) => {
        expect(slot).toBeGreaterThan(last)
        expect(schedule.next(last + Math.floor(((slot - last - 1) * percent) / 100))).toBe(slot)
        return slot
      }, second * 1_000)
    }),
  )
})

test('the slots of two neighbouring ranges are those of both', () => {
  const all = (schedule: Schedule, from: Instant, now: Instant): readonly Instant[] =>
    owedSlots(schedule, { from: from + 1, now, limit: Number.POSITIVE_INFINITY }).slots
  fc.assert(
    fc.property(schedules, seconds, fc.tuple(fc.nat(10_000), fc.nat(10_000)), (schedule, second, [first, rest]) => {
      const [a, b, c] = [second * 1_000, (second + first) * 1_000, (second + first + rest) * 1_000]
      expect([...all(schedule, a, b), ...all(schedule, b, c)]).toEqual(all(schedule, a, c))
    }),
  )
})
