import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type CalendarForm, calendarOf, checkCalendar } from '../../../src/trigger/calendar.ts'

const MINUTE = 60_000

function isExcluded(form: CalendarForm, instant: string, timezone = 'UTC'): boolean {
  return calendarOf(form, timezone)(Date.parse(instant)) !== null
}

test.each<[CalendarForm, string, boolean]>([
  [{ dates: ['2026-12-24'] }, '2026-12-23T23:59:59Z', false],
  [{ dates: ['2026-12-24'] }, '2026-12-24T00:00:00Z', true],
  [{ dates: ['2026-12-24'] }, '2026-12-24T23:59:59Z', true],
  [{ dates: ['2026-12-24'] }, '2026-12-25T00:00:00Z', false],
  [{ dates: ['2026-12-24'] }, '2027-12-24T00:00:00Z', false],
  [{ dates: ['12-24'] }, '2027-12-24T12:00:00Z', true],
  [{ dates: ['12-24'] }, '2027-12-25T00:00:00Z', false],
  [{ dates: ['02-29'] }, '2028-02-29T12:00:00Z', true],
  [{ dates: ['02-29'] }, '2027-03-01T12:00:00Z', false],
  [{ dates: [{ from: '2026-12-24', to: '2027-01-02' }] }, '2026-12-23T12:00:00Z', false],
  [{ dates: [{ from: '2026-12-24', to: '2027-01-02' }] }, '2026-12-31T12:00:00Z', true],
  [{ dates: [{ from: '2026-12-24', to: '2027-01-02' }] }, '2027-01-02T23:59:59Z', true],
  [{ dates: [{ from: '2026-12-24', to: '2027-01-02' }] }, '2027-01-03T00:00:00Z', false],
  [{ dates: [{ from: '12-24', to: '01-02' }] }, '2031-12-24T00:00:00Z', true],
  [{ dates: [{ from: '12-24', to: '01-02' }] }, '2032-01-02T12:00:00Z', true],
  [{ dates: [{ from: '12-24', to: '01-02' }] }, '2032-01-03T12:00:00Z', false],
  [{ dates: [{ from: '12-24', to: '01-02' }] }, '2032-07-01T12:00:00Z', false],
  [{ dates: [{ from: '02-27', to: '03-01' }] }, '2027-03-01T12:00:00Z', true],
  [{ dates: [{ from: '02-27', to: '03-01' }] }, '2027-03-02T12:00:00Z', false],
  [{ weekdays: ['SAT', 'SUN'] }, '2026-11-20T23:59:59Z', false],
  [{ weekdays: ['SAT', 'SUN'] }, '2026-11-21T00:00:00Z', true],
  [{ weekdays: ['SAT', 'SUN'] }, '2026-11-22T23:59:59Z', true],
  [{ weekdays: ['SAT', 'SUN'] }, '2026-11-23T00:00:00Z', false],
  [{ weekdays: ['THU'] }, '1969-12-25T12:00:00Z', true],
  [{ times: [{ from: '08:00', to: '17:30' }] }, '2026-11-22T07:59:59Z', false],
  [{ times: [{ from: '08:00', to: '17:30' }] }, '2026-11-22T08:00:00Z', true],
  [{ times: [{ from: '08:00', to: '17:30' }] }, '2026-11-22T17:30:00Z', false],
  [{ times: [{ from: '22:00', to: '06:00' }] }, '2026-11-22T23:00:00Z', true],
  [{ times: [{ from: '22:00', to: '06:00' }] }, '2026-11-22T05:59:59Z', true],
  [{ times: [{ from: '22:00', to: '06:00' }] }, '2026-11-22T06:00:00Z', false],
  [{ times: [{ from: '22:00', to: '24:00' }] }, '2026-11-22T23:59:59.999Z', true],
  [{ times: [{ from: '22:00', to: '24:00' }] }, '2026-11-23T00:00:00Z', false],
  [{ dates: ['2026-11-23'], weekdays: ['SUN'] }, '2026-11-22T12:00:00Z', true],
  [{ dates: ['2026-11-23'], weekdays: ['SUN'] }, '2026-11-23T12:00:00Z', true],
])('%j at %s: %s', (form, instant, excluded) => {
  expect(isExcluded(form, instant)).toBe(excluded)
})

