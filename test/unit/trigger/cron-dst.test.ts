// The nights on which local time jumps, for each policy. Slots are shown in local time, with the hours from UTC.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { owedSlots, upcoming } from '../../../src/trigger/slots.ts'
import { zoneNamed } from '../../../src/trigger/zone.ts'
import { type CronConfig, cronSchedule } from './cron-texts.ts'

type Dst = NonNullable<CronConfig['dst']>

interface Night {
  readonly name: string
  readonly timezone: string
  readonly from: string
  readonly until: string
  /** Schedule, policy, and its slots between `from` and `until`. */
  readonly cases: readonly (readonly [string, Dst, readonly string[]])[]
}

const nights: readonly Night[] = [
  {
    name: 'New York, 02:00 to 03:00',
    timezone: 'America/New_York',
    from: '2026-03-08T00:00:00-05:00',
    until: '2026-03-09T00:00:00-04:00',
    cases: [
      ['30 2 * * *', {}, ['03-08T03:00:00-4']],
      ['30 2 * * *', { gap: 'skip' }, []],
      ['0,15,30 2 * * *', {}, ['03-08T03:00:00-4']],
      ['0 2,14 * * *', {}, ['03-08T03:00:00-4', '03-08T14:00:00-4']],
      ['0 2,14 * * *', { gap: 'skip' }, ['03-08T14:00:00-4']],
      ['0 2-3 * * *', {}, ['03-08T03:00:00-4']],
      ['0 2-3 * * *', { gap: 'skip' }, ['03-08T03:00:00-4']],
      ['15 30 2 * * *', {}, ['03-08T03:00:00-4']],
      ['30 1-4 * * *', {}, ['03-08T01:30:00-5', '03-08T03:00:00-4', '03-08T03:30:00-4', '03-08T04:30:00-4']],
      ['*/30 1-3 * * *', {}, ['03-08T01:00:00-5', '03-08T01:30:00-5', '03-08T03:00:00-4', '03-08T03:30:00-4']],
      ['*/30 2 * * *', { gap: 'next_valid' }, []],
      ['*/20 30 2 * * *', {}, []],
    ],
  },
  {
    name: 'New York, 02:00 to 01:00',
    timezone: 'America/New_York',
    from: '2026-11-01T00:00:00-04:00',
    until: '2026-11-02T00:00:00-05:00',
    cases: [
      ['30 1 * * *', {}, ['11-01T01:30:00-4']],
      ['30 1 * * *', { overlap: 'both' }, ['11-01T01:30:00-4', '11-01T01:30:00-5']],
      ['0 1,2 * * *', {}, ['11-01T01:00:00-4', '11-01T02:00:00-5']],
      ['30 30 1 * * *', {}, ['11-01T01:30:30-4']],
      ['*/30 1 * * *', {}, ['11-01T01:00:00-4', '11-01T01:30:00-4', '11-01T01:00:00-5', '11-01T01:30:00-5']],
      [
        '*/30 1 * * *',
        { overlap: 'first' },
        ['11-01T01:00:00-4', '11-01T01:30:00-4', '11-01T01:00:00-5', '11-01T01:30:00-5'],
      ],
      ['*/30 30 1 * * *', {}, ['11-01T01:30:00-4', '11-01T01:30:30-4', '11-01T01:30:00-5', '11-01T01:30:30-5']],
      ['0 */12 * * *', {}, ['11-01T00:00:00-4', '11-01T12:00:00-5']],
    ],
  },
  {
    name: 'London, 01:00 to 02:00',
    timezone: 'Europe/London',
    from: '2026-03-29T00:00:00Z',
    until: '2026-03-30T00:00:00+01:00',
    cases: [
      ['30 1 * * *', {}, ['03-29T02:00:00+1']],
      ['30 1 * * *', { gap: 'skip' }, []],
      ['*/30 1 * * *', {}, []],
    ],
  },
  {
    name: 'London, 02:00 to 01:00',
    timezone: 'Europe/London',
    from: '2026-10-25T00:00:00+01:00',
    until: '2026-10-26T00:00:00Z',
    cases: [
      ['30 1 * * *', {}, ['10-25T01:30:00+1']],
      ['30 1 * * *', { overlap: 'both' }, ['10-25T01:30:00+1', '10-25T01:30:00+0']],
      ['0 0-2 * * *', {}, ['10-25T00:00:00+1', '10-25T01:00:00+1', '10-25T02:00:00+0']],
    ],
  },
  {
    name: 'Lord Howe, 02:00 to 02:30',
    timezone: 'Australia/Lord_Howe',
    from: '2026-10-04T01:30:00+10:30',
    until: '2026-10-04T03:30:00+11:00',
    cases: [
      ['15 2 * * *', {}, ['10-04T02:30:00+11']],
      ['15 2 * * *', { gap: 'skip' }, []],
      ['15,45 2 * * *', {}, ['10-04T02:30:00+11', '10-04T02:45:00+11']],
      ['*/15 2 * * *', {}, ['10-04T02:30:00+11', '10-04T02:45:00+11']],
    ],
  },
  {
    name: 'Lord Howe, 02:00 to 01:30',
    timezone: 'Australia/Lord_Howe',
    from: '2026-04-05T01:00:00+11:00',
    until: '2026-04-05T03:00:00+10:30',
    cases: [
      ['45 1 * * *', {}, ['04-05T01:45:00+11']],
      ['45 1 * * *', { overlap: 'both' }, ['04-05T01:45:00+11', '04-05T01:45:00+10.5']],
      ['15 1 * * *', { overlap: 'both' }, ['04-05T01:15:00+11']],
      ['*/30 1 * * *', {}, ['04-05T01:00:00+11', '04-05T01:30:00+11', '04-05T01:30:00+10.5']],
    ],
  },
  {
    name: 'Chatham, 02:45 to 03:45',
    timezone: 'Pacific/Chatham',
    from: '2026-09-27T02:00:00+12:45',
    until: '2026-09-27T05:00:00+13:45',
    cases: [
      ['0 3 * * *', {}, ['09-27T03:45:00+13.75']],
      ['0 3 * * *', { gap: 'skip' }, []],
      ['48 * * * *', {}, ['09-27T03:48:00+13.75', '09-27T04:48:00+13.75']],
    ],
  },
  {
    name: 'Chatham, 03:45 to 02:45',
    timezone: 'Pacific/Chatham',
    from: '2026-04-05T02:00:00+13:45',
    until: '2026-04-05T04:00:00+12:45',
    cases: [
      ['0 3 * * *', {}, ['04-05T03:00:00+13.75']],
      ['0 3 * * *', { overlap: 'both' }, ['04-05T03:00:00+13.75', '04-05T03:00:00+12.75']],
      ['48 * * * *', {}, ['04-05T02:48:00+13.75', '04-05T02:48:00+12.75', '04-05T03:48:00+12.75']],
    ],
  },
  {
    name: 'Santiago, midnight to 01:00',
    timezone: 'America/Santiago',
    from: '2026-09-05T12:00:00Z',
    until: '2026-09-06T12:00:00Z',
    cases: [['30 0 * * *', {}, ['09-06T01:00:00-3']]],
  },
  {
    name: 'Santiago, midnight to 23:00',
    timezone: 'America/Santiago',
    from: '2026-04-04T12:00:00Z',
    until: '2026-04-05T12:00:00Z',
    cases: [
      ['30 23 * * *', {}, ['04-04T23:30:00-3']],
      ['30 23 * * *', { overlap: 'both' }, ['04-04T23:30:00-3', '04-04T23:30:00-4']],
    ],
  },
  {
    name: 'Casablanca, 03:00 to 02:00 for Ramadan',
    timezone: 'Africa/Casablanca',
    from: '2026-02-14T12:00:00Z',
    until: '2026-02-15T12:00:00Z',
    cases: [['30 2 * * *', {}, ['02-15T02:30:00+1']]],
  },
  {
    name: 'Casablanca, 02:00 to 03:00 after it',
    timezone: 'Africa/Casablanca',
    from: '2026-03-21T12:00:00Z',
    until: '2026-03-22T12:00:00Z',
    cases: [['30 2 * * *', {}, ['03-22T03:00:00+1']]],
  },
  {
    name: 'Scoresbysund, 23:00 to midnight',
    timezone: 'America/Scoresbysund',
    from: '2026-03-28T12:00:00Z',
    until: '2026-03-29T12:00:00Z',
    cases: [['30 23 * * *', {}, ['03-29T00:00:00-1']]],
  },
  {
    name: 'Troll, 01:00 to 03:00',
    timezone: 'Antarctica/Troll',
    from: '2026-03-28T12:00:00Z',
    until: '2026-03-29T12:00:00Z',
    cases: [['30 1 * * *', {}, ['03-29T03:00:00+2']]],
  },
  {
    name: 'Apia, a whole day',
    timezone: 'Pacific/Apia',
    from: '2011-12-29T12:00:00Z',
    until: '2011-12-30T23:00:00Z',
    cases: [['0 9 * * *', {}, ['12-29T09:00:00-10', '12-31T00:00:00+14', '12-31T09:00:00+14']]],
  },
]

