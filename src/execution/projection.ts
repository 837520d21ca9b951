// The rows as a picture of the state. Pure; the event log writes them in the transaction of the events, and verification
// compares them with a fold of the whole log.
import { deriveId } from '../base/id.ts'
import type { ExecutionProjection, NodeProjection, SplitProjection } from '../event/append.ts'
import type { RecordedError } from '../event/event.ts'
import type { NewJob } from '../queue/queue.ts'
import type { Plan, PlanNode } from '../workflow/waves.ts'
import { type ExecutionState, isSplitOpen, type NodeState } from './state.ts'
import type { ExecutionRow } from './store.ts'

function nodeExecutionId(executionId: string, nodeId: string): string {
  return deriveId(executionId, nodeId)
}

/** What a node execution's side effects carry: the same in every attempt, until an operator reruns the node. */
export function idempotencyKey(executionId: string, node: Pick<PlanNode, 'id'>, generation: number): string {
  const id = nodeExecutionId(executionId, node.id)
  return generation === 0 ? id : deriveId(id, `generation ${generation}`)
}

/** The job of a turn, in the queue of those who are to take it. */
export function turnJob(
  { id, priority }: Pick<ExecutionRow, 'id' | 'priority'>,
  { turn, pool }: { turn: number; pool?: string | undefined },
): NewJob {
  return { id: turnJobId(id, turn), executionIds: [id], turn, priority, pool }
}

/** A turn's job: enqueueing it twice is a no-op. */
function turnJobId(executionId: string, turn: number): string {
  return turn === 0 ? executionId : deriveId(executionId, `turn ${turn}`)
}

/** The job of the turn it is in. */
export function jobIdOf({ id, turn, sharedJobId }: Pick<ExecutionRow, 'id' | 'turn' | 'sharedJobId'>): string {
  return turn === 0 && sharedJobId !== null ? sharedJobId : turnJobId(id, turn)
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
    limitKey: state.limitKey,
    rateKey: state.rateKey,
    pool: state.pool,
    startedAt: state.startedAt,
    completedAt: state.completedAt,
  }
}

/** Of one that is not over, by its row. */
export function openProjection(row: ExecutionRow, change: Partial<ExecutionProjection>): ExecutionProjection {
  return {
    status: row.status,
    output: undefined,
    error: null,
    turn: row.turn,
    claim: row.claim,
    wakeAt: row.wakeAt ?? undefined,
    parkedReason: row.parkedReason ?? undefined,
    limitKey: row.limitKey ?? undefined,
    rateKey: row.rateKey ?? undefined,
    pool: row.pool ?? undefined,
    startedAt: row.startedAt ?? undefined,
    completedAt: undefined,
    ...change,
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
    generation: state.generation,
    input: state.input,
    output: state.output,
    error: state.skipReason ?? (state.error === undefined ? null : errorText(state.error)),
    startedAt: state.startedAt,
    completedAt: state.completedAt,
  }
}

/** The node rows that differ between two states of an execution, but for those that are to go. */
export function changedNodes(
  plan: Plan,
  executionId: string,
  change: { before: ExecutionState; after: ExecutionState },
): NodeProjection[] {
  const rows: NodeProjection[] = []
  plan.nodes.forEach((node, index) => {
    const before = change.before.nodes[index]
    const after = change.after.nodes[index]
    if (after !== undefined && after !== before && after.status !== 'pending')
      rows.push(nodeProjection(executionId, node, { before, after }))
  })
  return rows
}

/** The splits whose items are to run since. */
export function openedSplits(plan: Plan, change: { before: ExecutionState; after: ExecutionState }): SplitProjection[] {
  const rows: SplitProjection[] = []
  for (const { id: nodeId, index } of plan.nodes) {
    const before = change.before.nodes[index]
    const after = change.after.nodes[index]
    if (after?.split === undefined || !isSplitOpen(after) || before?.split === after.split) continue
    const { items: _, ...split } = after.split
    rows.push({ nodeId, generation: after.generation, ...split })
  }
  return rows
}

/** Whether its items are to be seen to: whoever holds it has given it back, or left it paused, while they run. */
export function awaitsItems({ parkedReason, nodes }: ExecutionState): boolean {
  return parkedReason !== undefined && nodes.some(isSplitOpen)
}

/** Ids of the rows that are to go: their nodes are as if they had never run. */
export function removedNodes(
  plan: Plan,
  executionId: string,
  change: { before: ExecutionState; after: ExecutionState },
): string[] {
  return plan.nodes.flatMap(({ id, index }) =>
    change.before.nodes[index]?.status !== 'pending' && change.after.nodes[index]?.status === 'pending'
      ? [nodeExecutionId(executionId, id)]
      : [],
  )
}
