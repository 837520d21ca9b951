// Takes a batch of jobs: loads their executions together, and drives a turn of each.
import { outlast } from '../db/pool.ts'
import type { HeldJob } from '../queue/runner.ts'
import type { Plan } from '../workflow/waves.ts'
import { planOf } from './item.ts'
import { mapInput } from './mapping.ts'
import { type ExecutionRow, loadExecutions } from './store.ts'
import { driveTurn, type TurnDeps } from './turn.ts'

/** Works on a batch of jobs; one promise per job, settled when the turn is over. */
export function createAdvance(deps: TurnDeps): (batch: readonly HeldJob[]) => Promise<void>[] {
  return batch => {
    const [first] = batch
    if (first === undefined) return []
    const loaded = outlast(() => load(deps, batch), first.lost)
    return batch.map(async held => {
      const { job, lost } = held
      const { rows, plans } = await loaded
      const row = rows.get(job.executionId)
      // A job of an earlier turn, or of an execution that is over or parked has nothing left to say.
      if (row === undefined || row.turn !== job.turn || isTerminal(row) || isParked(row)) {
        return outlast(() => deps.queue.settle(deps.pool, [job]), lost)
      }
      // One version that cannot be compiled is its own turn's error, not that of the batch.
      const whole = plans.get(row.workflowId) ?? (await outlast(() => deps.catalog.plan(row.workflowId), lost))
      const plan = planOf(whole, row)
      const around = row.parentId === null ? undefined : await outlast(() => deps.items.around(row, whole), lost)
      const mapped = row.startedAt === null ? await mapInput(deps, { row, plan }, held.drain) : undefined
      await driveTurn(deps, held, { row, plan, mapped, around })
    })
  }
}

interface Loaded {
  readonly rows: ReadonlyMap<string, ExecutionRow>
  readonly plans: ReadonlyMap<string, Plan>
}

async function load({ pool, catalog, databaseClock }: TurnDeps, batch: readonly HeldJob[]): Promise<Loaded> {
  const rows = await loadExecutions(
    pool,
    batch.map(({ job }) => job.executionId),
  )
  const [first] = rows
  if (first !== undefined) databaseClock.observe(first.now)
  const plans = await catalog.plans([...new Set(rows.map(row => row.workflowId))]).catch(() => new Map<string, Plan>())
  return { rows: new Map(rows.map(row => [row.id, row])), plans }
}

function isTerminal(row: ExecutionRow): boolean {
  return row.status === 'completed' || row.status === 'failed' || row.status === 'cancelled'
}

function isParked(row: ExecutionRow): boolean {
  return row.parkedReason !== null && row.parkedReason !== 'pool'
}
