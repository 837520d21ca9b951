// The append: the only way the state of an execution changes. One flush writes the events, the projections in
// executions and node_executions, and the queue jobs of many executions in one transaction. Invariants:
// 1. An append takes effect whole or not at all, and only if the row still has the turn, claim and sequence it was
//    decided on (the fence); a stale writer changes nothing.
// 2. Sequences are 1..n without a gap: the row lock orders writers, the primary key proves it.
// 3. Rows are locked in id order, and rows that somebody else holds wait for the next flush: no deadlock, no stall.
// 4. An append that the database refuses fails alone: its neighbours of the batch are written.
// 5. After a COMMIT whose answer was lost, the log itself is asked whether the append is in it.
import type { Clock } from '../base/clock.ts'
import { MbflowError } from '../base/errors.ts'
import type { Ids } from '../base/id.ts'
import type { Json } from '../base/json.ts'
import type { Metrics } from '../base/metrics.ts'
import { type Db, isTransient, type Pool, type Tx } from '../db/pool.ts'
import { sql } from '../db/sql.ts'
import type { JobClaim, NewJob, Queue } from '../queue/queue.ts'
import type { EventBody, EventType, RecordedEvent } from './event.ts'
import { again, createGroupCommit, type FlushResult, Refused } from './group-commit.ts'

/** What the row must still be for an append to take effect. Commands from outside a turn name the sequence only. */
export interface Fence {
  readonly sequence: number
  readonly turn?: number
  readonly claim?: number
  /** For the append that takes over: every earlier claim is replaced, a later one is not. */
  readonly claimBelow?: number
}

/** The row of `executions` after the append. */
export interface ExecutionProjection {
  readonly status: string
  readonly output: Json | undefined
  readonly error: string | null
  readonly turn: number
  readonly claim: number
  readonly wakeAt: Date | undefined
  readonly parkedReason: string | undefined
  readonly startedAt: Date | undefined
  readonly completedAt: Date | undefined
}

/** A row of `node_executions` after the append; only rows that changed. */
export interface NodeProjection {
  readonly id: string
  readonly nodeId: string
  readonly status: string
  readonly wave: number
  readonly retryCount: number
  readonly input: Json | undefined
  readonly output: Json | undefined
  readonly error: string | null
  readonly startedAt: Date | undefined
  readonly completedAt: Date | undefined
}

export interface Projection {
  readonly execution: ExecutionProjection
  readonly nodes: readonly NodeProjection[]
}

export interface Append {
  readonly executionId: string
  readonly fence: Fence
  readonly events: readonly EventBody[]
  /** The rows after these events happened at `at`, the transaction's own instant. */
  project(at: Date): Projection
  /** The job of the next turn. */
  readonly enqueue?: NewJob
  /** The job of this turn, done with. */
  readonly settle?: JobClaim
}

export type Appended =
  | { readonly kind: 'appended'; readonly at: Date; readonly sequence: number }
  /** Turn or claim is no longer ours: drop everything. */
  | { readonly kind: 'fenced' }
  /** Same turn and claim, later sequence: a command came in. Reload and decide again. */
  | { readonly kind: 'behind' }

export interface EventLog {
  /** Outlasts an unreachable database; gives up as `fenced` when `signal` aborts meanwhile. */
  append(append: Append, signal?: AbortSignal): Promise<Appended>
  read(executionId: string): Promise<RecordedEvent[]>
  idle(): Promise<void>
}

export interface EventLogDeps {
  readonly pool: Pool
  readonly queue: Queue
  readonly ids: Ids
  readonly clock: Clock
  readonly metrics: Metrics
}

const MAX_BATCH = 256
const RETRY_MS = 200
const LOCKED_ELSEWHERE_MS = 2

interface Row {
  readonly id: string
  readonly turn: number
  readonly claim: number
  readonly last_sequence: number
  readonly at: Date
}

/** An append with the ids its events will have, by which it is found again after an unanswered commit. */
interface Numbered {
  readonly append: Append
  readonly eventIds: readonly string[]
}

interface Passed extends Numbered {
  readonly at: Date
}

export function createEventLog({ pool, queue, ids, clock, metrics }: EventLogDeps): EventLog {
  const group = createGroupCommit<Numbered, Appended>({
    keyOf: one => one.append.executionId,
    maxBatch: MAX_BATCH,
    flush,
  })

  async function flush(batch: readonly Numbered[]): Promise<FlushResult<Appended>[]> {
    const startedAt = clock.monotonic()
    try {
      const results = await pool.transaction(tx => write(tx, queue, batch))
      metrics.appendSeconds.observe((clock.monotonic() - startedAt) / 1000)
      metrics.appendBatch.observe(batch.length)
      if (results.every(result => result === again)) await clock.sleep(LOCKED_ELSEWHERE_MS)
      return results
    } catch (error) {
      if (isTransient(error)) throw error
      if (batch.length === 1) return [new Refused(error)]
      // One of them cannot be written: halve until it stands alone, so that it fails without its neighbours.
      const half = batch.length >> 1
      return [...(await flush(batch.slice(0, half))), ...(await flush(batch.slice(half)))]
    }
  }

  /** Waits until the database answers again, then says whether the append was committed before its answer was lost. */
  async function inDoubt(one: Numbered, signal: AbortSignal | undefined): Promise<Appended | undefined> {
    while (!signal?.aborted) {
      await clock.sleep(RETRY_MS, signal)
      try {
        const at = await findWritten(pool, one)
        return at && { kind: 'appended', at, sequence: one.append.fence.sequence + one.eventIds.length }
      } catch (error) {
        if (!isTransient(error)) throw error
      }
    }
    return { kind: 'fenced' }
  }

  return {
    async append(append, signal) {
      const one = { append, eventIds: append.events.map(() => ids.next()) }
      for (;;) {
        try {
          const result = await group.add(one)
          if (result.kind === 'fenced') metrics.fenced.inc()
          return result
        } catch (error) {
          if (!isTransient(error)) throw error
          const written = await inDoubt(one, signal)
          if (written !== undefined) return written
        }
      }
    },
    read: executionId => readEvents(pool, executionId),
    idle: () => group.idle(),
  }
}

