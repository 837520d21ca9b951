// Our slots against PostgreSQL's clock: every second (or minute) around a change of the clocks is put on the wall with
// `at time zone`, and the schedule's fields are compared with what the wall shows.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sql } from '../../../src/db/sql.ts'
import { owedSlots } from '../../../src/trigger/slots.ts'
import type { Instant } from '../../../src/trigger/trigger-type.ts'
import { cronSchedule } from '../../unit/trigger/cron-texts.ts'
import { createTestDatabase } from '../../support/database.ts'

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
}

/** What PostgreSQL says, looking at every `step` seconds. */
async function oracle({ second, minute, hour, day, month, weekday }: Fields, { timezone, from, until, dst }: Watch): Promise<Instant[]> {
  const step = second?.length === 1 && second[0] === 0 ? 60 : 1
  const fixed = second !== null && minute !== null && hour !== null
  const rows = await pool.rows<{ slot: Date }>(sql('test.cronOracle')`
    with walls as (
      select instant, wall, lag(wall) over (order by instant) as before,
        row_number() over (partition by wall order by instant) = 1 as first_time
      from generate_series(${new Date(from - 86_400_000)}::timestamptz, ${new Date(until)}::timestamptz, ${step} * interval '1 second') as instant,
        lateral (select instant at time zone ${timezone} as wall) as on_the_wall
    ), shown as (
      select instant, wall, first_time as counts from walls
      union all
      select instant, skipped, ${dst.gap} = 'next_valid'
      from walls, generate_series(before + ${step} * interval '1 second', wall - ${step} * interval '1 second', ${step} * interval '1 second') as skipped
      where ${fixed} and wall - before > ${step} * interval '1 second'
    )
    select distinct instant as slot from shown
    where instant between ${new Date(from)} and ${new Date(until)}
      and (counts or not ${fixed} or (${dst.overlap} = 'both' and wall = instant at time zone ${timezone}))
      and (${second}::int[] is null or extract(second from wall) = any(${second}::int[]))
      and (${minute}::int[] is null or extract(minute from wall) = any(${minute}::int[]))
      and (${hour}::int[] is null or extract(hour from wall) = any(${hour}::int[]))
      and (${month}::int[] is null or extract(month from wall) = any(${month}::int[]))
      and case
        when ${day}::int[] is null and ${weekday}::int[] is null then true
        else coalesce(extract(day from wall) = any(${day}::int[]), false) or coalesce(extract(dow from wall) = any(${weekday}::int[]), false)
      end
    order by slot`)
  return rows.map(({ slot }) => slot.getTime())
}