for (const { name, timezone, from, until, cases } of nights) {
  test.each(cases)(`${name}: %s with %j`, (schedule, dst, expected) => {
    const local = (slot: number): string => {
      const { offset } = zoneNamed(timezone).stretchAt(slot)
      const hours = offset / 3_600_000
      return `${new Date(slot + offset).toISOString().slice(5, -5)}${hours < 0 ? '' : '+'}${hours}`
    }
    const slots = upcoming(cronSchedule({ schedule, timezone, dst }), Date.parse(from) - 1, 20)
    expect(slots.filter(slot => slot < Date.parse(until)).map(local)).toEqual(expected)
  })
}

test('every minute has a slot in both passes of an hour', () => {
  const start = Date.parse('2026-11-01T01:00:00-04:00')
  const slots = upcoming(cronSchedule({ schedule: '* 1 * * *', timezone: 'America/New_York' }), start - 1, 120)
  expect(slots.at(-1)).toBe(start + 119 * 60_000)
})

test('a single local time has the slots of the schedule that names it', () => {
  const zones = fc.constantFrom('America/New_York', 'Australia/Lord_Howe', 'Pacific/Chatham', 'America/Santiago', 'UTC')
  const dst = fc.record({ gap: fc.constantFrom('next_valid', 'skip'), overlap: fc.constantFrom('first', 'both') })
  const day = fc.constantFrom(
    '2026-03-08',
    '2026-04-05',
    '2026-09-06',
    '2026-09-27',
    '2026-10-04',
    '2026-11-01',
    '2026-12-31',
  )
  fc.assert(
    fc.property(zones, dst, day, fc.nat(1_439), (...[timezone, dst, day, minute]) => {
      const at = new Date(Date.parse(`${day}T00:00Z`) + minute * 60_000).toISOString().slice(0, 16)
      const [month, date] = day.slice(5).split('-').map(Number)
      const schedule = `${minute % 60} ${Math.floor(minute / 60)} ${date} ${month} *`
      const within = (config: CronConfig): number[] => {
        const { slots } = owedSlots(cronSchedule({ ...config, timezone, dst }), {
          from: Date.UTC(2026, 0, 2),
          now: Date.UTC(2027, 0, 2),
          limit: 10,
        })
        return [...slots]
      }
      expect(within({ at })).toEqual(within({ schedule }))
    }),
    { numRuns: 500 },
  )
})
