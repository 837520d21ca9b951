// What an execution undoes before it ends failed or cancelled. A node may name another that undoes it; this one is in no
// wave. Pure. Invariants:
// 1. Undone is exactly what completed and names a node that undoes it, the last to complete first, one after the other.
// 2. Each of them gets its attempts, whatever became of those before it; nothing cuts them short but a pause and the loss
//    of every worker.
// 3. The terminal event comes after all of them, and says so if something could not be undone.
import { excerpt } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import type { Asked, EventBody, RecordedError } from '../event/event.ts'
import { type Plan, planNode } from '../workflow/waves.ts'
import { type Draft, emit, type Now } from './draft.ts'
import { cancellation } from './evolve.ts'
import { type ExecutionState, isNodeOver, nodeOf } from './state.ts'
import type { Cause } from './strategy.ts'

const LONGEST_MESSAGE = 1000

/** Ends the execution, or begins to undo what has completed. Without a cause it ends as it was asked to. */
export function endOrCompensate(
  plan: Plan,
  draft: Draft,
  { cause, at }: { cause?: Cause | undefined; at: Date },
): void {
  const nodes = compensations(plan, draft.state)
  const body: EventBody =
    nodes.length === 0
      ? terminal(draft.state, cause)
      : { type: 'compensation_started', payload: { nodes, ...(cause && { cause: { ...cause } }) } }
  emit(plan, draft, { body, at })
}

/** Every node that was to undo another has ended. */
export function endCompensation(plan: Plan, draft: Draft, { at }: Pick<Now, 'at'>): void {
  const { cause } = draft.state.compensation ?? {}
  emit(plan, draft, { body: terminal(draft.state, standing(plan, draft.state) ?? cause), at })
}

/** Nobody is left who could undo anything. */
export function abandonCompensation(
  plan: Plan,
  draft: Draft,
  { error, now }: { error: RecordedError; now: Pick<Now, 'at'> },
): void {
  for (const index of draft.state.compensation?.order ?? []) {
    if (isNodeOver(nodeOf(draft.state, index))) continue
    const payload = { node: planNode(plan, index).key, error, handled: false }
    emit(plan, draft, { body: { type: 'node_failed', payload }, at: now.at })
  }
  endCompensation(plan, draft, now)
}

/** Keys of what an execution that is over should have undone, and did not try to. */
export function leftStanding(plan: Plan, state: ExecutionState): string[] {
  if (state.status !== 'failed' && state.status !== 'cancelled') return []
  return plan.nodes.flatMap(({ key, index, compensation }) => {
    const isLeft = compensation !== undefined && !isNodeOver(nodeOf(state, compensation))
    return isLeft && nodeOf(state, index).status === 'completed' ? [key] : []
  })
}

/** Keys of the nodes that are to run, in their order. */
function compensations(plan: Plan, state: ExecutionState): string[] {
  return plan.nodes
    .flatMap(({ index, compensation }) => {
      const { status, completedWith = 0 } = nodeOf(state, index)
      return compensation === undefined || status !== 'completed' ? [] : [{ compensation, completedWith }]
    })
    .sort((a, b) => b.completedWith - a.completedWith)
    .map(({ compensation }) => planNode(plan, compensation).key)
}

function terminal(state: ExecutionState, cause: Cause | undefined): EventBody {
  return cause === undefined
    ? { type: 'workflow_cancelled', payload: askedOf(state) }
    : { type: 'workflow_failed', payload: { ...cause } }
}

function askedOf({ request }: ExecutionState): Asked {
  if (request?.kind !== 'cancel') throw new Error('no cancellation was requested')
  const { kind: _, ...asked } = request
  return asked
}

/** What it fails of when something could not be undone. */
function standing(plan: Plan, state: ExecutionState): Cause | undefined {
  const { order = [], cause } = state.compensation ?? {}
  const failures = order.flatMap(index => {
    const { key, undoes = -1 } = planNode(plan, index)
    const { status, error } = nodeOf(state, index)
    return status === 'failed' && error !== undefined ? [{ node: planNode(plan, undoes).key, by: key, error }] : []
  })
  if (failures.length === 0) return undefined
  const { node = null, error } = cause ?? { error: cancellation(askedOf(state)) }
  const { code, message } = error
  const stands = failures.map(one => `${one.node} (${one.by}: ${one.error.code}: ${one.error.message})`).join(', ')
  const before = `${node === null ? '' : `${node}: `}${code}: ${message}`
  const said = `${failures.length} of ${order.length} nodes could not be undone: ${stands}; before that: ${before}`
  const details: JsonObject = {
    nodes: failures.map(one => ({ node: one.node, compensate: one.by, code: one.error.code })),
    cause: { node, code, message },
  }
  return { error: { code: 'COMPENSATION_FAILED', message: excerpt(said, LONGEST_MESSAGE), details } }
}