async function write(tx: Tx, queue: Queue, batch: readonly Numbered[]): Promise<FlushResult<Appended>[]> {
  const wanted = batch.map(one => one.append.executionId)
  const rows = new Map((await lockRows(tx, wanted)).map(row => [row.id, row]))
  const existing = rows.size === batch.length ? undefined : await existingIds(tx, wanted)
  const passed: Passed[] = []
  const results = batch.map((one): FlushResult<Appended> => {
    const { executionId, fence, events } = one.append
    const row = rows.get(executionId)
    if (row === undefined) {
      return existing?.has(executionId)
        ? again
        : new Refused(new MbflowError('EXECUTION_NOT_FOUND', `execution ${executionId} does not exist`))
    }
    const isOurs =
      (fence.turn ?? row.turn) === row.turn &&
      (fence.claim ?? row.claim) === row.claim &&
      row.claim < (fence.claimBelow ?? row.claim + 1)
    if (!isOurs) return { kind: 'fenced' }
    if (fence.sequence !== row.last_sequence) return { kind: 'behind' }
    passed.push({ ...one, at: row.at })
    return { kind: 'appended', at: row.at, sequence: row.last_sequence + events.length }
  })
  if (passed.length > 0) await writePassed(tx, queue, passed)
  return results
}

async function writePassed(tx: Tx, queue: Queue, passed: readonly Passed[]): Promise<void> {
  const projections = passed.map(one => ({ one, projection: one.append.project(one.at) }))
  const nodes = projections.flatMap(({ one, projection }) =>
    projection.nodes.map(node => nodeRow(one.append.executionId, node)),
  )
  const at = passed[0]?.at
  await Promise.all([
    updateExecutions(
      tx,
      projections.map(({ one, projection }) => executionRow(one.append, projection.execution)),
      at,
    ),
    nodes.length === 0 ? undefined : upsertNodes(tx, nodes, at),
    insertEvents(tx, passed.flatMap(eventRows), at),
    queue.enqueue(
      tx,
      passed.flatMap(({ append }) => append.enqueue ?? []),
    ),
    queue.settle(
      tx,
      passed.flatMap(({ append }) => append.settle ?? []),
    ),
  ])
}

function executionRow({ executionId, fence, events }: Append, row: ExecutionProjection): object {
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

function nodeRow(executionId: string, row: NodeProjection): object {
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

function eventRows({ append, eventIds }: Numbered): object[] {
  return append.events.map(({ type, payload }, i) => ({
    id: eventIds[i],
    execution_id: append.executionId,
    sequence: append.fence.sequence + 1 + i,
    event_type: type,
    payload,
  }))
}

function lockRows(tx: Tx, executionIds: readonly string[]): Promise<Row[]> {
  return tx.rows(sql('event.lockRows')`
    select id, turn, claim, last_sequence, now()::timestamptz(3) as at
    from public.executions
    where id = any(${executionIds}::uuid[])
    order by id
    for no key update skip locked`)
}

async function existingIds(db: Db, executionIds: readonly string[]): Promise<Set<string>> {
  const rows = await db.rows<{ id: string }>(sql('event.existingIds')`
    select id from public.executions where id = any(${executionIds}::uuid[])`)
  return new Set(rows.map(row => row.id))
}

function insertEvents(tx: Tx, rows: readonly object[], at: Date | undefined): Promise<number> {
  return tx.run(sql('event.insert')`
    insert into public.events (id, execution_id, sequence, event_type, payload, created_at)
    select id, execution_id, sequence, event_type, payload, ${at}::timestamptz
    from json_to_recordset(${JSON.stringify(rows)}::json)
      as event (id uuid, execution_id uuid, sequence bigint, event_type text, payload jsonb)`)
}

function updateExecutions(tx: Tx, rows: readonly object[], at: Date | undefined): Promise<number> {
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

function upsertNodes(tx: Tx, rows: readonly object[], at: Date | undefined): Promise<number> {
  return tx.run(sql('event.upsertNodes')`
    insert into public.node_executions as n (id, execution_id, node_id, status, wave, retry_count,
      input_data, output_data, error, started_at, completed_at, created_at, updated_at)
    select id, execution_id, node_id, status, wave, retry_count,
      input, output, error, started_at, completed_at, ${at}::timestamptz, ${at}::timestamptz
    from json_to_recordset(${JSON.stringify(rows)}::json)
      as p (id uuid, execution_id uuid, node_id uuid, status text, wave integer, retry_count integer,
        input jsonb, output jsonb, error text, started_at timestamptz, completed_at timestamptz)
    on conflict (execution_id, node_id) do update
    set status = excluded.status, retry_count = excluded.retry_count, output_data = excluded.output_data,
        error = excluded.error, started_at = excluded.started_at, completed_at = excluded.completed_at, updated_at = ${at}::timestamptz`)
}

/** The instant the append was committed with, if it was. */
async function findWritten(db: Db, { append, eventIds }: Numbered): Promise<Date | undefined> {
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
