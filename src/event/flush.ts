// One flush: the appends of many executions in one transaction. Nearly always every append of a batch passes its fence, so
// the batch is first sent whole, together with a guard that makes the transaction fail unless they all do: one round
// trip. If it fails, the batch is written step by step, and each append is judged on its own.
import type { Clock, DatabaseClock } from '../base/clock.ts'
import { MbflowError, systemCode } from '../base/errors.ts'
import { failpoint } from '../base/failpoint.ts'
import { findByKey } from '../db/by-key.ts'
import { isConflict, type Pool, type Tx } from '../db/pool.ts'
import type { Queue } from '../queue/queue.ts'
import type { Append, Appended, Ended, Fence, Numbered } from './append.ts'
import {
  announceEnds,
  deleteNodes,
  type ExecutionChange,
  existingIds,
  insertEvents,
  insertNodes,
  type LockedRow,
  lockAsExpected,
  lockRows,
  type NodeChange,
  openSplits,
  type SplitChange,
  updateExecutions,
  updateNodes,
} from './event-store.ts'
import { again, type FlushResult, Refused } from './group-commit.ts'

export interface FlushDeps {
  readonly pool: Pool
  readonly queue: Queue
  readonly clock: Clock
  readonly databaseClock: DatabaseClock
  /** Told after the commit who is to hear that executions are over. A hint: it may be lost. */
  onEnded?(ended: Ended): void
}

/** SQLSTATE of the guard. */
const GUARD_FAILED = '22012'

interface Written {
  readonly results: FlushResult<Appended>[]
  readonly ended: Ended
}

export async function flush(deps: FlushDeps, batch: readonly Numbered[]): Promise<FlushResult<Appended>[]> {
  failpoint('append.before')
  const { results, ended } = await write(deps, batch)
  failpoint('append.after')
  if (concerns(ended)) deps.onEnded?.(ended)
  return results
}

async function write(deps: FlushDeps, batch: readonly Numbered[]): Promise<Written> {
  try {
    if (batch.every(isFullyFenced)) return await writeWhole(deps, batch)
  } catch (error) {
    if (systemCode(error) !== GUARD_FAILED && !isConflict(error)) throw error
  }
  const { pool, queue, databaseClock } = deps
  const observe = databaseClock.observe
  return await pool.transaction(tx => writeStepByStep(tx, { queue, observe }, batch))
}

/** Whether there is anybody to tell. */
export function concerns({ triggerIds, limitKeys, splitters }: Ended): boolean {
  return triggerIds.length + limitKeys.length + splitters.length > 0
}

type FullyFenced = Numbered & { readonly append: Append & { readonly fence: Required<Omit<Fence, 'claimBelow'>> } }

function isFullyFenced({ append: { fence } }: Numbered): boolean {
  return fence.turn !== undefined && fence.claim !== undefined
}

async function writeWhole(deps: FlushDeps, batch: readonly Numbered[]): Promise<Written> {
  const { pool, queue, clock, databaseClock } = deps
  const byId = (batch as readonly FullyFenced[]).toSorted((a, b) =>
    a.append.executionId < b.append.executionId ? -1 : 1,
  )
  const changeJobs = await queue.change(jobsOf(batch))
  const askedAt = clock.monotonic()
  // The guard holds this estimate against the transaction's own instant.
  const at = new Date(databaseClock.now())
  const [, now, ended] = await pool.atOnce(tx =>
    Promise.all([findByKey(tx), lockAsExpected(tx, byId, at), writeRows(tx, byId, at), changeJobs(tx)]),
  )
  databaseClock.observe(now, askedAt)
  return { results: batch.map(({ append }) => appended(append, at)), ended }
}

/**
 * Judges each append on its own, in the caller's transaction; `again` for those whose rows somebody else has locked.
 */
