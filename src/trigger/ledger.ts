// The ledger: what became of every slot and every request. Its primary key (trigger_id, fire_key) is the proof that a
// trigger fires once; everything else a fire makes is gated on the rows this insert returns. A row stays as it was decided,
// except that what is `buffered` becomes `fired`, once, when it is released, or `skipped` when its trigger is removed first.
import type { Json } from '../base/json.ts'
import { unlessNull, uuids, values, words } from '../db/columns.ts'
import type { Db, Tx } from '../db/pool.ts'
import { constant, sql } from '../db/sql.ts'
import type { Carried } from './input.ts'

export type Disposition = 'fired' | 'buffered' | 'coalesced' | 'skipped'
export type DispositionReason =
  | 'overlap'
  | 'misfire'
  | 'excluded'
  | 'bounds'
  | 'limit'
  | 'cooldown'
  | 'paused'
  | 'removed'
  // of events
  | 'debounce'
  | 'throttle'
  | 'batch'
  | 'window'
  | 'loop'
  | 'expression'

export interface LedgerRow {
  readonly triggerId: string
  readonly fireKey: string
  readonly disposition: Disposition
  readonly reason: DispositionReason | null
  /** First and last slot of the run (equal for a run of one); null where no schedule is involved. */
  readonly slotAt: Date | null
  readonly slotUntil: Date | null
  readonly slotCount: number
  readonly executionId: string | null
  /** SHA-256 of what a request asked for, hex; null for slots. */
  readonly requestHash: string | null
  /** What a request that waits brought with it. */
  readonly carried: Carried | null
}

/** Writes the rows that are new; resolves to their keys. A key that is already there stays as it was decided. */
export async function recordDispositions(tx: Tx, rows: readonly LedgerRow[]): Promise<Set<string>> {
  if (rows.length === 0) return new Set()
  const each = <T>(pick: (row: LedgerRow) => T): T[] => rows.map(pick)
  const recorded = await tx.rows<{ triggerId: string; fireKey: string }>(sql('trigger.recordDispositions')`
    insert into public.trigger_fires
      (trigger_id, fire_key, disposition, reason, slot_at, slot_until, slot_count, execution_id, request_hash,
        decided_at, buffered_at, carried)
    select trigger_id, fire_key, disposition, reason, slot_at, slot_until, slot_count, execution_id,
      decode(request_hash, 'hex'), now(), case when disposition = 'buffered' then now() end, nullif(carried, 'null')
    from rows from (
      unnest(${uuids(each(row => row.triggerId))}::uuid[]),
      jsonb_array_elements_text(${values(each(row => row.fireKey))}::jsonb),
      unnest(${words(each(row => row.disposition))}::text[]),
      unnest(${words(unlessNull(each(row => row.reason)))}::text[]),
      unnest(${words(each(row => row.slotAt))}::timestamptz[]),
      unnest(${words(each(row => row.slotUntil))}::timestamptz[]),
      unnest(${words(each(row => row.slotCount))}::integer[]),
      unnest(${uuids(each(row => row.executionId))}::uuid[]),
      unnest(${words(unlessNull(each(row => row.requestHash)))}::text[]),
      jsonb_array_elements(${values(unlessNull(each(row => row.carried)) as readonly Json[])}::jsonb)
    ) as r (trigger_id, fire_key, disposition, reason, slot_at, slot_until, slot_count, execution_id, request_hash, carried)
    on conflict (trigger_id, fire_key) do nothing
    returning trigger_id as "triggerId", fire_key as "fireKey"`)
  return new Set(recorded.map(row => ledgerKey(row)))
}

export function ledgerKey({ triggerId, fireKey }: { triggerId: string; fireKey: string }): string {
  return `${triggerId} ${fireKey}`
}

/** Slots that each trigger has fired, or is bound to; triggers without one are absent. */
export async function countFired(db: Db, ids: readonly string[]): Promise<Map<string, number>> {
  if (ids.length === 0) return new Map()
  const rows = await db.rows<{ id: string; fired: number }>(sql('trigger.countFired')`
    select trigger_id as id, count(*)::integer as fired
    from public.trigger_fires
    where trigger_id = any(${ids}::uuid[]) and disposition in ('fired', 'buffered') and fire_key like 'slot:%'
    group by trigger_id`)
  return new Map(rows.map(row => [row.id, row.fired]))
}

