// The SQL of the append: locks, events, projections; a statement each, whatever the number of rows.
import { allWords, unlessNull, uuidRuns, uuids, values, words } from '../db/columns.ts'
import type { Db, Tx } from '../db/pool.ts'
import { sql } from '../db/sql.ts'
import type { Append, Ended, ExecutionProjection, NodeProjection, Numbered, SplitProjection } from './append.ts'
import type { EventBody, EventType, RecordedEvent } from './event.ts'

export interface LockedRow {
  readonly id: string
  readonly turn: number
  readonly claim: number
  readonly last_sequence: number
  /** The transaction's instant. */
  readonly at: Date
}

export function lockRows(tx: Tx, executionIds: readonly string[]): Promise<LockedRow[]> {
  return tx.rows(sql('event.lockRows')`
    select id, turn, claim, last_sequence, now()::timestamptz(3) as at
    from public.executions
    where id = any(${executionIds}::uuid[])
    order by id
    for no key update skip locked`)
}

/**
 * Locks the rows of the appends, which come in the order of their ids, and fails with a division by zero unless all of
 * them are as their fences say and `at` is the transaction's instant, give or take TOLERANCE_S. Resolves to that instant.
 */
export async function lockAsExpected(tx: Tx, appends: readonly Numbered[], at: Date): Promise<Date> {
  const each = <T>(pick: (append: Append) => T): T[] => appends.map(one => pick(one.append))
  const ids = uuids(each(({ executionId }) => executionId))
  const [row] = await tx.rows<{ now: Date }>(sql('event.lockAsExpected')`
    select now()::timestamptz(3) as now, 1 / coalesce(
      array_agg(id) = ${ids}::uuid[]
      and array_agg(turn) = ${words(each(({ fence }) => fence.turn))}::integer[]
      and array_agg(claim) = ${words(each(({ fence }) => fence.claim))}::integer[]
      and array_agg(last_sequence) = ${allWords(each(({ fence }) => fence.sequence))}::integer[]
      and abs(extract(epoch from now() - ${at}::timestamptz)) < ${TOLERANCE_S}, false)::integer as guard
    from (
      select id, turn, claim, last_sequence
      from public.executions
      where id = any(${ids}::uuid[])
      order by id
      for no key update skip locked
    ) as locked`)
  return row?.now ?? at
}

/** Seconds by which an event's instant may differ from its transaction's. */
const TOLERANCE_S = 0.1

export async function existingIds(db: Db, executionIds: readonly string[]): Promise<Set<string>> {
  const rows = await db.rows<{ id: string }>(sql('event.existingIds')`
    select id from public.executions where id = any(${executionIds}::uuid[])`)
  return new Set(rows.map(row => row.id))
}

export function insertEvents(tx: Tx, appends: readonly Numbered[], at: Date): Promise<number> {
  const sequences: number[] = []
  const types: EventType[] = []
  for (const { append } of appends) {
    let sequence = append.fence.sequence
    for (const { type } of append.events) {
      sequences.push(++sequence)
      types.push(type)
    }
  }
  const howMany = (i: number): number => appends[i]?.append.events.length ?? 0
  const ids = appends.map(one => one.firstId)
  const executions = appends.map(one => one.append.executionId)
  return tx.run(sql('event.insert')`
    insert into public.events (id, execution_id, sequence, event_type, payload, created_at)
    select id, execution_id, sequence, event_type, payload, ${at}::timestamptz
    from rows from (
      unnest(${uuidRuns(ids, howMany, true)}::uuid[]),
      unnest(${uuidRuns(executions, howMany)}::uuid[]),
      unnest(${allWords(sequences)}::bigint[]),
      unnest(${allWords(types)}::text[]),
      jsonb_array_elements(${`[${appends.map(one => one.payloads).join()}]`}::jsonb)
    ) as e (id, execution_id, sequence, event_type, payload)`)
}

export interface ExecutionChange {
  readonly append: Append
  readonly row: ExecutionProjection
}

