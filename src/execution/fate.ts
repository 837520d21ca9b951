// What becomes of an execution that a worker holds, once the outcomes are in: it goes on, ends, or gives its worker back.
// Pure.
import type { EventBody, RecordedError } from '../event/event.ts'
import type { Plan, PlanNode } from '../workflow/waves.ts'
import { cancelExecution, decideNext, failExecution, restartLost } from './decide.ts'
import { type Draft, emit, type Now } from './draft.ts'
import {
  type ExecutionState,
  isAtWork,
  isCancelling,
  isNodeOver,
  isOfTurn,
  isOver,
  isPausing,
  isSplitOpen,
  MAX_EVENTS,
  underWay,
} from './state.ts'
import { endWaits, nextTimer } from './waits.ts'

/** Who waits longer than this gives the worker back: an attempt that is to come again soon may stay. Milliseconds. */
const PARK_AFTER_MS = { retry: 5_000, delay: 1_000, callback: 1_000 }
const DRAINED: RecordedError = { code: 'WORKER_DRAINED', message: 'the worker stopped before this attempt ended' }

/** Whether the worker is to stop: `begun` attempts may end, and are cut short when it is `over`. */
export type DrainStage = 'none' | 'begun' | 'over'

/** True when these events end the turn. */
export function decideFate(plan: Plan, draft: Draft, { now, drain }: { now: Now; drain: DrainStage }): boolean {
  const say = (body: EventBody): void => emit(plan, draft, { body, at: now.at })
  const excess = excessOf(plan, draft.state, now)
  if (isCancelling(draft.state) && draft.state.compensation === undefined) cancelExecution(plan, draft, now)
  else if (excess !== undefined) failExecution(plan, draft, { error: excess, now })
  if (drain === 'none' && !isOver(draft.state)) {
    endWaits(plan, draft, now)
    decideNext(plan, draft, now)
  }
  if (isOver(draft.state)) return true

  if (draft.state.nodes.some(isAtWork)) {
    if (drain !== 'over') return false
    restartLost(plan, draft, { reason: DRAINED, now })
  }
  if (isPausing(draft.state)) {
    say({ type: 'workflow_paused', payload: {} })
    return true
  }
  if (drain !== 'none') {
    say({ type: 'execution_handed_over', payload: { reason: 'drain' } })
    return true
  }
  return giveWorkerBack(plan, draft, now)
}

/** Nothing of it runs: it goes to other workers if they can start something, or waits for its next timer, unless that is soon. */
function giveWorkerBack(plan: Plan, draft: Draft, { at }: Now): boolean {
  const say = (body: EventBody): void => emit(plan, draft, { body, at })
  const deadline = deadlineOf(plan, draft.state)
  const elsewhere = nextElsewhere(plan, draft.state, at)
  if (elsewhere !== undefined) {
    const { pool } = elsewhere.policy
    const until = deadline === undefined ? {} : { wake_at: new Date(deadline).toISOString() }
    if (pool === undefined) say({ type: 'execution_handed_over', payload: { reason: 'pool' } })
    else say({ type: 'execution_pooled', payload: { pool, ...until } })
    return true
  }
  const timer = nextTimer(plan, draft.state)
  if (timer === undefined && !draft.state.nodes.some(isSplitOpen)) return false
  if (timer !== undefined && timer.at.getTime() - at.getTime() <= PARK_AFTER_MS[timer.reason]) return false
  const instants = [timer?.at.getTime(), deadline].filter(instant => instant !== undefined)
  const wakeAt = instants.length === 0 ? {} : { wake_at: new Date(Math.min(...instants)).toISOString() }
  say({ type: 'execution_parked', payload: { reason: timer?.reason ?? 'items', ...wakeAt } })
  return true
}

/** What it has had too much of to go on; what undoes it is limited by the policies of its nodes alone. */
function excessOf(plan: Plan, state: ExecutionState, { at }: Now): RecordedError | undefined {
  if (state.compensation !== undefined) return undefined
  const deadline = deadlineOf(plan, state)
  if (deadline !== undefined && at.getTime() >= deadline) {
    const message = `the execution took longer than ${plan.workflow.settings.timeout_ms} ms`
    return { code: 'EXECUTION_TIMEOUT', message }
  }
  if (state.sequence <= MAX_EVENTS) return undefined
  return { code: 'TOO_MANY_EVENTS', message: `the execution has ${state.sequence} events, more than ${MAX_EVENTS}` }
}

/** The first node that could start now, if this turn's workers were those it is for. */
function nextElsewhere(plan: Plan, state: ExecutionState, at: Date): PlanNode | undefined {
  const index = underWay(plan, state).find(i => {
    const node = state.nodes[i]
    if (node === undefined || isNodeOver(node) || isOfTurn(plan, state, i)) return false
    return node.waiting === undefined && (node.retryAt === undefined || node.retryAt <= at)
  })
  return index === undefined ? undefined : plan.nodes[index]
}

/** When the execution's time is up, in milliseconds of the epoch; compensation takes the time it takes. */
export function deadlineOf(plan: Plan, { timeoutFrom, compensation }: ExecutionState): number | undefined {
  const timeout = plan.workflow.settings.timeout_ms
  if (timeout === undefined || timeoutFrom === undefined || compensation !== undefined) return undefined
  return timeoutFrom.getTime() + timeout
}
