// An execution comes to the limit of its workflow: it gets a place, or waits for one, or is not to run at all. Those of
// this process that come at the same time share a transaction. Invariants:
// 1. Every place is given under the mutex of its limit, in a transaction that counts who has one. It is given back by the
//    append that ends the execution, and by nothing else: what is counted is never less than what runs.
// 2. Nobody passes those who wait.
// 3. Mutexes of limits are taken in the order of their keys, before rows of executions, and never beside the mutex of a
//    trigger: nobody waits in a circle.
import type { Pool, Tx } from '../db/pool.ts'
import type { Append } from '../event/append.ts'
import { appendLocked } from '../event/event-log.ts'
import { createGroupCommit } from '../event/group-commit.ts'
import type { JobClaim } from '../queue/queue.ts'
import { type ControlDeps, controlIn } from './control.ts'
import { loadStandings, lockLimits } from './limit-store.ts'
import { judgeArrivals, type Standing, type Verdict } from './limits.ts'
import { openProjection } from './projection.ts'
import { type ExecutionRow, lockExecutions } from './store.ts'

export interface Arrival {
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
  /** Told after the commit under which limits somebody came to wait. A hint: it may be lost. */
  onWaiting?(keys: readonly string[]): void
}

const MAX_BATCH = 200

export function createArrivals(deps: ArrivalsDeps): Arrivals {
  return createGroupCommit<Arrival, Arrived>({
    keyOf: one => one.executionId,
    sizeOf: () => 1,
    maxBatch: MAX_BATCH,
    maxSize: MAX_BATCH,
    lanes: 1,
    flush: batch => arrive(deps, batch),
  })
}

interface Comer extends Arrival {
  readonly row: ExecutionRow
}

async function arrive(deps: ArrivalsDeps, batch: readonly Arrival[]): Promise<Arrived[]> {
  const keys = [...new Set(batch.map(one => one.key))]
  const { results, waiting } = await deps.pool.transaction(async tx => {
    const [, rows, standings] = await Promise.all([
      lockLimits(tx, keys),
      lockExecutions(
        tx,
        batch.map(one => one.executionId),
      ),
      loadStandings(tx, keys),
    ])
    const byId = new Map(rows.map(row => [row.id, row]))
    const comers: Comer[] = []
    const results = batch.map((one): Arrived => {
      const row = byId.get(one.executionId)
      if (row === undefined || row.turn !== one.job.turn || row.claim > one.job.retryCount) return 'fenced'
      if (row.lastSequence === one.sequence) comers.push({ ...one, row })
      return 'moved'
    })
    const judged = standings.flatMap(standing => judge(standing, comers))
    await carryOut(tx, deps, judged)
    return { results, waiting: judged.filter(one => one.verdict === 'waits').map(one => one.comer.key) }
  })
  if (waiting.length > 0) deps.onWaiting?.([...new Set(waiting)])
  return results
}

interface Judged {
  readonly comer: Comer
  readonly standing: Standing
  readonly verdict: Verdict
}

function judge(standing: Standing, comers: readonly Comer[]): Judged[] {
  const inLine = comers
    .filter(one => one.key === standing.key)
    .sort((a, b) => b.row.priority - a.row.priority || (a.executionId < b.executionId ? -1 : 1))
  const verdicts = judgeArrivals(standing, inLine.length)
  return inLine.map((comer, i) => ({ comer, standing, verdict: verdicts[i] ?? 'waits' }))
}

async function carryOut(tx: Tx, deps: ArrivalsDeps, judged: readonly Judged[]): Promise<void> {
  const skipped = judged.filter(one => one.verdict === 'skipped')
  await appendLocked(tx, deps, judged.filter(one => one.verdict !== 'skipped').map(appendOf))
  for (const [standing, ones] of Map.groupBy(skipped, one => one.standing)) {
    const max = standing.settings.concurrency?.max
    const reason = `${max} of ${standing.key} are under way, and on_limit is skip`
    const command = { verb: 'cancel', by: `limit:${standing.key}`, reason } as const
    await controlIn(tx, deps, { command, executionIds: ones.map(one => one.comer.executionId) })
  }
}

function appendOf({ comer: { key, row, job }, verdict }: Judged): Append {
  const isAdmitted = verdict === 'admitted'
  const change = isAdmitted ? { limitKey: key } : { limitKey: key, parkedReason: 'limit' }
  return {
    executionId: row.id,
    fence: { sequence: row.lastSequence, turn: row.turn },
    events: [{ type: isAdmitted ? 'execution_admitted' : 'execution_limited', payload: { key } }],
    project: () => ({ execution: openProjection(row, change), nodes: [] }),
    ...(isAdmitted ? {} : { settle: job }),
  }
}
