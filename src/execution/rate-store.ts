// The SQL of rates. Who waits is asked of the executions themselves; of a bucket is kept how many tokens were missing when,
// and, so that somebody wakes those who wait, when it has its next token for them. A bucket that is full is as good as none.
import type { Db, Tx } from '../db/pool.ts'
import { constant, sql } from '../db/sql.ts'
import { MOST_COUNTED } from './gates.ts'
import { settingsOfKey } from './limit-store.ts'
import type { Bucket, Kept } from './rates.ts'

/** Waits for the buckets, held until the transaction ends, in the order of their keys; makes those that are missing. */
export async function lockBuckets(tx: Tx, keys: readonly string[]): Promise<void> {
  await Promise.all([
    tx.run(sql('rate.make')`
      insert into public.rate_buckets (key)
      select key from unnest(${keys}::text[]) as l (key) order by key
      on conflict (key) do nothing`),
    tx.rows(sql('rate.lock')`
      select from public.rate_buckets where key = any(${keys}::text[]) order by key for update`),
  ])
}

/** Those of the buckets that nobody else holds, now held. */
export async function tryLockBuckets(tx: Tx, keys: readonly string[]): Promise<string[]> {
  const rows = await tx.rows<{ key: string }>(sql('rate.tryLock')`
    select key from public.rate_buckets where key = any(${keys}::text[]) order by key for update skip locked`)
  return rows.map(row => row.key)
}

/** True only while they are held, in a statement of its own. */
export function loadBuckets(tx: Tx, keys: readonly string[]): Promise<Bucket[]> {
  return tx.rows(sql('rate.load')`
    select l.key, l.missing, (extract(epoch from now() - l.counted_at) * 1000)::float8 as elapsed,
      (select count(*)::integer from (
        select from public.executions where rate_key = l.key and parked_reason = 'rate' limit ${MOST_COUNTED}
      ) as line) as waiting,
      ${settingsOfKey} as settings
    from public.rate_buckets l
    where l.key = any(${keys}::text[])`)
}

export interface BucketChange extends Kept {
  readonly key: string
  /** Whether somebody is to be woken when there is a token. */
  readonly waits: boolean
}

export async function saveBuckets(tx: Tx, changes: readonly BucketChange[]): Promise<void> {
  const each = <T>(pick: (change: BucketChange) => T): T[] => changes.map(pick)
  await tx.run(sql('rate.save')`
    update public.rate_buckets b
    set missing = c.missing, counted_at = greatest(b.counted_at, now()),
        full_at = greatest(b.counted_at, now()) + c.full_in * interval '1 millisecond',
        wake_at = now() + c.token_in * interval '1 millisecond'
    from unnest(${each(one => one.key)}::text[], ${each(one => one.missing)}::float8[],
      ${each(one => one.fullIn)}::float8[], ${each(one => (one.waits ? one.tokenIn : null))}::float8[])
      as c (key, missing, full_in, token_in)
    where b.key = c.key`)
}

/** When the first bucket has a token for those who wait: see Question in db/pulse.ts. */
export const tokenDueIn = constant`
  (select extract(epoch from min(wake_at) - clock_timestamp()) * 1000 from public.rate_buckets where wake_at is not null)`

export interface DueBuckets {
  /** Keys of those that have tokens for whoever waits, the longest due first. */
  readonly keys: readonly string[]
  /** Milliseconds until the next of all has one, not above zero if one has; null if nobody waits. */
  readonly nextIn: number | null
}

export async function findDueBuckets(db: Db, limit: number): Promise<DueBuckets> {
  const [row] = await db.rows<DueBuckets>(sql('rate.due')`
    select
      array(select key from public.rate_buckets where wake_at <= clock_timestamp() order by wake_at limit ${limit}) as keys,
      ${tokenDueIn}::float8 as "nextIn"`)
  return row ?? { keys: [], nextIn: null }
}

/** Has every line looked at, whatever its bucket says: a version with another rate may have become active. */
export async function remindOfLines(db: Db): Promise<void> {
  await db.run(sql('rate.remind')`
    with recursive line (key) as (
      (select rate_key from public.executions where parked_reason = 'rate' order by rate_key limit 1)
      union all
      select (select rate_key from public.executions
              where parked_reason = 'rate' and rate_key > line.key order by rate_key limit 1)
      from line where key is not null
    )
    insert into public.rate_buckets as b (key, wake_at)
    select key, now() from line where key is not null order by key
    on conflict (key) do update set wake_at = least(b.wake_at, excluded.wake_at)`)
}

/** Buckets that have been full for a minute, and for which nobody waits. */
export async function dropFullBuckets(db: Db, limit: number): Promise<void> {
  await db.run(sql('rate.drop')`
    delete from public.rate_buckets where key in (
      select key from public.rate_buckets where wake_at is null and full_at < now() - interval '1 minute'
      limit ${limit} for update skip locked)`)
}

/** Those that are first in the lines of buckets with tokens: by priority, then by age. */
export async function firstInTime(
  tx: Tx,
  { rooms, limit }: { rooms: ReadonlyMap<string, number>; limit: number },
): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(sql('rate.first')`
    select e.id
    from unnest(${[...rooms.keys()]}::text[], ${[...rooms.values()]}::integer[]) as l (key, room)
    cross join lateral (
      select id from public.executions
      where rate_key = l.key and parked_reason = 'rate'
      order by priority desc, id
      limit l.room
    ) as e
    limit ${limit}`)
  return rows.map(row => row.id)
}
