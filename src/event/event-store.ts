// The SQL of the append: locks, events, projections. Rows travel as one JSON parameter per statement, whatever their number.
import type { Db, Tx } from '../db/pool.ts'
import { constant, sql } from '../db/sql.ts'
import type { Append, ExecutionProjection, NodeProjection, Numbered } from './append.ts'
import type { EventBody, EventType, RecordedEvent } from './event.ts'

export interface LockedRow {
  readonly id: string
  readonly turn: number
  readonly claim: number
  readonly last_sequence: number
  /** The transaction's instant. */
  readonly at: Date
}

export function executionRow({ executionId, fence, events }: Append, row: ExecutionProjection): object {
  return {
    id: executionId,
    last_sequence: fence.sequence + events.length,
    status: row.status,
    output: row.output,
    error: row.error,
    turn: row.turn,
    claim: row.claim,
    wake_at: row.wakeAt,
    parked_reason: row.parkedReason,
    started_at: row.startedAt,
    completed_at: row.completedAt,
  }
}

export function nodeRow(executionId: string, row: NodeProjection): object {
  return {
    id: row.id,
    execution_id: executionId,
    node_id: row.nodeId,
    status: row.status,
    wave: row.wave,
    retry_count: row.retryCount,
    input: row.input,
    output: row.output,
    error: row.error,
    started_at: row.startedAt,
    completed_at: row.completedAt,
  }
}

/** As JSON. */
export function eventRows({ append, eventIds, payloads }: Numbered): string[] {
  const { executionId, fence, events } = append
  return events.map(
    ({ type }, i) =>
      `{"id":"${eventIds[i]}","execution_id":"${executionId}","sequence":${fence.sequence + 1 + i},"event_type":"${type}","payload":${payloads[i]}}`,
  )
}

export function lockRows(tx: Tx, executionIds: readonly string[]): Promise<LockedRow[]> {
  return tx.rows(sql('event.lockRows')`
    select id, turn, claim, last_sequence, now()::timestamptz(3) as at
    from public.executions
    where id = any(${executionIds}::uuid[])
    order by id
    for no key update skip locked`)
}

export async function existingIds(db: Db, executionIds: readonly string[]): Promise<Set<string>> {
  const rows = await db.rows<{ id: string }>(sql('event.existingIds')`
    select id from public.executions where id = any(${executionIds}::uuid[])`)
  return new Set(rows.map(row => row.id))
}

export function insertEvents(tx: Tx, rows: readonly string[], at: Date | undefined): Promise<number> {
  return tx.run(sql('event.insert')`
    insert into public.events (id, execution_id, sequence, event_type, payload, created_at)
    select id, execution_id, sequence, event_type, payload, ${at}::timestamptz
    from json_to_recordset(${`[${rows.join(',')}]`}::json)
      as event (id uuid, execution_id uuid, sequence bigint, event_type text, payload jsonb)`)
}

export function updateExecutions(tx: Tx, rows: readonly object[], at: Date | undefined): Promise<number> {
  return tx.run(sql('event.updateExecutions')`
    update public.executions e
    set last_sequence = p.last_sequence, status = p.status, output_data = p.output, error = p.error,
        turn = p.turn, claim = p.claim, wake_at = p.wake_at, parked_reason = p.parked_reason,
        started_at = p.started_at, completed_at = p.completed_at, updated_at = ${at}::timestamptz
    from json_to_recordset(${JSON.stringify(rows)}::json)
      as p (id uuid, last_sequence integer, status text, output jsonb, error text, turn integer, claim integer,
        wake_at timestamptz, parked_reason text, started_at timestamptz, completed_at timestamptz)
    where e.id = p.id`)
}

const nodeColumns = constant`(id uuid, execution_id uuid, node_id uuid, status text, wave integer, retry_count integer,
        input jsonb, output jsonb, error text, started_at timestamptz, completed_at timestamptz)`

export function insertNodes(tx: Tx, rows: readonly object[], at: Date | undefined): Promise<number> {
  return tx.run(sql('event.insertNodes')`
    insert into public.node_executions (id, execution_id, node_id, status, wave, retry_count,
      input_data, output_data, error, started_at, completed_at, created_at, updated_at)
    select id, execution_id, node_id, status, wave, retry_count,
      input, output, error, started_at, completed_at, ${at}::timestamptz, ${at}::timestamptz
    from json_to_recordset(${JSON.stringify(rows)}::json) as p ${nodeColumns}`)
}

export function updateNodes(tx: Tx, rows: readonly object[], at: Date | undefined): Promise<number> {
  return tx.run(sql('event.updateNodes')`
    update public.node_executions n
    set status = p.status, retry_count = p.retry_count, output_data = p.output, error = p.error,
        started_at = p.started_at, completed_at = p.completed_at, updated_at = ${at}::timestamptz
    from json_to_recordset(${JSON.stringify(rows)}::json) as p ${nodeColumns}
    where n.id = p.id`)
}

/** The instant the append was committed with, if it was. */
export async function findWritten(db: Db, { append, eventIds }: Numbered): Promise<Date | undefined> {
  const [row] = await db.rows<{ created_at: Date }>(sql('event.findWritten')`
    select created_at from public.events
    where execution_id = ${append.executionId} and sequence = ${append.fence.sequence + 1} and id = ${eventIds[0]}`)
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
