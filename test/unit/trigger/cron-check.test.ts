// What a user reads when a schedule or a zone is wrong: the field, the reason and, where it is close, the fix.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { upcoming } from '../../../src/trigger/slots.ts'
import { cron } from '../../../src/trigger/types/cron.ts'
import { badSchedules } from './bad-schedules.ts'
import { cronSchedule, isRefused } from './cron-texts.ts'

test.each(badSchedules)('the schedule %j %s', (schedule, message, hint) => {
  const [problem] = cron.check?.({ schedule }) ?? []
  expect(problem).toEqual({ path: 'schedule', message, ...(hint && { hint }) })
})

test('every wrong field of a schedule is reported', () => {
  expect(cron.check?.({ schedule: '60,61 24 0 13 8' })?.map(({ message }) => message.split(',')[0])).toEqual([
    'minute: 60 is out of range',
    'minute: 61 is out of range',
    'hour: 24 is out of range',
    'day of month: 0 is out of range',
    'month: 13 is out of range',
    'day of week: 8 is out of range',
  ])
})

test('a field is either refused or has slots', () => {
  const piece = fc.constantFrom(...'0123456789*/,-?LHW#()', 'MON', 'JAN', '0-5', '*/2')
  const field = fc.array(piece, { minLength: 1, maxLength: 4 }).map(pieces => pieces.join(''))
  fc.assert(
    fc.property(field, fc.nat(5), (field, position) => {
      const schedule = Array.from('******').with(position, field).join(' ')
      if (!isRefused({ schedule })) expect(upcoming(cronSchedule({ schedule }), 0, 1)).toHaveLength(1)
    }),
    { numRuns: 500 },
  )
})

const PLACE = 'name a place of the IANA time zone database, such as Europe/Berlin, or UTC'
const FIXED = `${PLACE}; the fixed offset UTC+1 is Etc/GMT-1, its sign reversed`

test.each([
  ['', 'is not a known time zone', PLACE],
  ['local', 'is not a known time zone', PLACE],
  ['Z', 'is not a known time zone', PLACE],
  ['Mars/Olympus', 'is not a known time zone', PLACE],
  ['Etc/GMT+15', 'is not a known time zone', PLACE],
  ['Europe/Berln', 'is not a known time zone', 'did you mean "Europe/Berlin"?'],
  ['Europe/Berlin ', 'is not a known time zone', 'did you mean "Europe/Berlin"?'],
  ['Berlin', 'is not a known time zone', 'did you mean "Europe/Berlin"?'],
  ['New York', 'is not a known time zone', 'did you mean "America/New_York"?'],
  ['America/NewYork', 'is not a known time zone', 'did you mean "America/New_York"?'],
  ['Europe/New_York', 'is not a known time zone', 'did you mean "America/New_York"?'],
  ['PST', 'is not the name of a place', PLACE],
  ['CET', 'is not the name of a place', PLACE],
  ['EST5EDT', 'is not the name of a place', PLACE],
  ['UTC+1', 'is an offset, not a time zone', FIXED],
  ['GMT-5', 'is an offset, not a time zone', FIXED],
  ['+01:00', 'is an offset, not a time zone', FIXED],
  ['-5', 'is an offset, not a time zone', FIXED],
])('the zone %j %s', (timezone, message, hint) => {
  expect(cron.check?.({ timezone })).toEqual([
    { path: 'timezone', message: `${JSON.stringify(timezone)} ${message}`, hint },
  ])
})

test.each([
  'UTC',
  'GMT',
  'Europe/Berlin',
  'europe/berlin',
  'Asia/Kolkata',
  'America/Argentina/Buenos_Aires',
  'Etc/GMT-1',
])('the zone %s is known', timezone => {
  expect(cron.check?.({ timezone })).toEqual([])
})
