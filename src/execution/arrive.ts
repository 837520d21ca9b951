// An execution comes to a gate (gates.ts): it gets through, or waits for that, or is not to run at all. Those of this
// process that come to one at the same time share a transaction. Invariants:
// 1. Whoever gets through is counted under the mutex of its key. A place is given back by the append that ends the
//    execution, and by nothing else: what is counted is never less than what runs. A token does not come back.
// 2. Nobody passes those who wait.
// 3. Mutexes of keys are taken in the order of the keys, before rows of executions, those of one gate only, and never
//    beside the mutex of a trigger: nobody waits in a circle.
import type { Pool, Tx } from '../db/pool.ts'
import type { Append } from '../event/append.ts'
import { appendLocked } from '../event/event-log.ts'
import { createGroupCommit } from '../event/group-commit.ts'
import type { JobClaim } from '../queue/queue.ts'
import { type ControlDeps, controlIn } from './control.ts'
import { type AtGate, type Gate, gates, judgeArrivals, type Verdict } from './gates.ts'
import { loadStandings, lockLimits } from './limit-store.ts'
import { placesAt } from './limits.ts'
import { openProjection } from './projection.ts'
import { loadBuckets, lockBuckets, saveBuckets } from './rate-store.ts'
import { afterTaking, type Bucket, timesAt } from './rates.ts'
import { type ExecutionRow, lockExecutions } from './store.ts'

export interface Arrival {
  readonly gate: Gate
  readonly key: string
  readonly executionId: string
  /** The job it came with, and where the execution stood then. */
  readonly job: JobClaim & { readonly turn: number }
  readonly sequence: number
}

/** `moved`: it does not stand where it stood, because of what was decided here or by somebody else before. */
export type Arrived = 'fenced' | 'moved'

export interface Arrivals {
  add(arrival: Arrival): Promise<Arrived>
}

export interface ArrivalsDeps extends ControlDeps {
  readonly pool: Pool
  /** Told after the commit at which gate, by which keys, somebody came to wait. A hint: it may be lost. */
  onWaiting?(gate: Gate, keys: readonly string[]): void
}

const MAX_BATCH = 200

export function createArrivals(deps: ArrivalsDeps): Arrivals {
  const at = (keeper: Keeper) =>
    createGroupCommit<Arrival, Arrived>({
      keyOf: one => one.executionId,
      sizeOf: () => 1,
      maxBatch: MAX_BATCH,
      maxSize: MAX_BATCH,
      lanes: 1,
      flush: batch => arrive(deps, keeper, batch),
    })
  const arriving = { limit: at(limitKeeper), rate: at(rateKeeper) }
  return { add: arrival => arriving[arrival.gate].add(arrival) }
}

/** Who counts at a gate. */
interface Keeper {
  readonly gate: Gate
  /** Holds the mutexes of these keys until the transaction ends. */
  lock(tx: Tx, keys: readonly string[]): Promise<void>
  /** How things stand, under the mutexes; `admit` records that so many got through, and whether somebody waits. */
  load(
    tx: Tx,
    keys: readonly string[],
  ): Promise<{ readonly at: readonly AtGate[]; admit(counts: Counts): Promise<void> }>
}

/** By key: how many got through now, and whether somebody waits from now on. */
type Counts = ReadonlyMap<string, { readonly admitted: number; readonly waits: boolean }>

/** Places are counted where they are held: by the executions. */
const limitKeeper: Keeper = {
  gate: 'limit',
  lock: lockLimits,
  load: async (tx, keys) => ({ at: (await loadStandings(tx, keys)).map(placesAt), admit: async () => {} }),
}

const rateKeeper: Keeper = {
  gate: 'rate',
  lock: lockBuckets,
  async load(tx, keys) {
    const buckets = await loadBuckets(tx, keys)
    return { at: buckets.map(timesAt), admit: counts => takeTokens(tx, buckets, counts) }
  },
}