/** Resolves to who is to hear of an end. */
export async function updateExecutions(tx: Tx, changes: readonly ExecutionChange[], at: Date): Promise<Ended> {
  const each = <T>(pick: (row: ExecutionProjection) => T): T[] => changes.map(change => pick(change.row))
  const rare = <T>(pick: (row: ExecutionProjection) => T): readonly T[] => unlessNull(each(pick))
  const told = await tx.rows<Told>(sql('event.updateExecutions')`
    with changed as (update public.executions e
    set last_sequence = p.last_sequence, status = p.status, output_data = nullif(p.output, 'null'), error = p.error,
        turn = p.turn, claim = p.claim, wake_at = p.wake_at, parked_reason = p.parked_reason, limit_key = p.limit_key,
        rate_key = p.rate_key, pool = p.pool,
        started_at = p.started_at, completed_at = p.completed_at, updated_at = ${at}::timestamptz
    from rows from (
      unnest(${uuids(changes.map(({ append }) => append.executionId))}::uuid[]),
      unnest(${allWords(changes.map(({ append }) => append.fence.sequence + append.events.length))}::integer[]),
      unnest(${allWords(each(row => row.status))}::text[]),
      jsonb_array_elements(${values(each(row => row.output))}::jsonb),
      jsonb_array_elements_text(${values(rare(row => row.error))}::jsonb),
      unnest(${allWords(each(row => row.turn))}::integer[]),
      unnest(${allWords(each(row => row.claim))}::integer[]),
      unnest(${words(rare(row => row.wakeAt))}::timestamptz[]),
      unnest(${words(rare(row => row.parkedReason))}::text[]),
      jsonb_array_elements_text(${values(rare(row => row.limitKey))}::jsonb),
      jsonb_array_elements_text(${values(rare(row => row.rateKey))}::jsonb),
      unnest(${words(rare(row => row.pool))}::text[]),
      unnest(${words(each(row => row.startedAt))}::timestamptz[]),
      unnest(${words(each(row => row.completedAt))}::timestamptz[])
    ) as p (id, last_sequence, status, output, error, turn, claim, wake_at, parked_reason, limit_key, rate_key, pool, started_at, completed_at)
    where e.id = p.id
    returning case when e.reports_end then e.trigger_id end as trigger_id, e.limit_key, e.status, e.completed_at,
      e.parent_execution_id)
    select distinct case when completed_at is not null then trigger_id end as "triggerId",
      case when completed_at is not null then limit_key end as "limitKey", parent_execution_id as splitter
    from changed
    where (completed_at is not null and coalesce(trigger_id::text, limit_key, parent_execution_id::text) is not null)
      or (status = 'paused' and parent_execution_id is not null)`)
  return {
    triggerIds: [...new Set(told.flatMap(row => row.triggerId ?? []))],
    limitKeys: [...new Set(told.flatMap(row => row.limitKey ?? []))],
    splitters: [...new Set(told.flatMap(row => row.splitter ?? []))],
  }
}

interface Told {
  readonly triggerId: string | null
  readonly limitKey: string | null
  readonly splitter: string | null
}

export interface SplitChange {
  readonly executionId: string
  readonly row: SplitProjection
}

/** A split that goes on after a retry is looked at again from its first item. */
export function openSplits(tx: Tx, changes: readonly SplitChange[]): Promise<number> {
  const each = <T>(pick: (row: SplitProjection) => T): T[] => changes.map(change => pick(change.row))
  return tx.run(sql('event.openSplits')`
    insert into public.splits (execution_id, node_id, generation, sequence, since, total, max_parallel, on_item_error)
    select execution_id, node_id, generation, sequence, since, total, max_parallel, on_item_error
    from rows from (
      unnest(${uuids(changes.map(change => change.executionId))}::uuid[]),
      unnest(${uuids(each(row => row.nodeId))}::uuid[]),
      unnest(${words(each(row => row.generation))}::integer[]),
      unnest(${words(each(row => row.sequence))}::bigint[]),
      unnest(${words(each(row => row.since))}::bigint[]),
      unnest(${words(each(row => row.total))}::integer[]),
      unnest(${words(each(row => row.maxParallel))}::integer[]),
      unnest(${words(each(row => row.onItemError))}::text[])
    ) as s (execution_id, node_id, generation, sequence, since, total, max_parallel, on_item_error)
    on conflict on constraint splits_pkey do update set status = 'open', since = excluded.since, next_index = 0`)
}

/** Puts the ends of executions into the inbox of events, if a trigger may want them; after their rows were updated. */
export async function announceEnds(tx: Tx, executionIds: readonly string[]): Promise<void> {
  await tx.rows(sql('event.announceEnds')`select public.mbflow_announce_executions(${uuids(executionIds)}::uuid[])`)
}

export interface NodeChange {
  readonly executionId: string
  readonly row: NodeProjection
}

