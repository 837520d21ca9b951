import { expect, test } from 'vitest'
import { upcoming } from '../../../src/trigger/slots.ts'
import { cron } from '../../../src/trigger/types/cron.ts'
import { type CronConfig, cronSchedule } from './cron-texts.ts'

const NOVEMBER_2026 = Date.parse('2026-11-22T16:30:00.500Z') // a Sunday

const slotsOf = (schedule: string, triggerId?: string): string[] =>
  upcoming(cronSchedule({ schedule }, triggerId), NOVEMBER_2026, 3).map(slot =>
    new Date(slot).toISOString().replace('.000Z', 'Z'),
  )

test.each([
  ['* * * * *', ['2026-11-22T16:31:00Z', '2026-11-22T16:32:00Z', '2026-11-22T16:33:00Z']],
  ['* * * * * *', ['2026-11-22T16:30:01Z', '2026-11-22T16:30:02Z', '2026-11-22T16:30:03Z']],
  ['*/20 * * * * *', ['2026-11-22T16:30:20Z', '2026-11-22T16:30:40Z', '2026-11-22T16:31:00Z']],
  ['*/20 * * * *', ['2026-11-22T16:40:00Z', '2026-11-22T17:00:00Z', '2026-11-22T17:20:00Z']],
  ['5/20 * * * *', ['2026-11-22T16:45:00Z', '2026-11-22T17:05:00Z', '2026-11-22T17:25:00Z']],
  ['10-30/10,20 17 * * *', ['2026-11-22T17:10:00Z', '2026-11-22T17:20:00Z', '2026-11-22T17:30:00Z']],
  ['0 9 * * MON-FRI', ['2026-11-23T09:00:00Z', '2026-11-24T09:00:00Z', '2026-11-25T09:00:00Z']],
  ['0 9 * * 0', ['2026-11-29T09:00:00Z', '2026-12-06T09:00:00Z', '2026-12-13T09:00:00Z']],
  ['0 9 * * 7', ['2026-11-29T09:00:00Z', '2026-12-06T09:00:00Z', '2026-12-13T09:00:00Z']],
  ['0 9 ? * 6-7', ['2026-11-28T09:00:00Z', '2026-11-29T09:00:00Z', '2026-12-05T09:00:00Z']],
  ['0 9 L * ?', ['2026-11-30T09:00:00Z', '2026-12-31T09:00:00Z', '2027-01-31T09:00:00Z']],
  ['0 9 15,L * *', ['2026-11-30T09:00:00Z', '2026-12-15T09:00:00Z', '2026-12-31T09:00:00Z']],
  ['0 9 L-3 * *', ['2026-11-27T09:00:00Z', '2026-12-28T09:00:00Z', '2027-01-28T09:00:00Z']],
  ['0 9 L-0 * *', ['2026-11-30T09:00:00Z', '2026-12-31T09:00:00Z', '2027-01-31T09:00:00Z']],
  ['0 9 L-30 * *', ['2026-12-01T09:00:00Z', '2027-01-01T09:00:00Z', '2027-03-01T09:00:00Z']],
  ['0 9 15W * *', ['2026-12-15T09:00:00Z', '2027-01-15T09:00:00Z', '2027-02-15T09:00:00Z']],
  ['0 9 5W * *', ['2026-12-04T09:00:00Z', '2027-01-05T09:00:00Z', '2027-02-05T09:00:00Z']], // 5 December is a Saturday
  ['0 9 13W 12,6 *', ['2026-12-14T09:00:00Z', '2027-06-14T09:00:00Z', '2027-12-13T09:00:00Z']], // 13 December is a Sunday
  ['0 9 1W * *', ['2026-12-01T09:00:00Z', '2027-01-01T09:00:00Z', '2027-02-01T09:00:00Z']],
  ['0 9 1W 5,8 *', ['2027-05-03T09:00:00Z', '2027-08-02T09:00:00Z', '2028-05-01T09:00:00Z']], // 1 May 2027 is a Saturday
  ['0 9 31W 1,2,10 *', ['2027-01-29T09:00:00Z', '2027-10-29T09:00:00Z', '2028-01-31T09:00:00Z']], // both Sundays
  ['0 9 LW * *', ['2026-11-30T09:00:00Z', '2026-12-31T09:00:00Z', '2027-01-29T09:00:00Z']],
  ['0 9 L-3W * *', ['2026-11-27T09:00:00Z', '2026-12-28T09:00:00Z', '2027-01-28T09:00:00Z']],
  ['0 9 1W,15,LW * *', ['2026-11-30T09:00:00Z', '2026-12-01T09:00:00Z', '2026-12-15T09:00:00Z']],
  ['0 9 LW * SUN', ['2026-11-29T09:00:00Z', '2026-11-30T09:00:00Z', '2026-12-06T09:00:00Z']], // either day suffices
  ['0 9 * * FRIL', ['2026-11-27T09:00:00Z', '2026-12-25T09:00:00Z', '2027-01-29T09:00:00Z']],
  ['0 9 * * MON#1', ['2026-12-07T09:00:00Z', '2027-01-04T09:00:00Z', '2027-02-01T09:00:00Z']],
  ['0 9 * * MON#1,FRI#2', ['2026-12-07T09:00:00Z', '2026-12-11T09:00:00Z', '2027-01-04T09:00:00Z']],
  ['0 9 13 * FRI', ['2026-11-27T09:00:00Z', '2026-12-04T09:00:00Z', '2026-12-11T09:00:00Z']], // either day suffices
  ['0 0 29 2 *', ['2028-02-29T00:00:00Z', '2032-02-29T00:00:00Z', '2036-02-29T00:00:00Z']],
  ['0 0 * 2 MON#5', ['2044-02-29T00:00:00Z', '2072-02-29T00:00:00Z', '2112-02-29T00:00:00Z']], // 40 years across 2100
  ['0 0 31 2 MON', ['2027-02-01T00:00:00Z', '2027-02-08T00:00:00Z', '2027-02-15T00:00:00Z']],
  ['  0  9\t* * *\n', ['2026-11-23T09:00:00Z', '2026-11-24T09:00:00Z', '2026-11-25T09:00:00Z']],
  ['@hourly', ['2026-11-22T17:00:00Z', '2026-11-22T18:00:00Z', '2026-11-22T19:00:00Z']],
  ['@daily', ['2026-11-23T00:00:00Z', '2026-11-24T00:00:00Z', '2026-11-25T00:00:00Z']],
  ['@midnight', ['2026-11-23T00:00:00Z', '2026-11-24T00:00:00Z', '2026-11-25T00:00:00Z']],
  ['@weekly', ['2026-11-29T00:00:00Z', '2026-12-06T00:00:00Z', '2026-12-13T00:00:00Z']],
  ['@monthly', ['2026-12-01T00:00:00Z', '2027-01-01T00:00:00Z', '2027-02-01T00:00:00Z']],
  ['@yearly', ['2027-01-01T00:00:00Z', '2028-01-01T00:00:00Z', '2029-01-01T00:00:00Z']],
  ['@annually', ['2027-01-01T00:00:00Z', '2028-01-01T00:00:00Z', '2029-01-01T00:00:00Z']],
])('the slots of %j', (schedule, slots) => {
  expect(slotsOf(schedule)).toEqual(slots)
})

