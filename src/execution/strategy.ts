// What a failure that nothing handles does to the rest of an execution, by the strategy of its workflow. Pure.
// Invariants: (1) `fail_fast` looks at the wave under way only: none after it starts; (2) under the others a failure stops
// nothing, the edges decide what it leaves out, and what it means is said once, when every wave has ended.
import { excerpt } from '../base/errors.ts'
import type { RecordedError } from '../event/event.ts'
import { type Plan, type PlanNode, planNode } from '../workflow/waves.ts'
import type { ErrorStrategy } from '../workflow/workflow.ts'
import { type ExecutionState, type NodeState, nodeOf, underWay } from './state.ts'

/** What an execution fails of. */
export interface Cause {
  readonly error: RecordedError
  /** The node whose failure it is, if it is that of one. */
  readonly node?: string
}

/** How a node ends that waits while its execution fails. */
export const LEFT: RecordedError = { code: 'NODE_ABORTED', message: 'the execution failed while the node waited' }

const LONGEST_MESSAGE = 1000

/** The failure in the wave under way that lets nothing more start. */
export function stopper(plan: Plan, state: ExecutionState): Cause | undefined {
  if (strategyOf(plan) !== 'fail_fast') return undefined
  const failures = failuresOf(plan, state, underWay(plan, state))
  // What was left waiting because of a failure is not what the execution failed of.
  return failures.find(({ error }) => error.code !== LEFT.code) ?? failures[0]
}

/** What it fails of, every wave having ended; undefined when it completes. */
export function shortcoming(plan: Plan, state: ExecutionState): Cause | undefined {
  const strategy = strategyOf(plan)
  if (strategy === 'fail_fast') return undefined
  if (strategy !== 'continue') return tooFew(plan, state, strategy.require_n)
  const failures = failuresOf(plan, state, plan.waves.flat())
  const [first, second] = failures
  if (first === undefined || second === undefined) return first
  const said = failures.map(({ node, error }) => `${node} (${error.code}: ${error.message})`)
  return {
    error: {
      code: 'NODES_FAILED',
      message: excerpt(`${failures.length} nodes failed: ${said.join(', ')}`, LONGEST_MESSAGE),
      details: { nodes: failures.map(({ node, error }) => ({ node, code: error.code })) },
    },
  }
}

function strategyOf({ workflow }: Plan): ErrorStrategy {
  return workflow.settings.error_strategy ?? 'fail_fast'
}

/** The nodes no edge leaves. */
function lastNodes(plan: Plan): PlanNode[] {
  return plan.waves.flat().flatMap(index => (plan.nodes[index]?.outgoing.length === 0 ? [planNode(plan, index)] : []))
}

function tooFew(plan: Plan, state: ExecutionState, required: number): Cause | undefined {
  const last = lastNodes(plan).map(({ key, index }) => ({ key, state: nodeOf(state, index) }))
  const completed = last.filter(one => one.state.status === 'completed')
  if (completed.length >= required) return undefined
  const others = last.filter(one => one.state.status !== 'completed')
  const said = others.map(one => `${one.key} ${fateOf(one.state)}`)
  const counts = `${completed.length} of the ${last.length} last nodes completed, ${required} must`
  return {
    error: {
      code: 'TOO_FEW_COMPLETED',
      message: excerpt(`${counts}: ${said.join('; ')}`, LONGEST_MESSAGE),
      details: { required, completed: completed.map(one => one.key), others: others.map(one => one.key) },
    },
  }
}

function fateOf({ status, error, skipReason }: NodeState): string {
  return status === 'failed' ? `failed (${error?.code}: ${error?.message})` : `was skipped (${skipReason})`
}

function failuresOf(
  plan: Plan,
  state: ExecutionState,
  indexes: readonly number[],
): { readonly node: string; readonly error: RecordedError }[] {
  const failures: { node: string; error: RecordedError }[] = []
  for (const index of indexes) {
    const { status, handled, error } = nodeOf(state, index)
    if (status === 'failed' && !handled && error !== undefined)
      failures.push({ node: planNode(plan, index).key, error })
  }
  return failures
}
