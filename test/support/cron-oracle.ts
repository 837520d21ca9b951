// What the clock on the wall says, by PostgreSQL: every instant of some windows is shown in local time with `at time zone`,
// and what is shown is compared with the fields of cron schedules. Slow, simple, and without a line of ours in it.
import type { Pool } from '../../src/db/pool.ts'
import { sql } from '../../src/db/sql.ts'
import type { Instant } from '../../src/trigger/trigger-type.ts'

/** A field of a schedule as text, and the values it stands for. */
export interface Field {
  readonly text: string
  readonly values: readonly number[]
  /** Whether it is a wildcard, or has a step. */
  readonly wild: boolean
}

/** Which days a field names; of each kind, those its text holds. */
export interface Days {
  readonly text: string
  readonly days?: readonly number[]
  /** Counted from the end; 0 is the last. */
  readonly backs?: readonly number[]
  /** The weekday nearest to these, counted from the beginning and from the end. */
  readonly near?: readonly number[]
  readonly nearBacks?: readonly number[]
  readonly weekdays?: readonly number[]
  readonly lastWeekdays?: readonly number[]
  /** The second Monday is 12. */
  readonly nths?: readonly number[]
}

export interface OracleSchedule {
  readonly second: Field
  readonly minute: Field
  readonly hour: Field
  /** Null: any day. */
  readonly dayOfMonth: Days | null
  readonly month: Field
  readonly dayOfWeek: Days | null
  readonly dst: { readonly gap: 'next_valid' | 'skip'; readonly overlap: 'first' | 'both' }
}

/** Both ends included. */
export interface Window {
  readonly from: Instant
  readonly until: Instant
}

export interface OracleQuery {
  readonly timezone: string
  readonly windows: readonly Window[]
  readonly schedules: readonly OracleSchedule[]
  /** Seconds between two looks at the clock; every schedule must fire at a multiple of it. */
  readonly step: number
}

export function textOf({ second, minute, hour, dayOfMonth, month, dayOfWeek }: OracleSchedule): string {
  return [second, minute, hour, dayOfMonth, month, dayOfWeek].map(field => field?.text ?? '*').join(' ')
}

/** Looks begin so much earlier, because a local time counts as repeated only if it was seen before. */
const LOOK_BACK_MS = 3 * 3_600_000

/** The slots of each schedule in each window. */
export async function oracle(pool: Pool, query: OracleQuery): Promise<Instant[][][]> {
  const { timezone, windows, schedules, step } = query
  const found = await pool.rows<{ n: number; w: number; slots: number[] }>(sql('test.cronOracle')`
    with schedule as materialized (
      select * from json_to_recordset(${JSON.stringify(schedules.map(scheduleRow))}::json)
        as s (n int, seconds int[], minutes int[], hours int[], months int[], any_day boolean, days int[], backs int[],
          near int[], near_backs int[], weekdays int[], last_weekdays int[], nths int[], again boolean, skipped boolean)
    ), looks as (
      select w, since, instant, instant at time zone ${timezone} as wall, ${step} * interval '1 second' as step
      from json_to_recordset(${JSON.stringify(windows.map(windowRow))}::json)
          as v (w int, first timestamptz, since timestamptz, until timestamptz),
        generate_series(first, until, ${step} * interval '1 second') as instant
    ), walls as (
      select w, since, instant, wall, step, lag(wall) over (partition by w order by instant) as before,
        row_number() over (partition by w, wall order by instant) > 1 as again
      from looks
    ), shown as (
      select w, since, instant, wall, again, false as skipped from walls
      union all
      select w, since, instant, passed_over, false, true
      from walls, generate_series(before + step, wall - step, step) as passed_over
      where wall - before > step
    ), face as materialized (
      select w, instant, wall::date as date, extract(hour from wall)::int as hour, extract(minute from wall)::int as minute,
        extract(second from wall)::int as second, again, skipped
      from shown where instant >= since
    ), date as (
      select date, extract(day from date)::int as day, extract(month from date)::int as month,
        extract(dow from date)::int as weekday,
        extract(day from date_trunc('month', date) + interval '1 month - 1 day')::int as days_in_month
      from (select distinct date from face) as each
    ), fitting as materialized (
      select n, date from schedule, date
      where month = any (months) and (any_day
        or day = any (days) or days_in_month - day = any (backs) or weekday = any (weekdays)
        or (weekday = any (last_weekdays) and day > days_in_month - 7)
        or weekday * 10 + (day + 6) / 7 = any (nths)
        or exists (
          select from unnest(near || (select coalesce(array_agg(days_in_month - back), '{}') from unnest(near_backs) as back)) as target
          where target between 1 and days_in_month and day = (
            select other from generate_series(1, days_in_month) as other
            where (weekday + other - day + 70) % 7 between 1 and 5
            order by abs(other - target) limit 1)))
    )
    select n, w, json_agg(distinct extract(epoch from instant)::bigint) as slots
    from schedule s join fitting using (n) join face f using (date)
    where (s.again or not f.again) and (s.skipped or not f.skipped)
      and hour = any (hours) and minute = any (minutes) and second = any (seconds)
    group by n, w`)
  const slots: Instant[][][] = schedules.map(() => windows.map(() => []))
  for (const { n, w, slots: seconds } of found) slots[n]?.[w]?.push(...seconds.map(second => second * 1_000))
  return slots
}