const slotsOfConfig = (config: CronConfig): string[] =>
  upcoming(cronSchedule(config), NOVEMBER_2026, 4).map(slot => new Date(slot).toISOString().replace(':00.000Z', 'Z'))

test('several schedules fire at the instants of all, each in its own zone, and once where they coincide', () => {
  const timezone = 'Europe/Berlin'
  const schedules = ['0 9 * * *', { schedule: '0 3,12 * * *', timezone: 'America/New_York' }]
  expect(slotsOfConfig({ timezone, schedules })).toEqual([
    '2026-11-22T17:00Z',
    '2026-11-23T08:00Z', // 9:00 in Berlin and 3:00 in New York
    '2026-11-23T17:00Z',
    '2026-11-24T08:00Z',
  ])
})

test('single times are local or instants, and stand beside schedules', () => {
  const at = ['2026-12-24T18:00', '2026-11-23T18:00:00Z', '2026-11-23T09:00']
  expect(slotsOfConfig({ timezone: 'Europe/Berlin', at })).toEqual([
    '2026-11-23T08:00Z',
    '2026-11-23T18:00Z',
    '2026-12-24T17:00Z',
  ])
  expect(slotsOfConfig({ schedule: '@monthly', at: '2026-12-24T18:00' })).toEqual([
    '2026-12-01T00:00Z',
    '2026-12-24T18:00Z',
    '2027-01-01T00:00Z',
    '2027-02-01T00:00Z',
  ])
})

