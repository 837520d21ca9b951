// The execution that handles a failure: one of the workflow that the failed one names as `on_failure`. Invariants:
// 1. It is made by the very append that records the failure, which names it: for every failure there is exactly one, or
//    the reason why there is none.
// 2. It is never of a workflow whose failure led to it: failures of handlers come to an end.

import type { Ids } from '../base/id.ts'
import type { JsonObject } from '../base/json.ts'
import type { Logger } from '../base/log.ts'
import { notify } from '../db/listener.ts'
import type { Pool } from '../db/pool.ts'
import type { Append } from '../event/append.ts'
import type { EventBody, FailureHandler } from '../event/event.ts'
import { findActive } from '../workflow/find.ts'
import type { Plan } from '../workflow/waves.ts'
import type { Workflow } from '../workflow/workflow.ts'
import { turnJob } from './projection.ts'
import { type ExecutionRow, insertExecutions, type NewExecution } from './store.ts'

export interface OnFailureDeps {
  readonly pool: Pool
  readonly ids: Ids
  readonly log: Logger
}

interface Failing {
  readonly row: ExecutionRow
  readonly plan: Plan
}

type Failure = Extract<EventBody, { type: 'workflow_failed' }>

/** The append and, if it ends an execution whose failure is to be handled, the execution that does. */
export async function withHandler(deps: OnFailureDeps, failing: Failing, append: Append): Promise<Append> {
  const failure = append.events.at(-1)
  const { on_failure: name } = failing.plan.workflow.settings
  if (failure?.type !== 'workflow_failed' || name === undefined) return append
  const chain = [...chainOf(failing.row.triggerData), failing.plan.workflow.name]
  const workflow = chain.includes(name) ? undefined : await findActive(deps.pool, name)
  if (workflow === undefined) {
    const problem = chain.includes(name) ? 'its own failure led to this execution' : 'no version of it is active'
    const { id: executionId } = failing.row
    const fields = { evt: 'execution.failure_unhandled', executionId, workflow: name, problem }
    deps.log.error(fields, 'a failure found no handler')
    return { ...append, events: told(append, failure, { workflow: name, problem }) }
  }
  const handler = handlerOf(deps, failing, { failure, workflow, chain })
  const { id } = handler
  return {
    ...append,
    events: told(append, failure, { workflow: name, execution_id: id }),
    enqueue: turnJob(handler, { turn: 0 }),
    beside: tx => Promise.all([insertExecutions(tx, [handler]), notify(tx, 'jobs')]),
  }
}

function handlerOf(
  { ids }: OnFailureDeps,
  { row, plan }: Failing,
  { failure, workflow, chain }: { failure: Failure; workflow: Workflow; chain: readonly string[] },
): NewExecution {
  const { node = null, error } = failure.payload
  const { name, version } = plan.workflow
  return {
    id: ids.next(),
    workflowId: workflow.id,
    triggerId: null,
    scheduledFor: null,
    fireKey: null,
    triggerData: { type: 'on_failure', chain },
    input: { execution_id: row.id, workflow: name, version, node, error: { ...error }, trigger: row.triggerData },
    priority: workflow.settings.priority ?? 0,
  }
}

function told({ events }: Append, { payload, type }: Failure, handler: FailureHandler): EventBody[] {
  return [...events.slice(0, -1), { type, payload: { ...payload, handler } }]
}

/** The workflows whose ends led to an execution. */
function chainOf({ chain }: JsonObject): string[] {
  return Array.isArray(chain) ? chain.filter(name => typeof name === 'string') : []
}
