import { expect, test } from 'vitest'
import { checkTrigger, scheduleOf } from '../../../src/trigger/check.ts'

const problemsOf = (type: string, config: unknown): string[] =>
  checkTrigger(type, config, 'triggers[0]').map(
    ({ path, message, hint }) => `${path} ${message}${hint ? ` (${hint})` : ''}`,
  )

test.each<[string, object]>([
  ['cron', { schedule: '0 9 * * MON-FRI', timezone: 'Europe/Berlin', dst: { gap: 'skip', overlap: 'both' } }],
  ['interval', { every: '90s', anchor: '2026-11-22T16:30:00.5+01:00' }],
  ['manual', {}],
  ['manual', { overlap: 'skip', input: { a: [1, { b: null }] } }],
  ['cron', { at: '1969-07-20T20:17:40Z' }],
  ['cron', { schedules: ['@daily', { schedule: '0 9 * * *', timezone: 'Asia/Tokyo' }], at: '2026-12-24T18:00' }],
  ['cron', { at: ['2026-12-24T18:00', '2026-12-24T18:00:00.5+01:00'], timezone: 'Europe/Berlin' }],
  ['cron', { schedule: '@daily', start_at: '2026-01-01T00:00Z', end_at: '2027-01-01T00:00Z', max_fires: 3 }],
  ['interval', { every: '1h', spread: 'PT10M', exclude: ['holidays', { weekdays: ['SAT', 'SUN'] }] }],
  ['cron', { schedule: '@daily', misfire: { policy: 'fire_all', threshold: '5m', catch_up_window: 'P7D', max: 10 } }],
])('accepts a trigger of type %s with %j', (type, config) => {
  expect(problemsOf(type, config)).toEqual([])
})