export async function writeStepByStep(
  tx: Tx,
  { queue, observe }: { queue: Queue; observe?: (at: Date) => void },
  batch: readonly Numbered[],
): Promise<Written> {
  const wanted = batch.map(one => one.append.executionId)
  const [, locked] = await Promise.all([findByKey(tx), lockRows(tx, wanted)])
  const rows = new Map(locked.map(row => [row.id, row]))
  const [first] = locked
  if (first !== undefined) observe?.(first.at)
  const existing = rows.size === batch.length ? undefined : await existingIds(tx, wanted)
  const passed: Numbered[] = []
  const results = batch.map((one): FlushResult<Appended> => {
    const { executionId, fence } = one.append
    const row = rows.get(executionId)
    if (row === undefined) {
      return existing?.has(executionId)
        ? again
        : new Refused(new MbflowError('EXECUTION_NOT_FOUND', `execution ${executionId} does not exist`))
    }
    if (!isOurs(fence, row)) return { kind: 'fenced' }
    if (fence.sequence !== row.last_sequence) return { kind: 'behind' }
    passed.push(one)
    return appended(one.append, row.at)
  })
  if (first === undefined || passed.length === 0)
    return { results, ended: { triggerIds: [], limitKeys: [], splitters: [] } }
  const { enqueue, settle } = jobsOf(passed)
  const write = writeRows(tx, passed, first.at)
  const [ended] = await Promise.all([write, queue.enqueue(tx, enqueue), queue.settle(tx, settle)])
  return { results, ended }
}

function isOurs(fence: Fence, row: LockedRow): boolean {
  return (
    (fence.turn ?? row.turn) === row.turn &&
    (fence.claim ?? row.claim) === row.claim &&
    row.claim < (fence.claimBelow ?? row.claim + 1)
  )
}

function appended({ fence, events }: Append, at: Date): Appended {
  return { kind: 'appended', at, sequence: fence.sequence + events.length }
}

function jobsOf(batch: readonly Numbered[]): Parameters<Queue['change']>[0] {
  return {
    enqueue: batch.flatMap(({ append }) => append.enqueue ?? []),
    settle: batch.flatMap(({ append }) => append.settle ?? []),
  }
}

/** Sends the rows of appends whose executions are locked, at the transaction's instant; resolves to who is to hear of an end. */
async function writeRows(tx: Tx, passed: readonly Numbered[], at: Date): Promise<Ended> {
  const executions: ExecutionChange[] = []
  const begun: NodeChange[] = []
  const known: NodeChange[] = []
  const removed: string[] = []
  const splits: SplitChange[] = []
  const waiting: string[] = []
  for (const { append } of passed) {
    const { execution, nodes, removed: gone = [], splits: opened = [], awaitsItems } = append.project(at)
    for (const row of opened) splits.push({ executionId: append.executionId, row })
    if (awaitsItems || opened.length > 0) waiting.push(append.executionId)
    removed.push(...gone)
    executions.push({ append, row: execution })
    for (const row of nodes) (row.isNew ? begun : known).push({ executionId: append.executionId, row })
  }
  const over = executions.filter(({ row }) => row.status === 'completed' || row.status === 'failed')
  const [, , , stopped = [], ended] = await Promise.all([
    // Before the executions: while their rows are locked and not yet rewritten, foreign keys to them write nothing.
    insertEvents(tx, passed, at),
    removed.length === 0 ? undefined : deleteNodes(tx, removed),
    begun.length === 0 ? undefined : insertNodes(tx, begun, at),
    known.length === 0 ? undefined : updateNodes(tx, known, at),
    updateExecutions(tx, executions, at),
    splits.length === 0 ? undefined : openSplits(tx, splits),
    over.length === 0
      ? undefined
      : announceEnds(
          tx,
          over.map(({ append }) => append.executionId),
        ),
    ...passed.map(({ append }) => append.beside?.(tx)),
  ])
  return { ...ended, splitters: [...ended.splitters, ...stopped, ...waiting] }
}
