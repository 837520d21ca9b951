// The SQL of triggers, their cursors and their specs. Everything here that writes a trigger runs under its mutex.
import type { JsonObject } from '../base/json.ts'
import { uuids, values, words } from '../db/columns.ts'
import type { Db, Tx } from '../db/pool.ts'
import { constant, sql } from '../db/sql.ts'
import type { Disposition, DispositionReason } from './ledger.ts'
import type { Trigger } from './trigger.ts'

/** Seed of the advisory locks of triggers; another class of locks takes another seed. */
const MUTEX_SEED = 1

export const columns = constant`id, workflow_id as "workflowId", workflow_name as "workflowName", key, name, type, config, enabled,
      spec_version as "specVersion", anchor_at as "anchorAt", paused_at as "pausedAt", paused_by as "pausedBy",
      pause_note as "pauseNote", last_triggered_at as "lastTriggeredAt",
      (select (w.settings ->> 'priority')::integer from public.workflows w where w.id = workflow_id) as "workflowPriority"`

/** Waits for the mutex of one trigger, held until the transaction ends: what fires, edits, pauses or backfills takes it. */
export async function lockTrigger(tx: Tx, id: string): Promise<void> {
  await tx.rows(sql('trigger.lock')`select pg_advisory_xact_lock(hashtextextended(${id}, ${MUTEX_SEED}))`)
}

export interface DueCursor {
  readonly id: string
  readonly nextFireAt: Date
  readonly now: Date
}

/**
 * Claims due cursors. Half of a batch is for triggers that have become due within the last poll, so that a backlog does
 * not delay what is on time; what one half does not need is the other's. `SKIP LOCKED` spreads the pollers.
 */
export function claimDueCursors(
  tx: Tx,
  { limit, freshFor }: { limit: number; freshFor: number },
): Promise<DueCursor[]> {
  return tx.rows(sql('trigger.claimDue')`
    with fresh as materialized (
      select trigger_id, next_fire_at from public.trigger_cursors
      where next_fire_at > now() - ${freshFor} * interval '1 millisecond' and next_fire_at <= now()
      order by next_fire_at
      limit ${limit} - (
        select count(*) from (
          select from public.trigger_cursors
          where next_fire_at <= now() - ${freshFor} * interval '1 millisecond'
          limit ${Math.floor(limit / 2)}
        ) as half
      )
      for update skip locked
    ), backlog as materialized (
      select trigger_id, next_fire_at from public.trigger_cursors
      where next_fire_at <= now() - ${freshFor} * interval '1 millisecond'
      order by next_fire_at
      limit ${limit} - (select count(*) from fresh)
      for update skip locked
    )
    select trigger_id as id, next_fire_at as "nextFireAt", now()::timestamptz(3) as now
    from (select * from fresh union all select * from backlog) as due
    order by next_fire_at`)
}

/** Those of the triggers whose mutex is free, now held, as they stand after the cursors were claimed. */
export function tryLockTriggers(tx: Tx, ids: readonly string[]): Promise<Trigger[]> {
  return tx.rows(sql('trigger.tryLock')`
    with held as materialized (
      select id from unnest(${uuids(ids)}::uuid[]) as picked (id)
      where pg_try_advisory_xact_lock(hashtextextended(id::text, ${MUTEX_SEED}))
    )
    select ${columns} from public.triggers where id in (select id from held)`)
}

/** Milliseconds until the earliest cursor is due, negative when one is overdue; null when there is none. */
export async function nextDueIn(db: Db): Promise<number | null> {
  const [row] = await db.rows<{ ms: number | null }>(sql('trigger.nextDue')`
    select (extract(epoch from min(next_fire_at) - clock_timestamp()) * 1000)::float8 as ms from public.trigger_cursors`)
  return row?.ms ?? null
}

export interface CursorMove {
  readonly id: string
  /** Null: nothing is owed any more. */
  readonly nextFireAt: Date | null
}

export async function moveCursors(tx: Tx, moves: readonly CursorMove[]): Promise<void> {
  const done = moves.filter(move => move.nextFireAt === null).map(move => move.id)
  const ahead = moves.filter(move => move.nextFireAt !== null)
  await Promise.all([
    ahead.length === 0
      ? undefined
      : tx.run(sql('trigger.moveCursors')`
          insert into public.trigger_cursors as c (trigger_id, next_fire_at)
          select * from unnest(${uuids(ahead.map(move => move.id))}::uuid[], ${words(ahead.map(move => move.nextFireAt))}::timestamptz[])
          on conflict (trigger_id) do update set next_fire_at = excluded.next_fire_at`),
    done.length === 0
      ? undefined
      : tx.run(
          sql('trigger.dropCursors')`delete from public.trigger_cursors where trigger_id = any(${uuids(done)}::uuid[])`,
        ),
  ])
}

export async function lockCursor(tx: Tx, id: string): Promise<Date | null> {
  const [row] = await tx.rows<{ nextFireAt: Date }>(sql('trigger.lockCursor')`
    select next_fire_at as "nextFireAt" from public.trigger_cursors where trigger_id = ${id} for update`)
  return row?.nextFireAt ?? null
}

/** `last_triggered_at` never moves back. */
export async function markTriggered(tx: Tx, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await tx.run(sql('trigger.markTriggered')`
    update public.triggers set last_triggered_at = greatest(last_triggered_at, now()) where id = any(${uuids(ids)}::uuid[])`)
}

export async function loadTriggers(db: Db, ids: readonly string[]): Promise<Trigger[]> {
  if (ids.length === 0) return []
  return db.rows(sql('trigger.load')`select ${columns} from public.triggers where id = any(${ids}::uuid[])`)
}

