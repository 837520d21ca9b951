// The rows as a picture of the state. Pure; the event log writes them in the transaction of the events, and verification
// compares them with a fold of the whole log.
import { deriveId } from '../base/id.ts'
import type { ExecutionProjection, NodeProjection } from '../event/append.ts'
import type { RecordedError } from '../event/event.ts'
import type { Plan, PlanNode } from '../workflow/waves.ts'
import type { ExecutionState, NodeState } from './state.ts'

/** The key under which a node's side effects may happen once: the same in every attempt, take-over and resume. */
export function nodeExecutionId(executionId: string, nodeId: string): string {
  return deriveId(executionId, nodeId)
}

/** A turn's job: enqueueing it twice is a no-op. */
export function turnJobId(executionId: string, turn: number): string {
  return turn === 0 ? executionId : deriveId(executionId, `turn ${turn}`)
}

export function errorText(error: RecordedError): string {
  return `${error.code}: ${error.message}`
}

export function executionProjection(state: ExecutionState): ExecutionProjection {
  const { error, failedNode } = state
  return {
    status: state.status,
    output: state.output,
    error:
      error === undefined ? null : failedNode === undefined ? errorText(error) : `${failedNode}: ${errorText(error)}`,
    turn: state.turn,
    claim: state.claim,
    wakeAt: state.wakeAt,
    parkedReason: state.parkedReason,
    startedAt: state.startedAt,
    completedAt: state.completedAt,
  }
}

export function nodeProjection(
  executionId: string,
  node: PlanNode,
  { before, after: state }: { before: NodeState | undefined; after: NodeState },
): NodeProjection {
  return {
    isNew: before?.status === 'pending',
    id: nodeExecutionId(executionId, node.id),
    nodeId: node.id,
    status: state.status,
    wave: node.wave,
    retryCount: Math.max(0, state.attempt - 1),
    input: state.input,
    output: state.output,
    error: state.skipReason ?? (state.error === undefined ? null : errorText(state.error)),
    startedAt: state.startedAt,
    completedAt: state.completedAt,
  }
}

/** The node rows that differ between two states of an execution. */
export function changedNodes(
  plan: Plan,
  executionId: string,
  change: { before: ExecutionState; after: ExecutionState },
): NodeProjection[] {
  const rows: NodeProjection[] = []
  plan.nodes.forEach((node, index) => {
    const before = change.before.nodes[index]
    const after = change.after.nodes[index]
    if (after !== undefined && after !== before) rows.push(nodeProjection(executionId, node, { before, after }))
  })
  return rows
}