test.each<[string, string, unknown, string[]]>([
  ['an unknown type', 'corn', {}, ['triggers[0].type "corn" is not a known trigger type (did you mean "cron"?)']],
  [
    'a type unlike any',
    'quartz',
    {},
    ['triggers[0].type "quartz" is not a known trigger type (known types: cron, event, interval, manual, webhook)'],
  ],
  ['a config that is a list', 'cron', [], ['triggers[0].config must be an object, is a list']],
  [
    'a misspelt field, and the missing one',
    'cron',
    { shedule: '@daily' },
    [
      'triggers[0].config.shedule is not a known field (did you mean "schedule"?)',
      'triggers[0].config needs schedule, schedules or at',
    ],
  ],
  [
    'the type’s own problems beside those of the schema',
    'cron',
    { schedule: '60 * * * *', timezone: 5, dst: { gap: 'next' } },
    [
      'triggers[0].config.timezone must be a string, is 5',
      'triggers[0].config.dst.gap must be one of "next_valid", "skip"; is "next"',
      'triggers[0].config.schedule minute: 60 is out of range, it goes from 0 to 59 (the full hour is 0)',
    ],
  ],
  ['a distance that is no duration', 'interval', { every: 90 }, ['triggers[0].config.every must be a string, is 90']],
  [
    'a distance under a second',
    'interval',
    { every: '10ms' },
    ['triggers[0].config.every must be at least 1s, is 10ms'],
  ],
  ...['yesterday', '2026-11-22', '2026-11-22T16:30:00', '2026-02-30T00:00:00Z', '2026-11-22T25:00Z'].map(
    (anchor): [string, string, unknown, string[]] => [
      `the anchor ${anchor}`,
      'interval',
      { every: '1h', anchor },
      [
        `triggers[0].config.anchor "${anchor}" is not an instant; write it with its offset from UTC, such as 2026-11-22T16:30:00Z`,
      ],
    ],
  ),
  ['a cron trigger that names no time', 'cron', {}, ['triggers[0].config needs schedule, schedules or at']],
  [
    'a field that is wrong where one is needed',
    'cron',
    { schedules: [] },
    ['triggers[0].config.schedules must not be empty'],
  ],
  [
    'what is no schedule among several',
    'cron',
    { schedules: ['@daily', 5] },
    ['triggers[0].config.schedules[1] must be a string or an object, is 5'],
  ],
  [
    'what is wrong with several schedules that fit the schema',
    'cron',
    { schedules: ['@daily', '60 * * * *', { schedule: '0 0 31 2 *', timezone: 'Berlin' }], schedule: '@weekly' },
    [
      'triggers[0].config.schedules stands beside schedule (write them all in schedules)',
      'triggers[0].config.schedules[1] minute: 60 is out of range, it goes from 0 to 59 (the full hour is 0)',
      'triggers[0].config.schedules[2].schedule never comes: none of its months has such a day (the last day of a month is L)',
      'triggers[0].config.schedules[2].timezone "Berlin" is not a known time zone (did you mean "Europe/Berlin"?)',
    ],
  ],
  ...['tomorrow', '2026-12-24', '2026-12-24 18:00', '18:00', '2026-02-30T00:00', '2026-12-24T18:00+1', ''].map(
    (at): [string, string, unknown, string[]] => [
      `the time ${at}`,
      'cron',
      { at },
      [
        `triggers[0].config.at "${at}" is not a time; write a local time, such as 2026-12-24T18:00, or an instant, such as 2026-12-24T17:00:00Z`,
      ],
    ],
  ),
  [
    'a time that its zone passes over',
    'cron',
    { at: ['2027-03-28T02:30', '2027-03-28T03:30'], timezone: 'Europe/Berlin', dst: { gap: 'skip' } },
    [
      'triggers[0].config.at[0] 2027-03-28T02:30 never comes: the clocks of Europe/Berlin pass over it (dst.gap: next_valid takes the first instant after it)',
    ],
  ],
  [
    'bounds that are no instants',
    'interval',
    { every: '1h', start_at: '2026-12-24T18:00', end_at: 'never' },
    [
      'triggers[0].config.start_at "2026-12-24T18:00" is not an instant; write it with its offset from UTC, such as 2026-11-22T16:30:00Z',
      'triggers[0].config.end_at "never" is not an instant; write it with its offset from UTC, such as 2026-11-22T16:30:00Z',
    ],
  ],
  [
    'bounds in the wrong order',
    'interval',
    { every: '1h', start_at: '2026-12-24T18:00Z', end_at: '2026-12-24T18:00Z' },
    ['triggers[0].config.end_at 2026-12-24T18:00Z is not after start_at, 2026-12-24T18:00Z'],
  ],
  [
    'bounds that leave no slot',
    'cron',
    { schedule: '@yearly', start_at: '2026-02-01T00:00Z', end_at: '2026-12-01T00:00Z' },
    ['triggers[0].config has no slot between start_at and end_at'],
  ],
  [
    'a number of fires that is none',
    'cron',
    { schedule: '@daily', max_fires: 0 },
    ['triggers[0].config.max_fires must be at least 1, is 0'],
  ],
  [
    'a spread that is too wide',
    'cron',
    { schedule: '@daily', spread: '25h' },
    ['triggers[0].config.spread must be at most 1d, is 1d1h'],
  ],
  [
    'a spread in months',
    'cron',
    { schedule: '@daily', spread: 'P1M' },
    ['triggers[0].config.spread "P1M" is not a duration: months and years differ in length; write days or weeks'],
  ],
  [
    'a calendar that fits the schema and makes no sense',
    'interval',
    { every: '1h', exclude: [{}, { timezone: 'PST', times: [{ from: '08:00', to: '08:00' }] }] },
    [
      'triggers[0].config.exclude[0] excludes nothing (give it dates, weekdays or times)',
      'triggers[0].config.exclude[1].timezone "PST" is not the name of a place (name a place of the IANA time zone database, such as Europe/Berlin, or UTC)',
      'triggers[0].config.exclude[1].times[0] ends when it begins, at 08:00 (a whole day is 00:00 to 24:00)',
    ],
  ],
  [
    'calendars that do not fit the schema',
    'cron',
    {
      schedule: '@daily',
      exclude: [
        { dates: ['25-12', '2026-02-29', '--12-25', { from: '12-24' }] },
        { weekdays: ['MONDAY'], times: [{ from: '8:00', to: '24:30' }] },
        'no such name!',
      ],
    },
    [
      'triggers[0].config.exclude[0].dates[0] "25-12" is not a day; write 2026-12-24, or 12-25 for every year',
      'triggers[0].config.exclude[0].dates[1] "2026-02-29" is not a day; write 2026-12-24, or 12-25 for every year',
      'triggers[0].config.exclude[0].dates[2] "--12-25" is not a day; write 2026-12-24, or 12-25 for every year',
      'triggers[0].config.exclude[0].dates[3].to is required',
      'triggers[0].config.exclude[1].weekdays[0] must be one of "SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"; is "MONDAY"',
      'triggers[0].config.exclude[1].times[0].from "8:00" is not a time of day; write 08:00, at most 24:00',
      'triggers[0].config.exclude[1].times[0].to "24:30" is not a time of day; write 08:00, at most 24:00',
      'triggers[0].config.exclude[2] does not have the right form, is "no such name!" (a name starts with a letter or digit and goes on with those, ".", "_" and "-")',
    ],
  ],
  [
    'a policy that has no meaning for the type',
    'manual',
    { misfire: { policy: 'skip' } },
    [
      'triggers[0].config.misfire is not a known field (known fields: input_schema, overlap, concurrency, buffer, cooldown, priority, pause_after_failures, input)',
    ],
  ],
  [
    'an unknown policy',
    'manual',
    { overlap: 'buffer' },
    [
      'triggers[0].config.overlap must be one of "allow", "skip", "buffer_one", "buffer_all", "cancel_running"; is "buffer"',
    ],
  ],
  [
    'an input that is no object',
    'manual',
    { input: [1] },
    ['triggers[0].config.input must be an object or a string, is a list'],
  ],
  [
    'misfire limits',
    'interval',
    { every: '1h', misfire: { policy: 'fire_all', threshold: 5, catch_up_window: '1 day', max: 0 } },
    [
      'triggers[0].config.misfire.threshold must be a string, is 5',
      'triggers[0].config.misfire.catch_up_window "1 day" is not a duration: it holds a blank; write 1d',
      'triggers[0].config.misfire.max must be at least 1, is 0',
    ],
  ],
  [
    'a limit its policy would ignore',
    'interval',
    { every: '1h', misfire: { policy: 'fire_once', max: 5 } },
    ['triggers[0].config.misfire has max, which counts only with policy: fire_all'],
  ],
])('explains %s', (...[, type, config, problems]) => {
  expect(problemsOf(type, config)).toEqual(problems)
})

test('a type without slots has no schedule', () => {
  expect(scheduleOf({ id: 'a', type: 'manual', config: {}, anchorAt: new Date(0) })).toBeNull()
})

test('a trigger’s intervals count from its own anchor', () => {
  const schedule = scheduleOf({ id: 'a', type: 'interval', config: { every: '1m' }, anchorAt: new Date(5_000) })
  expect(schedule?.next(0)).toBe(5_000)
})