export function insertNodes(tx: Tx, changes: readonly NodeChange[], at: Date): Promise<number> {
  const each = <T>(pick: (row: NodeProjection) => T): T[] => changes.map(change => pick(change.row))
  return tx.run(sql('event.insertNodes')`
    insert into public.node_executions (id, execution_id, node_id, status, wave, retry_count, generation,
      input_data, output_data, error, started_at, completed_at, created_at, updated_at)
    select id, execution_id, node_id, status, wave, retry_count, generation,
      nullif(input, 'null'), nullif(output, 'null'), error, started_at, completed_at, ${at}::timestamptz, ${at}::timestamptz
    from rows from (
      unnest(${uuids(each(row => row.id))}::uuid[]),
      unnest(${uuids(changes.map(change => change.executionId))}::uuid[]),
      unnest(${uuids(each(row => row.nodeId))}::uuid[]),
      unnest(${allWords(each(row => row.status))}::text[]),
      unnest(${allWords(each(row => row.wave))}::integer[]),
      unnest(${allWords(each(row => row.retryCount))}::integer[]),
      unnest(${words(each(row => row.generation))}::integer[]),
      jsonb_array_elements(${values(each(row => row.input))}::jsonb),
      jsonb_array_elements(${values(each(row => row.output))}::jsonb),
      jsonb_array_elements_text(${values(unlessNull(each(row => row.error)))}::jsonb),
      unnest(${words(each(row => row.startedAt))}::timestamptz[]),
      unnest(${words(each(row => row.completedAt))}::timestamptz[])
    ) as p (id, execution_id, node_id, status, wave, retry_count, generation, input, output, error, started_at, completed_at)`)
}

/**
 * Resolves to the executions in which the node of a split ended while its items ran: of those no more are made, whatever
 * becomes of the execution later.
 */
export async function updateNodes(tx: Tx, changes: readonly NodeChange[], at: Date): Promise<string[]> {
  const each = <T>(pick: (row: NodeProjection) => T): T[] => changes.map(change => pick(change.row))
  const stopped = await tx.rows<{ id: string }>(sql('event.updateNodes')`
    with changed as (update public.node_executions n
    set status = p.status, retry_count = p.retry_count, output_data = nullif(p.output, 'null'), error = p.error,
        started_at = p.started_at, completed_at = p.completed_at, updated_at = ${at}::timestamptz
    from rows from (
      unnest(${uuids(each(row => row.id))}::uuid[]),
      unnest(${allWords(each(row => row.status))}::text[]),
      unnest(${allWords(each(row => row.retryCount))}::integer[]),
      jsonb_array_elements(${values(each(row => row.output))}::jsonb),
      jsonb_array_elements_text(${values(unlessNull(each(row => row.error)))}::jsonb),
      unnest(${words(each(row => row.startedAt))}::timestamptz[]),
      unnest(${words(each(row => row.completedAt))}::timestamptz[])
    ) as p (id, status, retry_count, output, error, started_at, completed_at)
    where n.id = p.id
    returning n.execution_id, n.node_id, n.generation, n.completed_at)
    update public.splits s set status = 'stopping'
    from changed c
    where (s.execution_id, s.node_id, s.generation) = (c.execution_id, c.node_id, c.generation)
      and s.status = 'open' and c.completed_at is not null
    returning s.execution_id as id`)
  return stopped.map(({ id }) => id)
}

/** Makes nodes as if they had never run. */
export function deleteNodes(tx: Tx, ids: readonly string[]): Promise<number> {
  return tx.run(sql('event.deleteNodes')`delete from public.node_executions where id = any(${ids}::uuid[])`)
}

/** The instant the append was committed with, if it was. */
export async function findWritten(db: Db, { append, firstId }: Numbered): Promise<Date | undefined> {
  const [row] = await db.rows<{ created_at: Date }>(sql('event.findWritten')`
    select created_at from public.events
    where execution_id = ${append.executionId} and sequence = ${append.fence.sequence + 1} and id = ${firstId}`)
  return row?.created_at
}

export async function readEvents(db: Db, executionId: string): Promise<RecordedEvent[]> {
  const rows = await db.rows<{
    id: string
    sequence: number
    event_type: EventType
    payload: unknown
    created_at: Date
  }>(sql('event.read')`
    select id, sequence, event_type, payload, created_at
    from public.events
    where execution_id = ${executionId}
    order by sequence`)
  return rows.map(row => ({
    id: row.id,
    sequence: row.sequence,
    body: { type: row.event_type, payload: row.payload } as EventBody,
    createdAt: row.created_at,
  }))
}
