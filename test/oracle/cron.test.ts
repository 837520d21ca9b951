// Our slots against PostgreSQL's clock, in every zone whose clocks change from 2020 to 2037: around each change and each
// new year, for the schedules below and for random ones. PostgreSQL and Node have each their copy of the IANA rules; a
// window for which they differ is left out, and counted.
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import type { Instant } from '../../src/trigger/trigger-type.ts'
import { checkZone } from '../../src/trigger/zone.ts'
import { compare } from '../support/compare-slots.ts'
import { bySeconds, byTheMinute } from '../support/cron-arbitraries.ts'
import {
  changesOfClocks,
  type Field,
  type OracleQuery,
  type OracleSchedule,
  offsets,
  timeZones,
  type Window,
} from '../support/cron-oracle.ts'
import { createTestDatabase } from '../support/database.ts'

const HOUR = 3_600_000
const FIRST_YEAR = 2020
const YEARS = Array.from({ length: 18 }, (_, i) => FIRST_YEAR + i)

const { pool } = await createTestDatabase({ empty: true })
const changes = new Map<string, readonly Instant[]>()
for (const zone of await timeZones(pool)) {
  if (checkZone(zone, '').length > 0) continue // not a place
  const found = await changesOfClocks(pool, zone, { from: FIRST_YEAR, until: FIRST_YEAR + YEARS.length })
  if (found.length > 0) changes.set(zone, found)
}
const zones = [...changes.keys()]

const list = (...values: number[]): Field => ({ text: values.join(','), values, wild: false })
const every = (step: number, count: number): Field => ({
  text: step === 1 ? '*' : `*/${step}`,
  values: Array.from({ length: count / step }, (_, i) => i * step),
  wild: true,
})
const MONTHS: Field = { text: '*', values: Array.from({ length: 12 }, (_, i) => i + 1), wild: true }

/** What people write, for each policy; `fixed` in the sense of the policy, and not. */
const usual = (['next_valid', 'skip'] as const).flatMap(gap =>
  (['first', 'both'] as const).flatMap(overlap =>
    (
      [
        [list(30), list(2)],
        [list(0), list(0, 1, 2, 3)],
        [list(15, 45), list(0, 1, 2, 3, 23)],
        [list(59), every(1, 24)],
        [every(15, 60), list(1, 2)],
        [every(1, 60), every(1, 24)],
      ] as const
    ).map(
      ([minute, hour]): OracleSchedule => ({
        second: list(0),
        minute,
        hour,
        dayOfMonth: null,
        month: MONTHS,
        dayOfWeek: null,
        dst: { gap, overlap },
      }),
    ),
  ),
)

const total = { slots: 0, windows: 0, apart: 0 }
/** Zones for which the two copies of the rules differ somewhere. */
const zonesApart = new Set<string>()

async function expectSame({ windows, ...query }: OracleQuery): Promise<void> {
  const same = await agreed(query.timezone, windows)
  total.windows += same.length
  total.apart += windows.length - same.length
  if (same.length < windows.length) zonesApart.add(query.timezone)
  const { slots, differences } = await compare(pool, { ...query, windows: same })
  total.slots += slots
  expect(differences).toEqual([])
}

/** The windows in which Node and PostgreSQL agree on the offset from UTC. */
async function agreed(timezone: string, windows: readonly Window[]): Promise<Window[]> {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: timezone, timeZoneName: 'longOffset' })
  const minutes = (instant: number): number => {
    const [, sign, hour = 0, minute = 0] = /GMT([+-])(\d\d):(\d\d)$/.exec(format.format(instant)) ?? []
    return Number(`${sign ?? ''}1`) * (Number(hour) * 60 + Number(minute))
  }
  const looks = await offsets(pool, timezone, windows)
  return windows.filter((_, w) => looks[w]?.every(look => minutes(look.at) === look.minutes))
}

test.each(zones)('%s', async timezone => {
  const seed = [...timezone].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) | 0, 7)
  const around = (at: number, hours: number): Window => ({ from: at - hours * HOUR, until: at + hours * HOUR })
  const nights = changes.get(timezone) ?? []
  const newYears = YEARS.map(year => Date.UTC(year, 0, 1))
  await expectSame({
    timezone,
    windows: [...nights, ...newYears].map(at => around(at, 4)),
    schedules: [...usual, ...fc.sample(byTheMinute, { numRuns: 20, seed })],
    step: 60,
  })
  await expectSame({
    timezone,
    windows: nights.filter(at => [2024, 2031].includes(new Date(at).getUTCFullYear())).map(at => around(at, 2)),
    schedules: fc.sample(bySeconds, { numRuns: 6, seed }),
    step: 1,
  })
})

afterAll(() => {
  const count = (one: number): string => one.toLocaleString('en-US')
  const left =
    total.apart === 0
      ? 'Node and PostgreSQL know the same rules everywhere'
      : `${count(total.apart)} windows left out, where the rules of Node and PostgreSQL differ: ${[...zonesApart].join(', ')}`
  process.stdout.write(
    `${count(zones.length)} zones, ${count(total.windows)} windows, ${count(total.slots)} slots compared; ${left}\n`,
  )
})
