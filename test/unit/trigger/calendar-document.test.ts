import { expect, test } from 'vitest'
import { check } from '../../../src/trigger/apply-files.ts'
import { validateCalendar } from '../../../src/trigger/calendar-document.ts'

test('a document of a calendar is read', () => {
  const raw = {
    kind: 'calendar',
    name: 'holidays',
    description: 'Days off',
    timezone: 'Europe/Berlin',
    dates: ['12-25'],
  }
  expect(validateCalendar(raw)).toEqual({
    calendar: { name: 'holidays', description: 'Days off', form: { timezone: 'Europe/Berlin', dates: ['12-25'] } },
    problems: [],
  })
})

test.each<[unknown, string[]]>([
  [
    { kind: 'calender', name: 'a', dates: ['12-25'] },
    ['kind must be "calendar", is "calender" (did you mean "calendar"?)'],
  ],
  [{ kind: 'calendar', dates: ['12-25'] }, ['name is required']],
  [{ kind: 'calendar', name: 'a' }, [' excludes nothing (give it dates, weekdays or times)']],
  [{ kind: 'calendar', name: 'a', date: '12-25' }, ['date is not a known field (did you mean "dates"?)']],
  [
    { kind: 'calendar', name: 'my days', dates: ['12-25'] },
    [
      'name does not have the right form, is "my days" (a name starts with a letter or digit and goes on with those, ".", "_" and "-")',
    ],
  ],
  [
    { kind: 'calendar', name: 'a', timezone: 'Mars', weekdays: ['SUN'] },
    [
      'timezone "Mars" is not a known time zone (name a place of the IANA time zone database, such as Europe/Berlin, or UTC)',
    ],
  ],
])('of the document %j it says %j', (raw, problems) => {
  const found = validateCalendar(raw).problems.map(
    ({ path, message, hint }) => `${path} ${message}${hint ? ` (${hint})` : ''}`,
  )
  expect(found).toEqual(problems)
})

test('a file may hold workflows and calendars', () => {
  const read = check(
    'kind: calendar\nname: holidays\ndates: [12-25]\n---\nname: a\nnodes: [{ key: a, type: transform }]\n',
  )
  expect([read.calendars.length, read.workflows.length, read.problems]).toEqual([1, 1, []])
})

test('a problem of a calendar has its line', () => {
  expect(
    check('name: a\nnodes: [{ key: a, type: transform }]\n---\nkind: calendar\nname: b\ndates: [13-25]\n').problems,
  ).toEqual([
    {
      path: 'dates[0]',
      line: 6,
      column: 9,
      message: '"13-25" is not a day; write 2026-12-24, or 12-25 for every year',
    },
  ])
})