/** Fires of each trigger that wait for room; triggers without one are absent. */
export async function countWaiting(db: Db, ids: readonly string[]): Promise<Map<string, number>> {
  if (ids.length === 0) return new Map()
  const rows = await db.rows<{ id: string; waiting: number }>(sql('trigger.countWaiting')`
    select trigger_id as id, count(*)::integer as waiting
    from public.trigger_fires
    where trigger_id = any(${ids}::uuid[]) and disposition = 'buffered'
    group by trigger_id`)
  return new Map(rows.map(row => [row.id, row.waiting]))
}

/** Whether a fire waits anywhere: see Question in db/pulse.ts. */
export const fireWaits = constant`
  (select 0 where exists (select from public.trigger_fires where disposition = 'buffered'))`

/** Triggers after an id, in order, of which fires wait: a probe of the partial index for each. */
export async function findWaiting(db: Db, { after, limit }: { after: string; limit: number }): Promise<string[]> {
  const rows = await db.rows<{ id: string }>(sql('trigger.findWaiting')`
    with recursive waiting (id) as (
      (select trigger_id from public.trigger_fires
       where disposition = 'buffered' and trigger_id > ${after} order by trigger_id limit 1)
      union all
      select (select trigger_id from public.trigger_fires
              where disposition = 'buffered' and trigger_id > waiting.id order by trigger_id limit 1)
      from waiting where id is not null
    )
    select id from waiting where id is not null limit ${limit}`)
  return rows.map(row => row.id)
}

export interface WaitingFire {
  readonly triggerId: string
  readonly fireKey: string
  readonly slotAt: Date | null
  readonly carried: Carried | null
}

/** The fires that have waited longest, of each trigger as many as it has room for. Under their mutexes. */
export async function nextWaiting(
  tx: Tx,
  { rooms, limit }: { rooms: ReadonlyMap<string, number>; limit: number },
): Promise<WaitingFire[]> {
  const some = [...rooms].filter(([, room]) => room > 0)
  if (some.length === 0) return []
  return tx.rows(sql('trigger.nextWaiting')`
    select r.id as "triggerId", f.fire_key as "fireKey", f.slot_at as "slotAt", f.carried
    from unnest(${some.map(([id]) => id)}::uuid[], ${some.map(([, room]) => room)}::integer[]) as r (id, room)
    cross join lateral (
      select fire_key, slot_at, carried, buffered_at from public.trigger_fires
      where trigger_id = r.id and disposition = 'buffered'
      order by buffered_at, slot_at, fire_key
      limit r.room
    ) as f
    order by f.buffered_at, f.slot_at, f.fire_key
    limit ${limit}`)
}

/** Turns what waited into fires; resolves to the keys of those that did wait. */
export async function markReleased(
  tx: Tx,
  fires: readonly { readonly triggerId: string; readonly fireKey: string; readonly executionId: string }[],
): Promise<Set<string>> {
  if (fires.length === 0) return new Set()
  const released = await tx.rows<{ triggerId: string; fireKey: string }>(sql('trigger.markReleased')`
    update public.trigger_fires f
    set disposition = 'fired', execution_id = r.execution_id, decided_at = now(), carried = null
    from unnest(${fires.map(one => one.triggerId)}::uuid[], ${fires.map(one => one.fireKey)}::text[],
      ${fires.map(one => one.executionId)}::uuid[]) as r (trigger_id, fire_key, execution_id)
    where f.trigger_id = r.trigger_id and f.fire_key = r.fire_key and f.disposition = 'buffered'
    returning f.trigger_id as "triggerId", f.fire_key as "fireKey"`)
  return new Set(released.map(row => ledgerKey(row)))
}

/** What still waits for a trigger that goes will not start; the ledger outlives the trigger and says so. */
export async function dropWaiting(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.run(sql('trigger.dropWaiting')`
    update public.trigger_fires set disposition = 'skipped', reason = 'removed', decided_at = now(), carried = null
    where trigger_id = any(${ids}::uuid[]) and disposition = 'buffered'`)
}
