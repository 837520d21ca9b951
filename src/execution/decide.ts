// What follows from the state of an execution. Pure: state and command in, events out; nothing is done here.
// Invariants: (1) no node starts before every node of the waves before it has ended; (2) a node that has ended never
// starts again, unless an operator retries or reruns it; (3) after a terminal event nothing but a retry, redrive or rerun,
// which open the execution again until its next; (4) `decideNext` on a state it has already advanced
// gives no events.
import type { EdgeVerdicts, EventBody, Foreseen, RecordedError } from '../event/event.ts'
import type { Completed, Failed, NodeError, Outcome } from '../node/node-type.ts'
import { type Plan, type PlanNode, planNode } from '../workflow/waves.ts'
import { endCompensation, endOrCompensate } from './compensation.ts'
import { type Draft, emit, type Now } from './draft.ts'
import { finalOutput, skipReason } from './inputs.ts'
import { nextAttemptAt } from './retries.ts'
import { isAtWork, isNodeOver, isOfTurn, isOver, isPausing, type NodeState, nodeOf, underWay } from './state.ts'
import { type Cause, LEFT, shortcoming, stopper } from './strategy.ts'
import { tooMuch } from './volume.ts'

/** Nodes of one execution that may run at once. */
export const MAX_RUNNING = 64

/** Starts what can start, closes waves, ends the execution. */
export function decideNext(plan: Plan, draft: Draft, now: Now): void {
  const say = (body: EventBody): void => emit(plan, draft, { body, at: now.at })
  if (isOver(draft.state)) return
  if (draft.state.compensation !== undefined) return compensate(plan, draft, now)
  if (draft.state.status === 'pending') {
    const { mapped } = draft.state
    if (mapped !== undefined && 'error' in mapped) return failExecution(plan, draft, { error: mapped.error, now })
    say({ type: 'workflow_started', payload: { ...mapped } })
  }
  for (;;) {
    const { wave } = draft.state
    if (wave >= 0) {
      startNodes(plan, draft, now)
      if (!plan.waves[wave]?.every(index => isNodeOver(nodeOf(draft.state, index)))) return
      say({ type: 'wave_completed', payload: { wave } })
      const cause = stopper(plan, draft.state)
      if (cause !== undefined) {
        fail(plan, draft, { cause, now })
        return decideNext(plan, draft, now)
      }
    }
    const next = plan.waves[wave + 1]
    if (next === undefined) {
      const cause = shortcoming(plan, draft.state)
      if (cause === undefined)
        return say({ type: 'workflow_completed', payload: { output: finalOutput(plan, draft.state) } })
      fail(plan, draft, { cause, now })
      return decideNext(plan, draft, now)
    }
    say({ type: 'wave_started', payload: { wave: wave + 1, nodes: next.length } })
    for (const index of next) {
      if (isNodeOver(nodeOf(draft.state, index))) continue // kept by a rerun
      const node = planNode(plan, index)
      const reason = skipReason(plan, draft.state, node)
      if (reason !== null) say({ type: 'node_skipped', payload: { node: node.key, reason } })
    }
  }
}

/** Undoes one after the other, then ends the execution. */
function compensate(plan: Plan, draft: Draft, now: Now): void {
  startNodes(plan, draft, now)
  if (underWay(plan, draft.state).length === 0) endCompensation(plan, draft, now)
}

function startNodes(plan: Plan, draft: Draft, now: Now): void {
  const indexes = underWay(plan, draft.state)
  const failing = stopper(plan, draft.state) !== undefined
  let running = indexes.filter(index => isAtWork(nodeOf(draft.state, index))).length
  for (const index of indexes) {
    const { key } = planNode(plan, index)
    const state = nodeOf(draft.state, index)
    if (isNodeOver(state) || isAtWork(state)) continue
    if (failing) giveUp(plan, draft, { key, state, now })
    else if (isPausing(draft.state) || state.waiting !== undefined) continue
    else if (
      isOfTurn(plan, draft.state, index) &&
      running < MAX_RUNNING &&
      (state.retryAt === undefined || state.retryAt <= now.at)
    ) {
      running++
      emit(plan, draft, {
        body: { type: 'node_started', payload: { node: key, attempt: state.attempt + 1 } },
        at: now.at,
      })
    }
  }
}

/** A sibling has failed for good: what has not started is skipped, what waits has failed. */
function giveUp(plan: Plan, draft: Draft, { key, state, now }: { key: string; state: NodeState; now: Now }): void {
  const error = state.waiting === undefined ? state.error : LEFT
  const body: EventBody =
    state.status !== 'pending' && error !== undefined
      ? { type: 'node_failed', payload: { node: key, error, handled: false } }
      : {
          type: 'node_skipped',
          payload: { node: key, reason: 'the execution failed before it could start', code: 'NODE_NOT_REACHED' },
        }
  emit(plan, draft, { body, at: now.at })
}

