// The SQL of limits. Who holds a place and who waits for one is asked of the executions themselves, by partial indexes:
// there is no counter that could be wrong.
import type { Db, Tx } from '../db/pool.ts'
import { constant, sql } from '../db/sql.ts'
import { MOST_COUNTED } from './gates.ts'
import type { Standing } from './limits.ts'

/** Seed of the advisory locks of limits; other classes of locks have others. */
const LIMIT_SEED = 2

/** Of the version that counts for `l.key`: the active one, else the newest. */
export const settingsOfKey = constant`coalesce(
        (select settings from public.workflows
         where name = split_part(l.key, '/', 1) and status = 'active' and deleted_at is null),
        (select settings from public.workflows
         where name = split_part(l.key, '/', 1) order by version desc limit 1), '{}')`

/** Waits for the mutexes of limits, held until the transaction ends. Always in the order of the keys. */
export async function lockLimits(tx: Tx, keys: readonly string[]): Promise<void> {
  await tx.rows(sql('limit.lock')`
    select pg_advisory_xact_lock(hashtextextended(key, ${LIMIT_SEED})) from unnest(${keys.toSorted()}::text[]) as l (key)`)
}

/** Those of the limits whose mutex is free, now held. */
export async function tryLockLimits(tx: Tx, keys: readonly string[]): Promise<string[]> {
  const rows = await tx.rows<{ key: string }>(sql('limit.tryLock')`
    select key from unnest(${keys}::text[]) as l (key)
    where pg_try_advisory_xact_lock(hashtextextended(key, ${LIMIT_SEED}))`)
  return rows.map(row => row.key)
}

/** True only under the mutexes, in a statement of its own after they were obtained. */
export function loadStandings(tx: Tx, keys: readonly string[]): Promise<Standing[]> {
  return tx.rows(sql('limit.standings')`
    select l.key,
      (select count(*)::integer from public.executions
       where limit_key = l.key and status in ('pending', 'running', 'paused')
         and parked_reason is distinct from 'limit') as holding,
      (select count(*)::integer from (
        select from public.executions where limit_key = l.key and parked_reason = 'limit' limit ${MOST_COUNTED}
      ) as line) as waiting,
      ${settingsOfKey} as settings
    from unnest(${keys}::text[]) as l (key)`)
}

/** Those that are first in the lines of limits with room: by priority, then by age. Under their mutexes. */
export async function firstInLine(
  tx: Tx,
  { rooms, limit, except }: { rooms: ReadonlyMap<string, number>; limit: number; except: readonly string[] },
): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(sql('limit.first')`
    select e.id
    from unnest(${[...rooms.keys()]}::text[], ${[...rooms.values()]}::integer[]) as l (key, room)
    cross join lateral (
      select id from public.executions
      where limit_key = l.key and parked_reason = 'limit' and id <> all (${except}::uuid[])
      order by priority desc, id
      limit l.room
    ) as e
    limit ${limit}`)
  return rows.map(row => row.id)
}

/** The oldest executions under a limit, whether they have their place or wait for it. */
export async function oldestUnder(tx: Tx, { key, limit }: { key: string; limit: number }): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(sql('limit.oldest')`
    select id from (
      (select id from public.executions
       where limit_key = ${key} and status in ('pending', 'running', 'paused')
         and parked_reason is distinct from 'limit'
       order by id limit ${limit})
      union all
      (select id from public.executions
       where limit_key = ${key} and parked_reason = 'limit'
       order by id limit ${limit})
    ) as e
    order by id limit ${limit}`)
  return rows.map(row => row.id)
}

/** Whether anybody waits under any limit: see Question in db/pulse.ts. */
export const somebodyWaits = constant`
  (select 0 where exists (select from public.executions where parked_reason = 'limit'))`

/** Limits after a key, in order, under which executions wait: a probe of the partial index for each. */
export async function findLines(db: Db, { after, limit }: { after: string; limit: number }): Promise<string[]> {
  const rows = await db.rows<{ key: string }>(sql('limit.findLines')`
    with recursive line (key) as (
      (select limit_key from public.executions
       where parked_reason = 'limit' and limit_key > ${after} order by limit_key limit 1)
      union all
      select (select limit_key from public.executions
              where parked_reason = 'limit' and limit_key > line.key order by limit_key limit 1)
      from line where key is not null
    )
    select key from line where key is not null limit ${limit}`)
  return rows.map(row => row.key)
}