test('days are those of the given place, or of the calendar’s own', () => {
  const friday = '2026-11-20T23:30:00Z' // Saturday in Berlin
  expect(isExcluded({ weekdays: ['SAT'] }, friday)).toBe(false)
  expect(isExcluded({ weekdays: ['SAT'] }, friday, 'Europe/Berlin')).toBe(true)
  expect(isExcluded({ weekdays: ['SAT'], timezone: 'America/New_York' }, friday, 'Europe/Berlin')).toBe(false)
})

test('a window that comes twice in the night of a change is excluded twice', () => {
  const times = [{ from: '01:30', to: '02:00' }]
  const at = (instant: string): boolean => isExcluded({ times }, instant, 'America/New_York')
  expect(['05:29', '05:30', '06:00', '06:30', '07:00'].map(time => at(`2026-11-01T${time}Z`))).toEqual([
    false,
    true,
    false,
    true,
    false,
  ])
})

const ZONES = ['UTC', 'America/New_York', 'Australia/Lord_Howe', 'America/Santiago', 'Pacific/Apia']
const time = fc
  .record({ hour: fc.nat(23), minute: fc.nat(59) })
  .map(({ hour, minute }) => `${hour}`.padStart(2, '0').concat(':', `${minute}`.padStart(2, '0')))
const form: fc.Arbitrary<CalendarForm> = fc.record(
  {
    weekdays: fc.uniqueArray(fc.constantFrom('SUN', 'MON', 'FRI'), { minLength: 1 }),
    times: fc.array(fc.record({ from: time, to: time }), { minLength: 1, maxLength: 3 }),
    dates: fc.array(fc.constantFrom('04-05', '11-01', '2026-10-04', { from: '12-28', to: '01-02' }), { minLength: 1 }),
  },
  { requiredKeys: [] },
)

test('everything is excluded until the instant a calendar names, minute for minute', () => {
  const minutes = fc.integer({ min: Date.UTC(2026, 0, 1) / MINUTE, max: Date.UTC(2028, 0, 1) / MINUTE })
  fc.assert(
    fc.property(form, fc.constantFrom(...ZONES), minutes, (form, timezone, minute) => {
      const calendar = calendarOf(form, timezone)
      const until = calendar(minute * MINUTE)
      if (until === null) return
      expect(until).toBeGreaterThan(minute * MINUTE)
      for (let at = minute * MINUTE; at < until; at += MINUTE) expect(calendar(at)).not.toBeNull()
    }),
  )
})

test.each<[CalendarForm, unknown[]]>([
  [{}, [{ path: '', message: 'excludes nothing', hint: 'give it dates, weekdays or times' }]],
  [
    { timezone: 'Europe/Berln' },
    [
      { path: 'timezone', message: '"Europe/Berln" is not a known time zone', hint: 'did you mean "Europe/Berlin"?' },
      { path: '', message: 'excludes nothing', hint: 'give it dates, weekdays or times' },
    ],
  ],
  [
    { dates: ['12-25', { from: '2026-12-24', to: '2026-12-23' }] },
    [{ path: 'dates[1]', message: 'ends on 2026-12-23, before it begins on 2026-12-24' }],
  ],
  [
    { dates: [{ from: '2026-12-24', to: '12-26' }] },
    [
      {
        path: 'dates[0]',
        message: 'goes from 2026-12-24 to 12-26, of which one is a day of every year',
        hint: 'give both a year, or neither',
      },
    ],
  ],
  [
    { times: [{ from: '08:00', to: '08:00' }] },
    [{ path: 'times[0]', message: 'ends when it begins, at 08:00', hint: 'a whole day is 00:00 to 24:00' }],
  ],
  [{ times: [{ from: '00:00', to: '24:00' }], dates: [{ from: '12-31', to: '01-01' }] }, []],
])('of %j it says %j', (form, problems) => {
  expect(checkCalendar(form)).toEqual(problems)
})