test.each<[string, string, CronConfig['dst'], string[]]>([
  ['passed over', '2027-03-28T02:30', {}, ['2027-03-28T01:00Z']],
  ['repeated', '2027-10-31T02:30', {}, ['2027-10-31T00:30Z']],
  ['repeated', '2027-10-31T02:30', { overlap: 'both' }, ['2027-10-31T00:30Z', '2027-10-31T01:30Z']],
  ['plain', '2027-12-31T23:59:59.5', { overlap: 'both' }, ['2027-12-31T22:59:59.500Z']],
])('a single local time that is %s (%s) with %j', (...[, at, dst, slots]) => {
  expect(slotsOfConfig({ timezone: 'Europe/Berlin', at, ...(dst && { dst }) })).toEqual(slots)
})

test('H stands for one value per trigger', () => {
  const ids = Array.from({ length: 50 }, (_, i) => `trigger ${i}`)
  expect(slotsOf('H H * * *', 'trigger 1')).toEqual(slotsOf('H H * * *', 'trigger 1'))
  expect(new Set(ids.map(id => slotsOf('H H * * *', id)[0])).size).toBeGreaterThan(40)
})

test('H of a day exists in every month', () => {
  const ids = Array.from({ length: 50 }, (_, i) => `trigger ${i}`)
  for (const id of ids)
    expect(upcoming(cronSchedule({ schedule: '0 0 H * *' }, id), NOVEMBER_2026, 12).at(-1)).toBeLessThan(
      Date.parse('2027-12-01'),
    )
})

test('H with a step is a wildcard at an offset', () => {
  const slots = upcoming(cronSchedule({ schedule: 'H/15 * * * *' }, 'trigger 1'), NOVEMBER_2026, 4)
  expect(slots.map((slot, i) => slot - (slots[i - 1] ?? slot))).toEqual([0, 900_000, 900_000, 900_000])
})

test('H takes values of its range, and follows names', () => {
  for (const id of ['a', 'b', 'c', 'd']) {
    const [slot = 0] = upcoming(cronSchedule({ schedule: 'H(10-12) H(3-4) * * H(MON-TUE)' }, id), NOVEMBER_2026, 1)
    const at = new Date(slot)
    expect([at.getUTCMinutes() - 10, at.getUTCHours() - 3, at.getUTCDay() - 1].map(Math.floor)).toSatisfy(
      ([minute, hour, day]: number[]) => [0, 1, 2].includes(minute ?? -1) && [hour, day].every(n => n === 0 || n === 1),
    )
  }
})

test('H with a range and a step stays within the range', () => {
  const slots = upcoming(cronSchedule({ schedule: 'H(0-29)/10 * * * *' }, 'a'), NOVEMBER_2026, 30)
  const minutes = new Set(slots.map(slot => new Date(slot).getUTCMinutes()))
  expect(minutes.size).toBe(3)
  expect(Math.max(...minutes)).toBeLessThan(30)
})

test('a schedule ends with the year 9999', () => {
  expect(cronSchedule({ schedule: '@yearly' }).next(Date.parse('9999-06-01T00:00:00Z'))).toBeNull()
})

test('100,000 slots cost less than a second of computing, also across changes of the clocks', () => {
  const daily = cronSchedule({ schedule: '30 2 * * *', timezone: 'America/New_York' })
  const often = cronSchedule({ schedule: '*/5 * * * *', timezone: 'Europe/Berlin' })
  const before = process.cpuUsage()
  upcoming(often, NOVEMBER_2026, 95_000)
  upcoming(daily, NOVEMBER_2026, 5_000)
  expect(process.cpuUsage(before).user / 1_000).toBeLessThan(1_000)
})

test.each<[CronConfig, string]>([
  [{ schedule: '@daily' }, '@daily UTC'],
  [
    { at: ['2026-12-24T18:00', '2026-12-25T18:00'], timezone: 'Asia/Tokyo' },
    'at 2026-12-24T18:00, 2026-12-25T18:00 Asia/Tokyo',
  ],
  [
    {
      schedules: ['0 9 * * *', { schedule: '@hourly', timezone: 'UTC' }],
      timezone: 'Asia/Tokyo',
      at: '2026-12-24T18:00',
    },
    '0 9 * * * Asia/Tokyo; @hourly UTC; at 2026-12-24T18:00 Asia/Tokyo',
  ],
])('lists show %j as %j', (config, shown) => {
  expect(cron.describe?.(config)).toBe(shown)
})
