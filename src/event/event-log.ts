// The append: the only way the state of an execution changes. One flush writes the events, the projections in
// executions and node_executions, and the queue jobs of many executions in one transaction. Invariants:
// 1. An append takes effect whole or not at all, and only if the row still has the turn, claim and sequence it was
//    decided on (the fence); a stale writer changes nothing.
// 2. Sequences are 1..n without a gap: the row lock orders writers, the primary key proves it.
// 3. Rows are locked in id order, and rows that somebody else holds wait for the next flush: no deadlock, no stall.
// 4. An append that the database refuses fails alone: its neighbours of the batch are written.
// 5. After a COMMIT whose answer was lost, the log itself is asked whether the append is in it.
import type { Clock, DatabaseClock } from '../base/clock.ts'
import { MbflowError } from '../base/errors.ts'
import type { Ids } from '../base/id.ts'
import type { Logger } from '../base/log.ts'
import type { Metrics } from '../base/metrics.ts'
import { findByKey } from '../db/by-key.ts'
import { isTransient, type Pool, type Tx } from '../db/pool.ts'
import type { Queue } from '../queue/queue.ts'
import type { Append, Appended, Numbered } from './append.ts'
import type { RecordedEvent } from './event.ts'
import {
  type ExecutionChange,
  existingIds,
  findWritten,
  insertEvents,
  insertNodes,
  lockRows,
  type NodeChange,
  readEvents,
  updateExecutions,
  updateNodes,
} from './event-store.ts'
import { again, createGroupCommit, type FlushResult, Refused } from './group-commit.ts'

export { readEvents } from './event-store.ts'

export interface EventLog {
  /** Outlasts an unreachable database; gives up as `fenced` when `signal` aborts meanwhile. */
  append(append: Append, signal?: AbortSignal): Promise<Appended>
  read(executionId: string): Promise<RecordedEvent[]>
}

export interface EventLogDeps {
  readonly pool: Pool
  readonly queue: Queue
  readonly ids: Ids
  readonly clock: Clock
  readonly databaseClock: DatabaseClock
  readonly log: Logger
  readonly metrics: Metrics
}

const MAX_BATCH = 256
/** Characters of payload in one flush: its rows are written as JSON while the transaction is open, which must not take long. */
const MAX_SIZE = 4 * 1024 * 1024
/** One is prepared or committed while the database works on the other. */
const LANES = 2
const RETRY_MS = 200
const LOCKED_ELSEWHERE_MS = 2

interface Passed extends Numbered {
  readonly at: Date
}

export function createEventLog(deps: EventLogDeps): EventLog {
  const { pool, ids, clock, metrics } = deps
  const group = createGroupCommit<Numbered, Appended>({
    keyOf: one => one.append.executionId,
    sizeOf: one => one.payloads.reduce((size, payload) => size + payload.length, 0),
    maxBatch: MAX_BATCH,
    maxSize: MAX_SIZE,
    lanes: LANES,
    flush,
  })

  async function flush(batch: readonly Numbered[]): Promise<FlushResult<Appended>[]> {
    const startedAt = clock.monotonic()
    try {
      const results = await pool.transaction(tx => write(tx, deps, batch))
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
      const one = {
        append,
        eventIds: append.events.map(() => ids.next()),
        payloads: append.events.map(event => JSON.stringify(event.payload)),
      }
      for (;;) {
        try {
          const result = await group.add(one)
          if (result.kind === 'fenced') metrics.fenced.inc()
          return result
        } catch (error) {
          if (!isTransient(error)) throw error
          deps.log.warn(
            { evt: 'event.append_in_doubt', err: error, executionId: append.executionId },
            'the database did not answer; will ask again',
          )
          const written = await inDoubt(one, signal)
          if (written !== undefined) return written
        }
      }
    },
    read: executionId => readEvents(pool, executionId),
  }
}

async function write(
  tx: Tx,
  { queue, databaseClock }: EventLogDeps,
  batch: readonly Numbered[],
): Promise<FlushResult<Appended>[]> {
  const wanted = batch.map(one => one.append.executionId)
  const [, locked] = await Promise.all([findByKey(tx), lockRows(tx, wanted)])
  const rows = new Map(locked.map(row => [row.id, row]))
  for (const { at } of rows.values()) databaseClock.observe(at)
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
  const executions: ExecutionChange[] = []
  const begun: NodeChange[] = []
  const known: NodeChange[] = []
  for (const { append, at } of passed) {
    const { execution, nodes } = append.project(at)
    executions.push({ append, row: execution })
    for (const row of nodes) (row.isNew ? begun : known).push({ executionId: append.executionId, row })
  }
  const at = passed[0]?.at
  await Promise.all([
    // Before the executions: while their rows are locked and not yet rewritten, foreign keys to them write nothing.
    insertEvents(tx, passed, at),
    begun.length === 0 ? undefined : insertNodes(tx, begun, at),
    known.length === 0 ? undefined : updateNodes(tx, known, at),
    updateExecutions(tx, executions, at),
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