/** Out of buckets that are held. */
export async function takeTokens(tx: Tx, buckets: readonly Bucket[], counts: Counts): Promise<void> {
  const changes = buckets.map(bucket => {
    const { admitted = 0, waits = false } = counts.get(bucket.key) ?? {}
    return { ...afterTaking(bucket, admitted), key: bucket.key, waits }
  })
  await saveBuckets(tx, changes)
}

interface Comer extends Arrival {
  readonly row: ExecutionRow
}

async function arrive(deps: ArrivalsDeps, keeper: Keeper, batch: readonly Arrival[]): Promise<Arrived[]> {
  const keys = [...new Set(batch.map(one => one.key))]
  const { results, waiting } = await deps.pool.transaction(async tx => {
    const [, rows, { at, admit }] = await Promise.all([
      keeper.lock(tx, keys),
      lockExecutions(
        tx,
        batch.map(one => one.executionId),
      ),
      keeper.load(tx, keys),
    ])
    const byId = new Map(rows.map(row => [row.id, row]))
    const comers: Comer[] = []
    const results = batch.map((one): Arrived => {
      const row = byId.get(one.executionId)
      if (row === undefined || row.turn !== one.job.turn || row.claim > one.job.retryCount) return 'fenced'
      if (row.lastSequence === one.sequence) comers.push({ ...one, row })
      return 'moved'
    })
    const judged = at.flatMap(one => judge(one, comers))
    await Promise.all([carryOut(tx, deps, { gate: keeper.gate, judged }), admit(countsOf(at, judged))])
    return { results, waiting: judged.filter(one => one.verdict === 'waits').map(one => one.comer.key) }
  })
  if (waiting.length > 0) deps.onWaiting?.(keeper.gate, [...new Set(waiting)])
  return results
}

interface Judged {
  readonly comer: Comer
  readonly at: AtGate
  readonly verdict: Verdict
}

function judge(at: AtGate, comers: readonly Comer[]): Judged[] {
  const inLine = comers
    .filter(one => one.key === at.key)
    .sort((a, b) => b.row.priority - a.row.priority || (a.executionId < b.executionId ? -1 : 1))
  const verdicts = judgeArrivals(at, inLine.length)
  return inLine.map((comer, i) => ({ comer, at, verdict: verdicts[i] ?? 'waits' }))
}

function countsOf(at: readonly AtGate[], judged: readonly Judged[]): Counts {
  const count = (key: string, verdict: Verdict): number =>
    judged.filter(one => one.comer.key === key && one.verdict === verdict).length
  return new Map(
    at.map(({ key, waiting }) => [key, { admitted: count(key, 'admitted'), waits: waiting + count(key, 'waits') > 0 }]),
  )
}

async function carryOut(
  tx: Tx,
  deps: ArrivalsDeps,
  { gate, judged }: { gate: Gate; judged: readonly Judged[] },
): Promise<void> {
  const skipped = judged.filter(one => one.verdict === 'skipped')
  await appendLocked(
    tx,
    deps,
    judged.filter(one => one.verdict !== 'skipped').map(one => appendOf(gate, one)),
  )
  for (const [{ key, why: reason }, ones] of Map.groupBy(skipped, one => one.at)) {
    const command = { verb: 'cancel', by: `${gate}:${key}`, reason } as const
    await controlIn(tx, deps, { command, executionIds: ones.map(one => one.comer.executionId) })
  }
}

function appendOf(gate: Gate, { comer: { key, row, job }, verdict }: Judged): Append {
  const isAdmitted = verdict === 'admitted'
  const { opens, waits, key: field } = gates[gate]
  const change = isAdmitted ? { [field]: key } : { [field]: key, parkedReason: gate }
  return {
    executionId: row.id,
    fence: { sequence: row.lastSequence, turn: row.turn },
    events: [{ type: isAdmitted ? opens : waits, payload: { key } }],
    project: () => ({ execution: openProjection(row, change), nodes: [] }),
    ...(isAdmitted ? {} : { settle: job }),
  }
}