function fail(plan: Plan, draft: Draft, { cause, now }: { cause: Cause; now: Now }): void {
  for (const index of plan.waves.flat()) {
    const state = nodeOf(draft.state, index)
    if (!isNodeOver(state)) giveUp(plan, draft, { key: planNode(plan, index).key, state, now })
  }
  endOrCompensate(plan, draft, { cause, at: now.at })
}

/** Fails the execution from outside its nodes (its time is up, every worker was lost). */
export function failExecution(plan: Plan, draft: Draft, { error, now }: { error: RecordedError; now: Now }): void {
  if (isOver(draft.state)) return
  for (const { key, index } of plan.nodes) {
    if (nodeOf(draft.state, index).status !== 'running') continue
    emit(plan, draft, { body: { type: 'node_failed', payload: { node: key, error, handled: false } }, at: now.at })
  }
  fail(plan, draft, { cause: { error }, now })
}

/** Cancels the execution as it was asked to be: what began has failed, what did not is skipped. */
export function cancelExecution(plan: Plan, draft: Draft, { at }: Pick<Now, 'at'>): void {
  for (const index of plan.waves.flat()) {
    const { key } = planNode(plan, index)
    const { status, waiting } = nodeOf(draft.state, index)
    if (status === 'pending') {
      const reason = 'the execution was cancelled before it could start'
      emit(plan, draft, {
        body: { type: 'node_skipped', payload: { node: key, reason, code: 'EXECUTION_CANCELLED' } },
        at,
      })
    } else if (status === 'running' || status === 'retrying') {
      const message = `the execution was cancelled ${
        waiting !== undefined
          ? 'while the node waited'
          : status === 'running'
            ? 'while the attempt ran; it may have taken effect'
            : 'before the next attempt'
      }`
      const payload = { node: key, error: { code: 'EXECUTION_CANCELLED', message }, handled: false }
      emit(plan, draft, { body: { type: 'node_failed', payload }, at })
    }
  }
  endOrCompensate(plan, draft, { at })
}

/** What the end of an attempt means: done, another attempt, or failure. */
export function settleAttempt(
  plan: Plan,
  draft: Draft,
  { key, outcome, edges, now }: { key: string; outcome: Outcome; edges?: EdgeVerdicts | undefined; now: Now },
): void {
  const index = plan.index.get(key) ?? -1
  const node = planNode(plan, index)
  const state = nodeOf(draft.state, index)
  const verdicts = edges && { edges }
  const say = (body: EventBody): void => emit(plan, draft, { body, at: now.at })
  if (outcome.kind === 'completed') {
    const excess = tooMuch(draft.state, outcome.output)
    if (excess !== undefined) return settleAttempt(plan, draft, { key, outcome: excess, now })
    const { output, branches } = outcome
    return say({ type: 'node_completed', payload: { node: key, output, ...(branches && { branches }), ...verdicts } })
  }
  if (outcome.kind === 'parked') {
    const { until, callback, end } = outcome
    const instant = new Date(typeof until === 'number' ? now.at.getTime() + until : until).toISOString()
    const foreseen = { ...(callback && { callback }), ...(end && { end: foresee(end) }) }
    return say({ type: 'node_parked', payload: { node: key, until: instant, ...foreseen, ...verdicts } })
  }
  if (outcome.kind === 'split') {
    const { items, maxParallel: max_parallel, onItemError: on_item_error } = outcome
    const kept = state.split === undefined ? { items } : {}
    return say({ type: 'node_split', payload: { node: key, max_parallel, on_item_error, ...kept } })
  }
  const error = recorded(outcome.error)
  const again = nextAttemptAt(node.policy, state, { error: outcome.error, ...now })
  if (again !== undefined && stopper(plan, draft.state) === undefined)
    return say({ type: 'node_retrying', payload: { node: key, error, retry_at: again.toISOString() } })
  say({ type: 'node_failed', payload: { node: key, error, handled: handlesFailure(node), ...verdicts } })
}

function recorded({ code, message, details }: NodeError): RecordedError {
  return { code, message, ...(details === undefined ? {} : { details }) }
}

function foresee(end: Completed | Failed): Foreseen {
  if (end.kind === 'failed') return { error: recorded(end.error) }
  const { output, branches } = end
  return branches === undefined ? { output } : { output, branches }
}

/** Attempts that began but whose end we will never see: they run again. */
export function restartLost(plan: Plan, draft: Draft, { reason, now }: { reason: RecordedError; now: Now }): void {
  for (const { key, index } of plan.nodes) {
    const node = nodeOf(draft.state, index)
    if (!isAtWork(node) || node.calledBack !== undefined) continue
    const payload = { node: key, error: reason, retry_at: now.at.toISOString(), lost: true as const }
    emit(plan, draft, { body: { type: 'node_retrying', payload }, at: now.at })
  }
}

/** Whether the edges out of the node decide what follows its failure. */
export function handlesFailure(node: PlanNode): boolean {
  return (
    node.policy.on_error === 'continue' ||
    node.outgoing.some(({ condition }) => condition !== null && 'on' in condition && condition.on !== 'success')
  )
}
