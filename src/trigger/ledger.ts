// The ledger: what became of every slot and every request. Its primary key (trigger_id, fire_key) is the proof that a
// trigger fires once; everything else a fire makes is gated on the rows this insert returns.
import { values, words } from '../db/columns.ts'
import type { Db, Tx } from '../db/pool.ts'
import { sql } from '../db/sql.ts'

export type Disposition = 'fired' | 'buffered' | 'coalesced' | 'skipped'
export type DispositionReason = 'overlap' | 'misfire' | 'excluded' | 'bounds' | 'limit' | 'paused'

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
}

/** Writes the rows that are new; resolves to their keys. A key that is already there stays as it was decided. */
export async function recordDispositions(tx: Tx, rows: readonly LedgerRow[]): Promise<Set<string>> {
  if (rows.length === 0) return new Set()
  const each = <T>(pick: (row: LedgerRow) => T): T[] => rows.map(pick)
  const recorded = await tx.rows<{ triggerId: string; fireKey: string }>(sql('trigger.recordDispositions')`
    insert into public.trigger_fires
      (trigger_id, fire_key, disposition, reason, slot_at, slot_until, slot_count, execution_id, request_hash, decided_at)
    select trigger_id, fire_key, disposition, reason, slot_at, slot_until, slot_count, execution_id,
      decode(request_hash, 'hex'), now()
    from rows from (
      unnest(${words(each(row => row.triggerId))}::uuid[]),
      jsonb_array_elements_text(${values(each(row => row.fireKey))}::jsonb),
      unnest(${words(each(row => row.disposition))}::text[]),
      unnest(${words(each(row => row.reason))}::text[]),
      unnest(${words(each(row => row.slotAt))}::timestamptz[]),
      unnest(${words(each(row => row.slotUntil))}::timestamptz[]),
      unnest(${words(each(row => row.slotCount))}::integer[]),
      unnest(${words(each(row => row.executionId))}::uuid[]),
      unnest(${words(each(row => row.requestHash))}::text[])
    ) as r (trigger_id, fire_key, disposition, reason, slot_at, slot_until, slot_count, execution_id, request_hash)
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
