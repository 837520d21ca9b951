// The append: the only way the state of an execution changes. One flush writes the events, the projections in
// executions and node_executions, and the queue jobs of many executions in one transaction. Invariants:
// 1. An append takes effect whole or not at all, and only if the row still has the turn, claim and sequence it was
//    decided on (the fence); a stale writer changes nothing.
// 2. Sequences are 1..n without a gap: the row lock orders writers, the primary key proves it.
// 3. Rows are locked in id order, and rows that somebody else holds wait for the next flush: no deadlock, no stall.
// 4. An append that the database refuses fails alone: its neighbours of the batch are written.
// 5. After a COMMIT whose answer was lost, the log itself is asked whether the append is in it.
import type { Clock, DatabaseClock } from '../base/clock.ts'
import type { Ids } from '../base/id.ts'
import type { Logger } from '../base/log.ts'
import type { Metrics } from '../base/metrics.ts'
import { isTransient, type Pool, type Tx } from '../db/pool.ts'
import type { Queue } from '../queue/queue.ts'
import type { Append, Appended, Ended, Numbered } from './append.ts'
import type { RecordedEvent } from './event.ts'
import { findWritten, readEvents } from './event-store.ts'
import { concerns, flush, writeStepByStep } from './flush.ts'
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
  /** See flush.ts. */
  onEnded?(ended: Ended): void
}

const MAX_BATCH = 256
/** Characters of payload in one flush: its rows are written as JSON while the transaction is open, which must not take long. */
const MAX_SIZE = 4 * 1024 * 1024
/** While one is prepared and another committed, the database works on a third. */
const LANES = 3
const RETRY_MS = 200
const LOCKED_ELSEWHERE_MS = 2

export function createEventLog(deps: EventLogDeps): EventLog {
  const { pool, ids, clock, metrics } = deps
  const group = createGroupCommit<Numbered, Appended>({
    keyOf: one => one.append.executionId,
    sizeOf: one => one.payloads.length,
    maxBatch: MAX_BATCH,
    maxSize: MAX_SIZE,
    lanes: LANES,
    flush: commit,
  })

  async function commit(batch: readonly Numbered[]): Promise<FlushResult<Appended>[]> {
    const startedAt = clock.monotonic()
    try {
      const results = await flush(deps, batch)
      metrics.appendSeconds.observe((clock.monotonic() - startedAt) / 1000)
      metrics.appendBatch.observe(batch.length)
      if (results.every(result => result === again)) await clock.sleep(LOCKED_ELSEWHERE_MS)
      return results
    } catch (error) {
      if (isTransient(error)) {
        const message = 'the database did not answer; will ask again'
        deps.log.warn({ evt: 'event.append_in_doubt', err: error, appends: batch.length }, message)
        throw error
      }
      if (batch.length === 1) return [new Refused(error)]
      // One of them cannot be written: halve until it stands alone, so that it fails without its neighbours.
      const half = batch.length >> 1
      return [...(await commit(batch.slice(0, half))), ...(await commit(batch.slice(half)))]
    }
  }

  /** Waits until the database answers again, then says whether the append was committed before its answer was lost. */
  async function inDoubt(one: Numbered, signal: AbortSignal | undefined): Promise<Appended | undefined> {
    while (!signal?.aborted) {
      await clock.sleep(RETRY_MS, signal)
      try {
        const at = await findWritten(pool, one)
        return at && { kind: 'appended', at, sequence: one.append.fence.sequence + one.append.events.length }
      } catch (error) {
        if (!isTransient(error)) throw error
      }
    }
    return { kind: 'fenced' }
  }

  return {
    async append(append, signal) {
      const one = numbered(append, ids)
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
  }
}

/**
 * Appends within the caller's transaction, which has locked the rows and decided on what it read since. Resolves to
 * whether there is somebody who is to hear of an end (topic `triggers`).
 */
export async function appendLocked(
  tx: Tx,
  { queue, ids }: Pick<EventLogDeps, 'queue' | 'ids'>,
  appends: readonly Append[],
): Promise<boolean> {
  const batch = appends.map(append => numbered(append, ids))
  const { results, ended } = await writeStepByStep(tx, { queue }, batch)
  for (const result of results) {
    if (result instanceof Refused) throw result.error
    if (result === again || result.kind !== 'appended')
      throw new Error('an append was decided on a row that was not locked')
  }
  return concerns(ended)
}

function numbered(append: Append, ids: Ids): Numbered {
  return {
    append,
    firstId: ids.first(append.events.length),
    payloads: JSON.stringify(append.events.map(event => event.payload)).slice(1, -1),
  }
}