export function loadTriggersOf(db: Db, workflowName: string): Promise<Trigger[]> {
  return db.rows(
    sql('trigger.loadOf')`select ${columns} from public.triggers where workflow_name = ${workflowName} order by key`,
  )
}

/** The enabled ones of a type. */
export function loadTriggersOfType(db: Db, type: Trigger['type']): Promise<Trigger[]> {
  return db.rows(
    sql(
      'trigger.loadOfType',
    )`select ${columns} from public.triggers where type = ${type} and enabled and paused_at is null
      order by id`,
  )
}

export async function insertTrigger(tx: Tx, trigger: Trigger): Promise<void> {
  await tx.run(sql('trigger.insert')`
    insert into public.triggers (id, workflow_id, workflow_name, key, name, type, config, enabled, spec_version, anchor_at)
    values (${trigger.id}, ${trigger.workflowId}, ${trigger.workflowName}, ${trigger.key}, ${trigger.name}, ${trigger.type},
      ${trigger.config}, ${trigger.enabled}, ${trigger.specVersion}, ${trigger.anchorAt})`)
}

export async function updateTrigger(tx: Tx, trigger: Trigger): Promise<void> {
  await tx.run(sql('trigger.update')`
    update public.triggers
    set workflow_id = ${trigger.workflowId}, name = ${trigger.name}, type = ${trigger.type}, config = ${trigger.config},
        enabled = ${trigger.enabled}, spec_version = ${trigger.specVersion}, paused_at = ${trigger.pausedAt},
        paused_by = ${trigger.pausedBy}, pause_note = ${trigger.pauseNote}, updated_at = now()
    where id = ${trigger.id}`)
}

/** The rule as it is from `now` on; the past stays explainable. */
export async function insertSpec(tx: Tx, trigger: Trigger, now: Date): Promise<void> {
  await tx.run(sql('trigger.insertSpec')`
    insert into public.trigger_specs
      (trigger_id, spec_version, workflow_id, type, config, anchor_at, enabled, paused_at, paused_by, pause_note, valid_from)
    values (${trigger.id}, ${trigger.specVersion}, ${trigger.workflowId}, ${trigger.type}, ${trigger.config},
      ${trigger.anchorAt}, ${trigger.enabled}, ${trigger.pausedAt}, ${trigger.pausedBy}, ${trigger.pauseNote}, ${now})`)
}

export async function deleteTriggers(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.run(sql('trigger.delete')`delete from public.triggers where id = any(${ids}::uuid[])`)
}

export interface ListedTrigger {
  readonly id: string
  readonly workflowName: string
  readonly key: string
  readonly name: string
  readonly type: string
  readonly config: JsonObject
  readonly enabled: boolean
  readonly pausedAt: Date | null
  readonly pausedBy: string | null
  readonly pauseNote: string | null
  readonly lastTriggeredAt: Date | null
  readonly nextFireAt: Date | null
}

export function listTriggers(db: Db, workflowName: string | undefined): Promise<ListedTrigger[]> {
  return db.rows(sql('trigger.list')`
    select t.id, t.workflow_name as "workflowName", t.key, t.name, t.type, t.config, t.enabled, t.paused_at as "pausedAt", t.paused_by as "pausedBy",
      t.pause_note as "pauseNote", t.last_triggered_at as "lastTriggeredAt", c.next_fire_at as "nextFireAt"
    from public.triggers t left join public.trigger_cursors c on c.trigger_id = t.id
    where ${workflowName ?? null}::text is null or t.workflow_name = ${workflowName ?? null}
    order by t.workflow_name, t.key`)
}

/** Triggers a user may have meant: by id, by `workflow/key`, or by key alone. */
export function findTriggers(
  db: Db,
  words: { id: string | null; workflowName: string | null; key: string },
): Promise<Trigger[]> {
  return db.rows(sql('trigger.find')`
    select ${columns} from public.triggers
    where id = ${words.id}::uuid
       or (key = ${words.key} and (${words.workflowName}::text is null or workflow_name = ${words.workflowName}))
    order by workflow_name, key`)
}

export interface EarlierRequest {
  readonly disposition: Disposition
  readonly reason: DispositionReason | null
  /** Null when it started none, or none yet. */
  readonly executionId: string | null
  readonly requestHash: string | null
}

/** What became of a fire key before. */
export async function findRequest(
  db: Db,
  { triggerId, fireKey }: { triggerId: string; fireKey: string },
): Promise<EarlierRequest | undefined> {
  const [row] = await db.rows<EarlierRequest>(sql('trigger.findRequest')`
    select disposition, reason, execution_id as "executionId", encode(request_hash, 'hex') as "requestHash"
    from public.trigger_fires
    where trigger_id = ${triggerId} and fire_key = ${fireKey}`)
  return row
}

/** A request by its place in the ledger. */
export interface RequestName {
  readonly triggerId: string
  readonly fireKey: string
}

/** What became of many fire keys before; those that are new are absent. */
export function findRequests(db: Db, names: readonly RequestName[]): Promise<(RequestName & EarlierRequest)[]> {
  return db.rows(sql('trigger.findRequests')`
    select n.trigger_id as "triggerId", n.fire_key as "fireKey", f.disposition, f.reason, f.execution_id as "executionId",
      encode(f.request_hash, 'hex') as "requestHash"
    from rows from (
      unnest(${uuids(names.map(name => name.triggerId))}::uuid[]),
      jsonb_array_elements_text(${values(names.map(name => name.fireKey))}::jsonb)
    ) as n (trigger_id, fire_key)
    cross join lateral ( -- one probe of the key each, however many rows the trigger has
      select disposition, reason, execution_id, request_hash from public.trigger_fires
      where trigger_id = n.trigger_id and fire_key = n.fire_key
      limit 1
    ) as f`)
}
