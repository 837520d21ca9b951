// Replays executions for people: what one was after any of its events, and in what two of them differ. Nothing is run, and
// nothing evaluated: all that expressions gave is in the events.
import { MbflowError } from '../base/errors.ts'
import type { Json } from '../base/json.ts'
import type { Pool } from '../db/pool.ts'
import type { FailureHandler, RecordedEvent } from '../event/event.ts'
import { readEvents } from '../event/event-log.ts'
import type { Catalog } from '../workflow/catalog.ts'
import type { Plan } from '../workflow/waves.ts'
import { compareExecutions, type ExecutionDiff } from './diff.ts'
import { fold } from './evolve.ts'
import { findExecution, type ShownExecution, type ShownNode } from './find.ts'
import { planOf } from './item.ts'
import { executionProjection, nodeProjection } from './projection.ts'
import { type ExecutionState, initialState } from './state.ts'
import { type ExecutionRow, loadExecutions } from './store.ts'

export interface ReplayDeps {
  readonly pool: Pool
  readonly catalog: Catalog
}

/** An execution as it was after some of its events. */
export interface Replayed {
  readonly shown: ShownExecution
  /** Those it was shown after. */
  readonly events: readonly RecordedEvent[]
  /** How many there are by now. */
  readonly recorded: number
}

/** What is known of one execution. */
interface Known {
  readonly shown: ShownExecution
  readonly row: ExecutionRow
  readonly plan: Plan
}

/** After its first `at` events, with 0 as it was created. Throws EXECUTION_NOT_FOUND, NAME_AMBIGUOUS, INPUT_INVALID. */
export async function replayExecution(
  deps: ReplayDeps,
  { id: idOrPrefix, at }: { id: string; at: number },
): Promise<Replayed> {
  const known = await lookUp(deps, idOrPrefix)
  const { id } = known.row
  const recorded = await readEvents(deps.pool, id)
  if (at > recorded.length) {
    throw new MbflowError('INPUT_INVALID', `execution ${id} has no event ${at}: its last is ${recorded.length}`, {
      hint: `mbflow execution show ${id} --events lists them; 0 stands for the time before the first`,
    })
  }
  const events = recorded.slice(0, at)
  return { shown: showAfter(known, events), events, recorded: recorded.length }
}

/** Of two executions of one workflow. Throws EXECUTION_NOT_FOUND, NAME_AMBIGUOUS, INPUT_INVALID. */
export async function diffExecutions(deps: ReplayDeps, ids: readonly [string, string]): Promise<ExecutionDiff> {
  const [a, b] = await Promise.all([lookUp(deps, ids[0]), lookUp(deps, ids[1])])
  if (a.shown.workflow !== b.shown.workflow) {
    const [one, other] = [a.shown, b.shown]
    const message = `${one.id} is an execution of "${one.workflow}", ${other.id} of "${other.workflow}"`
    throw new MbflowError('INPUT_INVALID', message, {
      hint: 'compare two executions of one workflow, whatever their versions: mbflow execution list --workflow NAME',
    })
  }
  return compareExecutions(a, b)
}

async function lookUp({ pool, catalog }: ReplayDeps, idOrPrefix: string): Promise<Known> {
  const shown = await findExecution(pool, idOrPrefix)
  const [row] = await loadExecutions(pool, [shown.id])
  if (row === undefined) throw new Error(`execution ${shown.id} went away`)
  return { shown, row, plan: planOf(await catalog.plan(row.workflowId), row) }
}

/** What a look at its rows would have shown then: they are a picture of the state. */
function showAfter({ shown, row, plan }: Known, events: readonly RecordedEvent[]): ShownExecution {
  const state = fold(plan, initialState(plan, row.input), events)
  const projected = executionProjection(state)
  return {
    ...shown,
    status: state.status,
    input: inputOf(row, state),
    output: projected.output ?? null,
    error: projected.error,
    last_sequence: events.length,
    wake_at: projected.wakeAt ?? null,
    parked_reason: projected.parkedReason ?? null,
    line: null,
    failure_handler: handlerIn(events.at(-1)),
    limit_key: projected.limitKey ?? null,
    rate_key: projected.rateKey ?? null,
    pool: projected.pool ?? null,
    started_at: projected.startedAt ?? null,
    completed_at: projected.completedAt ?? null,
    nodes: inOrder(plan).flatMap(index => showNode({ shown, plan }, state, index)),
  }
}

/** As rows are shown: by wave, and those of one as the document has them. */
function inOrder({ nodes }: Plan): number[] {
  return nodes.toSorted((a, b) => a.wave - b.wave).map(({ index }) => index)
}

function handlerIn(event: RecordedEvent | undefined): FailureHandler | null {
  return event?.body.type === 'workflow_failed' ? (event.body.payload.handler ?? null) : null
}

/** A mapped input is made as the execution starts; before, there is none. */
function inputOf({ mapping }: ExecutionRow, { input, startedAt }: ExecutionState): Json {
  return mapping !== null && startedAt === undefined ? null : input
}

function showNode({ shown, plan }: Pick<Known, 'shown' | 'plan'>, state: ExecutionState, index: number): ShownNode[] {
  const [node, after] = [plan.nodes[index], state.nodes[index]]
  if (node === undefined || after === undefined || after.status === 'pending') return []
  const { key, type } = node
  const row = nodeProjection(shown.id, node, { before: undefined, after })
  return [
    {
      key,
      type,
      status: row.status,
      wave: row.wave,
      retry_count: row.retryCount,
      input: row.input ?? null,
      output: row.output ?? null,
      error: row.error,
      started_at: row.startedAt?.toISOString() ?? null,
      completed_at: row.completedAt?.toISOString() ?? null,
      items: null,
    },
  ]
}
