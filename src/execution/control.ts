// What operators, requests and triggers ask of executions: cancel, pause, resume, retry, redrive, rerun. One transaction
// locks the rows, reads their events, decides (command.ts) and appends; a worker that holds one of the executions meets
// the command at its next append, and is told at once. Invariants:
// 1. Rows are locked in the order of their ids, after whatever lock the caller holds: no two commands deadlock.
// 2. What is decided is decided on the locked row: a command is never lost to, and never undoes, what came before it.
// 3. An execution that goes on gets the job of its next turn, one that no worker needs to look at loses its job, both in
//    the same transaction.
import { MbflowError } from '../base/errors.ts'
import type { Ids } from '../base/id.ts'
import type { Metrics } from '../base/metrics.ts'
import { notify } from '../db/listener.ts'
import type { Pool, Tx } from '../db/pool.ts'
import type { Append } from '../event/append.ts'
import { appendLocked, readEvents } from '../event/event-log.ts'
import type { JobName, Queue } from '../queue/queue.ts'
import { createCatalog } from '../workflow/catalog.ts'
import type { Plan } from '../workflow/waves.ts'
import { type Command, commandProblem, decideCommand } from './command.ts'
import { type Draft, draftOf } from './draft.ts'
import { fold } from './evolve.ts'
import { planOf } from './item.ts'
import { awaitsItems, changedNodes, executionProjection, jobIdOf, removedNodes, turnJob } from './projection.ts'
import { type ExecutionState, initialState, isOver } from './state.ts'
import { type ExecutionRow, lockExecutions } from './store.ts'
import type { Verdict } from './verdict.ts'

export { type Command, candidates, type Verb } from './command.ts'

export interface ControlDeps {
  readonly queue: Queue
  readonly ids: Ids
  readonly metrics: Metrics
}

export type Commanded = Verdict & { readonly executionId: string }

/** Executions in one transaction: their rows stay locked, and their histories in memory, until its end. */
const AT_ONCE = 50

/** Verdicts in the order of the ids; a transaction for every AT_ONCE of them. Throws INPUT_INVALID before anything is done. */
export async function control(
  deps: ControlDeps & { readonly pool: Pool },
  command: Command,
  executionIds: readonly string[],
): Promise<Commanded[]> {
  const answers: Commanded[] = []
  for (let i = 0; i < executionIds.length; i += AT_ONCE) {
    const batch = executionIds.slice(i, i + AT_ONCE)
    answers.push(...(await deps.pool.transaction(tx => controlIn(tx, deps, { command, executionIds: batch }))))
  }
  return answers
}

/** In the caller's transaction; verdicts in the order of the ids. Throws INPUT_INVALID, and then nothing is done. */
export async function controlIn(
  tx: Tx,
  deps: ControlDeps,
  { command, executionIds }: { command: Command; executionIds: readonly string[] },
): Promise<Commanded[]> {
  const problem = commandProblem(command)
  if (problem !== null) throw new MbflowError('INPUT_INVALID', problem)
  const rows = await lockExecutions(tx, executionIds)
  const [plans, ...histories] = await Promise.all([
    createCatalog(tx).plans([...new Set(rows.map(row => row.workflowId))]),
    ...rows.map(row => readEvents(tx, row.id)),
  ])
  const verdicts = new Map<string, Verdict>()
  const decisions = rows.flatMap((row, i) => {
    const whole = plans.get(row.workflowId)
    if (whole === undefined) throw new Error(`execution ${row.id} is of a workflow version that does not exist`)
    const plan = planOf(whole, row)
    const before = fold(plan, initialState(plan, row.input), histories[i] ?? [])
    const draft = draftOf(before)
    verdicts.set(row.id, decideCommand(plan, draft, { command, at: row.now }))
    return draft.events.length === 0 ? [] : [{ row, plan, before, draft }]
  })
  const isHeard = await appendLocked(tx, deps, decisions.map(appendOf))
  await Promise.all([
    deps.queue.withdraw(tx, decisions.flatMap(idleJob)),
    tell(tx, decisions),
    isHeard ? notify(tx, 'triggers') : undefined,
  ])
  for (const { draft } of decisions)
    if (draft.state.status === 'cancelled') deps.metrics.executions.inc({ status: 'cancelled' })
  return executionIds.map(executionId => ({ executionId, ...(verdicts.get(executionId) ?? NOT_FOUND) }))
}

const NOT_FOUND: Verdict = {
  kind: 'refused',
  code: 'EXECUTION_NOT_FOUND',
  why: 'there is no such execution',
  hint: 'mbflow execution list shows the latest',
}

interface Decision {
  readonly row: ExecutionRow
  readonly plan: Plan
  readonly before: ExecutionState
  readonly draft: Draft
}

function appendOf({ row, plan, before, draft }: Decision): Append {
  const { id, lastSequence: sequence, turn } = row
  const after = draft.state
  const job = after.turn === turn ? undefined : turnJob(row, after)
  return {
    executionId: id,
    fence: { sequence, turn },
    events: draft.events,
    // Decided with the transaction's own instant, so that there is nothing to fold again.
    project: () => ({
      execution: executionProjection(after),
      nodes: changedNodes(plan, id, { before, after }),
      removed: removedNodes(plan, id, { before, after }),
      awaitsItems: awaitsItems(after),
    }),
    ...(job ? { enqueue: job } : {}),
  }
}

/** The job of one that is not to begin, or no longer waits for a worker of its pool. */
function idleJob({ row, before, draft: { state } }: Decision): JobName[] {
  const isIdle = before.status === 'pending' && (isOver(state) || state.status === 'paused')
  const hasLeft = before.parkedReason === 'pool' && (state.turn > row.turn || state.status === 'paused')
  const isShared = jobIdOf(row) === row.sharedJobId // then others need it, and whoever takes it leaves this one out
  return (isIdle || hasLeft) && !isShared ? [turnJob(row, before)] : []
}

/** Tells the workers that hold, or are to take, what was decided about. */
async function tell(tx: Tx, decisions: readonly Decision[]): Promise<void> {
  const goesOn = decisions.some(({ row, draft }) => draft.state.turn > row.turn)
  const isHeld = decisions.some(({ row, draft }) => draft.state.turn === row.turn)
  await Promise.all([goesOn ? notify(tx, 'jobs') : undefined, isHeld ? notify(tx, 'commands') : undefined])
}
