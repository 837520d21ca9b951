// Takes a batch of jobs: loads their executions together, and drives a turn of each.
import type { Job } from '../queue/queue.ts'
import type { HeldJob } from '../queue/runner.ts'
import { type ExecutionRow, loadExecutions } from './store.ts'
import { driveTurn, type Loaded, type TurnDeps } from './turn.ts'

/** Works on a batch of jobs; one promise per job, settled when the turn is over. */
export function createAdvance(deps: TurnDeps): (batch: readonly HeldJob[]) => Promise<void>[] {
  return batch => {
    const loaded = load(
      deps,
      batch.map(held => held.job),
    )
    return batch.map(async held => {
      const found = (await loaded).get(held.job.executionId)
      // A job of an earlier turn, or of an execution that is over, has nothing left to say.
      if (found === undefined || found.row.turn !== held.job.turn || isTerminal(found.row))
        return deps.queue.settle(deps.pool, [held.job])
      await driveTurn(deps, held, found)
    })
  }
}

async function load(deps: TurnDeps, jobs: readonly Job[]): Promise<Map<string, Loaded>> {
  const rows = await loadExecutions(
    deps.pool,
    jobs.map(job => job.executionId),
  )
  const plans = await deps.catalog.plans([...new Set(rows.map(row => row.workflowId))])
  const loaded = new Map<string, Loaded>()
  for (const row of rows) {
    const plan = plans.get(row.workflowId)
    if (plan !== undefined) loaded.set(row.id, { row, plan })
  }
  return loaded
}

function isTerminal(row: ExecutionRow): boolean {
  return row.status === 'completed' || row.status === 'failed' || row.status === 'cancelled'
}
