// What a user reads when a schedule or a zone is wrong: the field, the reason and, where it is close, the fix.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { upcoming } from '../../../src/trigger/slots.ts'
import { cron } from '../../../src/trigger/types/cron.ts'
import { cronSchedule, isRefused } from './cron-texts.ts'

const FIVE_FIELDS = 'write five fields (minute, hour, day of month, month, day of week), such as 30 9 * * MON-FRI'
const FORMS = 'write a number, a range 0-4, a list 0,2, a step */2 or *'
const FORMS_FROM_1 = 'write a number, a range 1-5, a list 1,3, a step */2 or *'
const DAYS = 'the last day is L, the third before it L-3, the weekday nearest to the 15th 15W, the last weekday LW'
const fieldCount = (fields: string): string =>
  `has ${fields}, must have 5 (minute, hour, day of month, month, day of week) or 6 (seconds first)`

test.each<[string, string, string?]>([
  ['', 'is empty', FIVE_FIELDS],
  ['   ', 'is empty', FIVE_FIELDS],
  ['*', fieldCount('1 field')],
  ['* * * *', fieldCount('4 fields')],
  ['every 5 minutes', fieldCount('3 fields')],
  ['* * * * * * *', fieldCount('7 fields')],
  ['0 0 9 * * MON 2026', fieldCount('7 fields')],
  ['@', '"@" is not a known schedule', 'known are @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly'],
  ['@reboot', '"@reboot" is not a point in time and cannot be scheduled'],
  ['@every', '"@every" is not a cron schedule', 'use a trigger of type interval with every: 5m'],
  ['@every 90s', '"@every 90s" is not a cron schedule', 'use a trigger of type interval with every: 90s'],
  ['@weekdays', '"@weekdays" is not a known schedule', 'did you mean "@weekly"?'],
  ['@Daily', '"@Daily" is not a known schedule', 'did you mean "@daily"?'],
  ['@dialy', '"@dialy" is not a known schedule', 'did you mean "@daily"?'],
  ['TZ=Europe/Berlin 0 9 * * *', 'names a time zone', 'write timezone: Europe/Berlin beside it'],
  ['CRON_TZ=UTC 0 9 * * *', 'names a time zone', 'write timezone: UTC beside it'],
  ['60 * * * *', 'minute: 60 is out of range, it goes from 0 to 59', 'the full hour is 0'],
  ['60 * * * * *', 'second: 60 is out of range, it goes from 0 to 59', 'the full minute is 0'],
  ['* 24 * * *', 'hour: 24 is out of range, it goes from 0 to 23', 'midnight is 0'],
  ['* * 0 * *', 'day of month: 0 is out of range, it goes from 1 to 31', 'the first day is 1'],
  ['* * 32 * *', 'day of month: 32 is out of range, it goes from 1 to 31', 'the last day is L'],
  ['* * * 0 *', 'month: 0 is out of range, it goes from 1 to 12', 'January is 1'],
  ['* * * 13 *', 'month: 13 is out of range, it goes from 1 to 12', 'December is 12'],
  ['* * * * 8', 'day of week: 8 is out of range, it goes from 0 to 7', 'Sunday is 0 or 7'],
  ['99999999999999999999 * * * *', 'minute: 99999999999999999999 is out of range, it goes from 0 to 59'],
  ['-1 * * * *', 'minute: "-1" is not a number from 0 to 59', FORMS],
  ['1.5 * * * *', 'minute: "1.5" is not a number from 0 to 59', FORMS],
  ['+5 * * * *', 'minute: "+5" is not a number from 0 to 59', FORMS],
  ['5- * * * *', 'minute: "5-" is not a number from 0 to 59', FORMS],
  ['1-2-3 * * * *', 'minute: "1-2-3" is not a number from 0 to 59', FORMS],
  ['1–5 * * * *', 'minute: "1–5" is not a number from 0 to 59', FORMS],
  ['５ * * * *', 'minute: "５" is not a number from 0 to 59', FORMS],
  ['a * * * *', 'minute: "a" is not a number from 0 to 59', FORMS],
  ['** * * * *', 'minute: "**" is not a number from 0 to 59', FORMS],
  ['*5 * * * *', 'minute: "*5" is not a number from 0 to 59', FORMS],
  ['/5 * * * *', 'minute: "/5" is not a number from 0 to 59', FORMS],
  ['*/2/3 * * * *', 'minute: "*/2/3" is not a number from 0 to 59', FORMS],
  ['? * * * *', 'minute: "?" stands for any day only', 'write *'],
  ['5,, * * * *', 'minute: an item of the list is empty', 'remove the extra comma'],
  ['*/0 * * * *', 'minute: the step "0" is not a number from 1'],
  ['*/ * * * *', 'minute: the step "" is not a number from 1'],
  ['*/-5 * * * *', 'minute: the step "-5" is not a number from 1'],
  ['*/x * * * *', 'minute: the step "x" is not a number from 1'],
  [
    '*/61 * * * * *',
    'second: the step 61 is longer than the field, which has 60 values',
    'for every 61s use a trigger of type interval with every: 61s',
  ],
  [
    '*/90 * * * *',
    'minute: the step 90 is longer than the field, which has 60 values',
    'for every 90m use a trigger of type interval with every: 90m',
  ],
  [
    '0 */25 * * *',
    'hour: the step 25 is longer than the field, which has 24 values',
    'for every 25h use a trigger of type interval with every: 25h',
  ],
  ['0 0 */32 * *', 'day of month: the step 32 is longer than the field, which has 31 values'],
  ['0 22-2 * * *', 'hour: the range 22-2 runs backwards', 'write 22-23,0-2'],
  ['5-70 * * * *', 'minute: 70 is out of range, it goes from 0 to 59'],
  ['* * * NOV-FEB *', 'month: the range NOV-FEB runs backwards', 'write 11-12,1-2'],
  ['* * * * FRI-MON', 'day of week: the range FRI-MON runs backwards', 'write 5-6,0-1'],
  ['* * * * SAT-SUN', 'day of week: the range SAT-SUN runs backwards', 'write 6,0'],
  ['* * * * MONDAY', 'day of week: "MONDAY" is not a number from 0 to 7 or a name', 'did you mean MON?'],
  ['* * * * MNO', 'day of week: "MNO" is not a number from 0 to 7 or a name', 'did you mean MON?'],
  ['* * * * FOO', 'day of week: "FOO" is not a number from 0 to 7 or a name', FORMS],
  ['* * * * MON-', 'day of week: "MON-" is not a number from 0 to 7 or a name', 'did you mean MON?'],
  ['* * * * \u200bMON', 'day of week: "\u200bMON" is not a number from 0 to 7 or a name', 'did you mean MON?'],
  ['* * * JANUARY *', 'month: "JANUARY" is not a number from 1 to 12 or a name', 'did you mean JAN?'],
  ['* * * JNA *', 'month: "JNA" is not a number from 1 to 12 or a name', 'did you mean JAN?'],
  ['0 9 * * 1-5 /usr/bin/backup', 'day of week: "/usr/bin/backup" is not a number from 0 to 7 or a name', FORMS],
  ['0 0 5L * *', 'day of month: "5L" is not a day', DAYS],
  ['0 0 l * *', 'day of month: "l" is not a day', DAYS],
  ['0 0 15w * *', 'day of month: "15w" is not a day', DAYS],
  ['0 0 W * *', 'day of month: "W" is not a day', DAYS],
  ['0 0 W15 * *', 'day of month: "W15" is not a day', DAYS],
  ['0 0 WL * *', 'day of month: "WL" is not a day', DAYS],
  ['0 0 L3 * *', 'day of month: "L3" is not a day', DAYS],
  ['0 0 L- * *', 'day of month: "L-" is not a day', DAYS],
  ['0 0 L--3 * *', 'day of month: "L--3" is not a day', DAYS],
  ['0 0 L-3-5 * *', 'day of month: "L-3-5" is not a day', DAYS],
  ['0 0 1-5W * *', 'day of month: "1-5W" is not a day', DAYS],
  ['0 0 1-L * *', 'day of month: "1-L" is not a day', DAYS],
  ['0 0 L+1 * *', 'day of month: "L+1" is not a number from 1 to 31', FORMS_FROM_1],
  ['0 0 L/2 * *', 'day of month: "L" takes no step', DAYS],
  ['0 0 15W/2 * *', 'day of month: "15W" takes no step', DAYS],
  ['0 0 L-31 * *', 'day of month: L-31 comes before the first day of any month', DAYS],
  ['0 0 0W * *', 'day of month: 0 is out of range, it goes from 1 to 31', 'the first day is 1'],
  ['0 0 32W * *', 'day of month: 32 is out of range, it goes from 1 to 31', 'the last day is L'],
  ['0 0 * * 5W', 'day of week: "5W" is not a number from 0 to 7 or a name', FORMS],
  ['0 0 H(28-30) 2 *', 'never comes: none of its months has such a day', 'the last day of a month is L'],
  ['0 0 30W 2 *', 'never comes: none of its months has such a day', 'the last day of a month is L'],
  ['0 0 L-30 4,6,9,11 *', 'never comes: none of its months has such a day', 'the last day of a month is L'],
  ['0 0 * L *', 'month: "L" is not a number from 1 to 12 or a name', FORMS_FROM_1],
  ['L * * * *', 'minute: "L" is not a number from 0 to 59', FORMS],
  ['0 0 * * L', 'day of week: "L" needs a weekday', 'the last Friday of the month is 5L or FRIL'],
  ['0 0 * * FOOL', 'day of week: "FOO" is not a number from 0 to 7 or a name', FORMS],
  [
    '0 0 * * MON#6',
    'day of week: "MON#6" has no number from 1 to 5 after #',
    'the second Monday of the month is MON#2',
  ],
  ['0 0 * * MON#', 'day of week: "MON#" has no number from 1 to 5 after #', 'the second Monday of the month is MON#2'],
  ['0 0 * * #2', 'day of week: "#2" is not a number from 0 to 7 or a name', FORMS],
  ['0 0 * * 8#2', 'day of week: 8 is out of range, it goes from 0 to 7', 'Sunday is 0 or 7'],
  ['0 0 * * MON#1/2', 'day of week: "MON#1" is not a number from 0 to 7 or a name', 'did you mean MON?'],
  ['H(0-70) * * * *', 'minute: 70 is out of range, it goes from 0 to 59'],
  ['H(30-10) * * * *', 'minute: the range 30-10 runs backwards', 'write 30-59,0-10'],
  ['H(5) * * * *', 'minute: "H(5)" is not a number from 0 to 59', FORMS],
  ['H(0-70)/5 * * * *', 'minute: 70 is out of range, it goes from 0 to 59'],
  ['H/0 * * * *', 'minute: the step "0" is not a number from 1'],
  ['0 0 H(0-5) * *', 'day of month: 0 is out of range, it goes from 1 to 31', 'the first day is 1'],
  ['HH * * * *', 'minute: "HH" is not a number from 0 to 59', FORMS],
  ['0 0 31 2 *', 'never comes: none of its months has such a day', 'the last day of a month is L'],
  ['0 0 30 FEB ?', 'never comes: none of its months has such a day', 'the last day of a month is L'],
  ['0 0 31 4,6,9,11 *', 'never comes: none of its months has such a day', 'the last day of a month is L'],
])('the schedule %j %s', (schedule, message, hint) => {
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
