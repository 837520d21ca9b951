// Our slots against croner's, on random schedules in the days around a change of the clocks. The two differ in one thing,
// which cron-dst.test.ts shows: a fixed time in a gap that ends at midnight fires then with us, and never with croner.
import { Cron } from 'croner'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { upcoming } from '../../../src/trigger/slots.ts'
import type { Instant } from '../../../src/trigger/trigger-type.ts'
import { zoneNamed } from '../../../src/trigger/zone.ts'
import { cronSchedule, cronText, isRefused } from './cron-texts.ts'

const ZONES = [
  'Africa/Cairo',
  'Africa/Casablanca',
  'America/Havana',
  'America/New_York',
  'America/Santiago',
  'America/St_Johns',
  'Antarctica/Troll', // two hours
  'Asia/Beirut', // at midnight
  'Asia/Kathmandu', // +5:45, no changes
  'Atlantic/Azores',
  'Australia/Lord_Howe', // half an hour
  'Europe/Dublin',
  'Europe/London',
  'Pacific/Chatham', // +12:45
  'UTC',
]

/** A change of the clocks in the year, or its first instant where there is none. */
function changeIn(zone: string, year: number, index: number): Instant {
  const changes: Instant[] = []
  for (let at = Date.UTC(year, 0, 1); at < Date.UTC(year + 1, 0, 1); at = zoneNamed(zone).stretchAt(at).until)
    changes.push(at)
  return changes[Math.min(index, changes.length - 1)] as Instant
}

test('slots are croner’s, around every change of the clocks', () => {
  fc.assert(
    fc.property(
      cronText,
      fc.constantFrom(...ZONES),
      fc.record({ year: fc.integer({ min: 2020, max: 2037 }), index: fc.nat(4), secondsBefore: fc.nat(36 * 3_600) }),
      (schedule, timezone, { year, index, secondsBefore }) => {
        fc.pre(!isRefused({ schedule })) // a day that never comes
        const start = changeIn(timezone, year, index) - secondsBefore * 1_000
        const oracle = new Cron(schedule, { timezone, fixedTimeRule: 'no-wildcard', mode: '5-or-6-parts' })
        expect(upcoming(cronSchedule({ schedule, timezone }), start, 16)).toEqual(
          oracle.nextRuns(16, new Date(start)).map(Number),
        )
      },
    ),
    { numRuns: 250 },
  )
})
