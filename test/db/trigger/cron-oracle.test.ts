// Our slots against PostgreSQL's clock: every second (or minute) around a change of the clocks is put on the wall with
// `at time zone`, and what the wall shows is compared with the schedule's fields. The years are over: of years to come
// Node's copy of the IANA rules and PostgreSQL's may know different things.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sql } from '../../../src/db/sql.ts'
import { owedSlots } from '../../../src/trigger/slots.ts'
import type { Instant } from '../../../src/trigger/trigger-type.ts'
import { zoneNamed } from '../../../src/trigger/zone.ts'
import { createTestDatabase } from '../../support/database.ts'
import { cronSchedule } from '../../unit/trigger/cron-texts.ts'

const HOUR = 3_600_000

const { pool } = await createTestDatabase({ empty: true })

/** The values of each field; null is `*`. */
interface Fields {
  readonly second: readonly number[] | null
  readonly minute: readonly number[] | null
  readonly hour: readonly number[] | null
  readonly day: readonly number[] | null
  readonly month: readonly number[] | null
  readonly weekday: readonly number[] | null
}

interface Watch {
  readonly timezone: string
  readonly from: Instant
  readonly until: Instant
  readonly dst: { readonly gap: 'next_valid' | 'skip'; readonly overlap: 'first' | 'both' }
  /** Seconds between two looks at the clock. */
  readonly step: number
}

async function oracle(
  { second, minute, hour, day, month, weekday }: Fields,
  { timezone, from, until, dst, step }: Watch,
): Promise<Instant[]> {
  const isFixed = second !== null && minute !== null && hour !== null
  const again = !isFixed || dst.overlap === 'both'
  const skipped = isFixed && dst.gap === 'next_valid'
  const rows = await pool.rows<{ slot: Date }>(sql('test.cronOracle')`
    with looks as (
      select instant, instant at time zone ${timezone} as wall, ${step} * interval '1 second' as step
      from generate_series(
        ${new Date(from - 3 * HOUR)}::timestamptz, ${new Date(until)}, ${step} * interval '1 second') as instant
    ), walls as (
      select instant, wall, step, lag(wall) over (order by instant) as before,
        row_number() over (partition by wall order by instant) > 1 as again
      from looks
    ), shown as (
      select instant, wall from walls where ${again}::boolean or not again
      union
      select instant, passed_over
      from walls, generate_series(before + step, wall - step, step) as passed_over
      where ${skipped}::boolean and wall - before > step
    )
    select distinct instant as slot
    from shown
    where instant >= ${new Date(from)}
      and (${second}::int[] is null or extract(second from wall) = any(${second}::int[]))
      and (${minute}::int[] is null or extract(minute from wall) = any(${minute}::int[]))
      and (${hour}::int[] is null or extract(hour from wall) = any(${hour}::int[]))
      and (${month}::int[] is null or extract(month from wall) = any(${month}::int[]))
      and (${day}::int[] is null and ${weekday}::int[] is null
        or extract(day from wall) = any(${day}::int[])
        or extract(dow from wall) = any(${weekday}::int[]))
    order by slot`)
  return rows.map(({ slot }) => slot.getTime())
}

const SAMPLE = [
  'Africa/Cairo',
  'Africa/Casablanca',
  'America/New_York',
  'America/Santiago',
  'America/Scoresbysund',
  'America/St_Johns',
  'Antarctica/Troll',
  'Asia/Beirut',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Europe/London',
  'Pacific/Chatham',
]

/** The changes of the clocks in a year; its first instant where there is none. */
function changesIn(timezone: string, year: number): Instant[] {
  const zone = zoneNamed(timezone)
  const changes: Instant[] = []
  for (
    let at = zone.stretchAt(Date.UTC(year, 0, 1)).until;
    at < Date.UTC(year + 1, 0, 1);
    at = zone.stretchAt(at).until
  ) {
    changes.push(at)
  }
  return changes.length > 0 ? changes : [Date.UTC(year, 0, 1)]
}

interface Range {
  readonly min: number
  readonly max: number
  readonly most: number
}

const some = ({ min, max, most }: Range): fc.Arbitrary<readonly number[] | null> =>
  fc.option(fc.uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength: most }), { freq: 2 })

const fields: fc.Arbitrary<Fields> = fc.record({
  second: fc.oneof(fc.constant([0]), some({ min: 0, max: 59, most: 4 })),
  minute: some({ min: 0, max: 59, most: 4 }),
  hour: some({ min: 0, max: 4, most: 4 }),
  day: some({ min: 1, max: 31, most: 31 }),
  month: some({ min: 1, max: 12, most: 12 }),
  weekday: some({ min: 0, max: 6, most: 7 }),
})

const policies = fc.record({
  gap: fc.constantFrom('next_valid', 'skip'),
  overlap: fc.constantFrom('first', 'both'),
}) satisfies fc.Arbitrary<Watch['dst']>

test.each(SAMPLE)('slots are those of the wall clock in %s', async timezone => {
  const changes = fc.integer({ min: 2020, max: 2025 }).chain(year => fc.constantFrom(...changesIn(timezone, year)))
  await fc.assert(
    fc.asyncProperty(fields, changes, policies, async (fields, change, dst) => {
      const step = fields.second?.join() === '0' ? 60 : 1
      const watch = { timezone, dst, step, from: change - 4 * HOUR, until: change + 4 * HOUR }
      const { second, minute, hour, day, month, weekday } = fields
      const schedule = [second, minute, hour, day, month, weekday].map(list => list?.join(',') ?? '*').join(' ')
      const owed = owedSlots(cronSchedule({ schedule, timezone, dst }), {
        from: watch.from,
        now: watch.until,
        limit: 1e6,
      })
      expect(owed.slots).toEqual(await oracle(fields, watch))
    }),
    { numRuns: 8 },
  )
})
