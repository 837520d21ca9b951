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
    ['triggers[0].type "quartz" is not a known trigger type (known types: cron, interval, manual)'],
  ],
  ['a config that is a list', 'cron', [], ['triggers[0].config must be an object, is a list']],
  [
    'a misspelt field, and the missing one',
    'cron',
    { shedule: '@daily' },
    [
      'triggers[0].config.schedule is required',
      'triggers[0].config.shedule is not a known field (did you mean "schedule"?)',
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
  [
    'a policy that has no meaning for the type',
    'manual',
    { misfire: { policy: 'skip' } },
    ['triggers[0].config.misfire is not a known field (known fields: overlap, input)'],
  ],
  [
    'an unknown policy',
    'manual',
    { overlap: 'buffer' },
    ['triggers[0].config.overlap must be one of "allow", "skip"; is "buffer"'],
  ],
  ['an input that is no object', 'manual', { input: [1] }, ['triggers[0].config.input must be an object, is a list']],
  [
    'misfire limits',
    'interval',
    { every: '1h', misfire: { policy: 'fire_all', threshold: 5, catch_up_window: '1 day', max: 0 } },
    [
      'triggers[0].config.misfire.threshold must be a string, is 5',
      'triggers[0].config.misfire.catch_up_window "1 day" is not a duration: it holds a blank; write for example 1h30m',
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
