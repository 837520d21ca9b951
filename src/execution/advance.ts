// Takes a batch of jobs: loads their executions together, and drives a turn of each.
import { outlast } from '../db/pool.ts'
import type { HeldJob } from '../queue/runner.ts'
import { type ExecutionRow, loadExecutions } from './store.ts'
import { driveTurn, type TurnDeps } from './turn.ts'

/** Works on a batch of jobs; one promise per job, settled when the turn is over. */
export function createAdvance(deps: TurnDeps): (batch: readonly HeldJob[]) => Promise<void>[] {
  return batch => {
    const [first] = batch
    if (first === undefined) return []
    const rows = outlast(() => load(deps, batch), first.lost)
    return batch.map(async held => {
      const { job, lost } = held
      const row = (await rows).get(job.executionId)
      // A job of an earlier turn, or of an execution that is over or waits for its timer, has nothing left to say.
      if (row === undefined || row.turn !== job.turn || isTerminal(row) || row.wakeAt !== null) {
        return outlast(() => deps.queue.settle(deps.pool, [job]), lost)
      }
      const plan = await outlast(() => deps.catalog.plan(row.workflowId), lost)
      await driveTurn(deps, held, { row, plan })
    })
  }
}

async function load(
  { pool, catalog, databaseClock }: TurnDeps,
  batch: readonly HeldJob[],
): Promise<Map<string, ExecutionRow>> {
  const rows = await loadExecutions(
    pool,
    batch.map(({ job }) => job.executionId),
  )
  const [first] = rows
  if (first !== undefined) databaseClock.observe(first.now)
  // Asked for together; each turn then finds its own, and one version that cannot be compiled is its own turn's error.
  await catalog.plans([...new Set(rows.map(row => row.workflowId))]).catch(() => {})
  return new Map(rows.map(row => [row.id, row]))
}

function isTerminal(row: ExecutionRow): boolean {
  return row.status === 'completed' || row.status === 'failed' || row.status === 'cancelled'
}
