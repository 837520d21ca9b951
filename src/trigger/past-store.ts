// The SQL that only reads: what people ask about the past and the standing of triggers.
import type { Db, Tx } from '../db/pool.ts'
import { constant, sql } from '../db/sql.ts'
import type { Disposition, DispositionReason } from './ledger.ts'
import type { Trigger } from './trigger.ts'

export interface CursorNow {
  readonly now: Date
  /** Null: nothing is owed. */
  readonly cursor: Date | null
}

export async function readCursor(db: Db, triggerId: string): Promise<CursorNow> {
  const [row] = await db.rows<CursorNow>(sql('trigger.readCursor')`
    select clock_timestamp()::timestamptz(3) as now,
      (select next_fire_at from public.trigger_cursors where trigger_id = ${triggerId}) as cursor`)
  return row ?? { now: new Date(), cursor: null }
}

/** Everything the transaction reads is of one instant. */
export async function holdSnapshot(tx: Tx): Promise<void> {
  await tx.run(sql('trigger.snapshot')`set transaction isolation level repeatable read, read only`)
}

/** A rule the trigger had; slots after `validFrom` followed it, up to the next one's. */
export interface Spec
  extends Pick<
    Trigger,
    'specVersion' | 'type' | 'config' | 'anchorAt' | 'enabled' | 'pausedAt' | 'pausedBy' | 'pauseNote'
  > {
  readonly validFrom: Date
}

/** All it ever had, the first one first. */
export function loadSpecs(db: Db, triggerId: string): Promise<Spec[]> {
  return db.rows(sql('trigger.specs')`
    select spec_version as "specVersion", type, config, anchor_at as "anchorAt", enabled,
      paused_at as "pausedAt", paused_by as "pausedBy", pause_note as "pauseNote", valid_from as "validFrom"
    from public.trigger_specs where trigger_id = ${triggerId} order by spec_version`)
}

/** A row of the ledger, and how its execution fares. */
export interface LedgerEntry {
  readonly fireKey: string
  readonly disposition: Disposition
  readonly reason: DispositionReason | null
  /** First and last slot of the run; null for a request. */
  readonly slotAt: Date | null
  readonly slotUntil: Date | null
  readonly slotCount: number
  readonly decidedAt: Date
  /** Since when it waits, or waited, for room; null if it never had to. */
  readonly bufferedAt: Date | null
  readonly executionId: string | null
  /** Null also when the execution is no longer kept. */
  readonly executionStatus: string | null
}

const entryColumns = constant`f.fire_key as "fireKey", f.disposition, f.reason, f.slot_at as "slotAt", f.slot_until as "slotUntil",
      f.slot_count as "slotCount", f.decided_at as "decidedAt", f.buffered_at as "bufferedAt",
      f.execution_id as "executionId",
      (select e.status from public.executions e where e.id = f.execution_id) as "executionStatus"`

/** The rows of slots in [from, until], and the last row before, which may reach into them. */
export function loadEntries(
  db: Db,
  { triggerId, from, until }: { triggerId: string; from: Date; until: Date },
): Promise<LedgerEntry[]> {
  return db.rows(sql('trigger.entries')`
    select ${entryColumns} from public.trigger_fires f
    where f.trigger_id = ${triggerId} and f.fire_key like 'slot:%' and f.slot_at <= ${until}
      and f.slot_at >= coalesce(
        (select max(b.slot_at) from public.trigger_fires b
         where b.trigger_id = ${triggerId} and b.fire_key like 'slot:%' and b.slot_at <= ${from}), ${from})
    order by f.slot_at`)
}

/** What backfills fired for slots in [from, until]. */
export function loadBackfillFires(
  db: Db,
  { triggerId, from, until }: { triggerId: string; from: Date; until: Date },
): Promise<LedgerEntry[]> {
  return db.rows(sql('trigger.backfillFires')`
    select ${entryColumns} from public.trigger_fires f
    where f.trigger_id = ${triggerId} and f.fire_key like 'bf:%' and f.disposition = 'fired'
      and f.slot_at between ${from} and ${until}
    order by f.slot_at, f.decided_at`)
}

interface Place {
  readonly decidedAt: Date
  readonly fireKey: string
}

/** What was decided last first; of one instant by fire key, which for slots is their order. */
export function listEntries(
  db: Db,
  { triggerId, before, limit }: { triggerId: string; before: Place | null; limit: number },
): Promise<LedgerEntry[]> {
  return db.rows(sql('trigger.history')`
    select ${entryColumns} from public.trigger_fires f
    where f.trigger_id = ${triggerId} and (${before?.decidedAt ?? null}::timestamptz is null
      or (f.decided_at, f.fire_key collate "C") < (${before?.decidedAt ?? null}::timestamptz, ${before?.fireKey ?? null}::text))
    order by f.decided_at desc, f.fire_key collate "C" desc
    limit ${limit}`)
}

/** When it was decided. */
export async function findEntry(
  db: Db,
  { triggerId, fireKey }: { triggerId: string; fireKey: string },
): Promise<Date | undefined> {
  const [row] = await db.rows<{ decidedAt: Date }>(sql('trigger.findEntry')`
    select decided_at as "decidedAt" from public.trigger_fires where trigger_id = ${triggerId} and fire_key = ${fireKey}`)
  return row?.decidedAt
}