const windowRow = ({ from, until }: Window, w: number) => ({
  w,
  first: new Date(from - LOOK_BACK_MS),
  since: new Date(from),
  until: new Date(until),
})

function scheduleRow({ second, minute, hour, dayOfMonth, month, dayOfWeek, dst }: OracleSchedule, n: number) {
  const isFixed = ![second, minute, hour].some(field => field.wild)
  const { days = [], backs = [], near = [], nearBacks = [] } = dayOfMonth ?? {}
  const { weekdays = [], lastWeekdays = [], nths = [] } = dayOfWeek ?? {}
  return {
    n,
    seconds: second.values,
    minutes: minute.values,
    hours: hour.values,
    months: month.values,
    any_day: dayOfMonth === null && dayOfWeek === null,
    days,
    backs,
    near,
    near_backs: nearBacks,
    weekdays,
    last_weekdays: lastWeekdays,
    nths,
    again: !isFixed || dst.overlap === 'both',
    skipped: isFixed && dst.gap === 'next_valid',
  }
}

/** The time zones PostgreSQL knows. */
export async function timeZones(pool: Pool): Promise<string[]> {
  const rows = await pool.rows<{ name: string }>(sql('test.timeZones')`
    select name from pg_timezone_names where name !~ '^(posix|right)/' order by name`)
  return rows.map(({ name }) => name)
}

/** Every change of a zone's clocks between two years, to the minute: the first instant with the new offset. */
export async function changesOfClocks(
  pool: Pool,
  timezone: string,
  { from, until }: { from: number; until: number },
): Promise<Instant[]> {
  const rows = await pool.rows<{ at: Instant }>(sql('test.cronChanges')`
    with offsets as (
      select day, (day at time zone ${timezone}) - (day at time zone 'UTC') as utc_offset
      from generate_series(make_timestamptz(${from}, 1, 1, 0, 0, 0, 'UTC'), make_timestamptz(${until}, 1, 1, 0, 0, 0, 'UTC'),
        '1 day') as day
    ), days as (
      select day, lag(day) over (order by day) as day_before, utc_offset, lag(utc_offset) over (order by day) as offset_before
      from offsets
    )
    select extract(epoch from instant)::float8 * 1000 as at
    from days, lateral (
      select min(minute) as instant from generate_series(day_before, day, '1 minute') as minute
      where (minute at time zone ${timezone}) - (minute at time zone 'UTC') <> offset_before
    ) as change
    where utc_offset <> offset_before
    order by instant`)
  return rows.map(({ at }) => at)
}

export interface Look {
  readonly at: Instant
  /** From UTC. */
  readonly minutes: number
}

/** What PostgreSQL takes the rules of the zone to be, at every quarter of an hour of each window. */
export async function offsets(pool: Pool, timezone: string, windows: readonly Window[]): Promise<Look[][]> {
  const rows = await pool.rows<{ looks: Look[] }>(sql('test.cronOffsets')`
    select json_agg(json_build_object(
      'at', extract(epoch from instant) * 1000,
      'minutes', extract(epoch from (instant at time zone ${timezone}) - (instant at time zone 'UTC')) / 60)) as looks
    from json_to_recordset(${JSON.stringify(windows.map(windowRow))}::json) as v (w int, first timestamptz, until timestamptz),
      generate_series(first, until, '15 minutes') as instant
    group by w order by w`)
  return rows.map(({ looks }) => looks)
}
