// What becomes of an execution that a worker holds, once the outcomes are in: it goes on, ends, or gives its worker back.
// Pure.
import type { EventBody, RecordedError } from '../event/event.ts'
import type { Plan } from '../workflow/waves.ts'
import {
  cancelExecution,
  type Draft,
  decideNext,
  emit,
  failExecution,
  type Now,
  nextRetryAt,
  restartLost,
} from './decide.ts'
import { type ExecutionState, isCancelling, isOver, isPausing } from './state.ts'

/** A waiting node whose next attempt is further away than this gives its worker back. Milliseconds. */
const PARK_AFTER_MS = 5_000
const DRAINED: RecordedError = { code: 'WORKER_DRAINED', message: 'the worker stopped before this attempt ended' }

/** Whether the worker is to stop: `begun` attempts may end, and are cut short when it is `over`. */
export type DrainStage = 'none' | 'begun' | 'over'

/** True when these events end the turn. */
export function decideFate(plan: Plan, draft: Draft, { now, drain }: { now: Now; drain: DrainStage }): boolean {
  const say = (body: EventBody): void => emit(plan, draft, { body, at: now.at })
  const deadline = deadlineOf(plan, draft.state)
  if (isCancelling(draft.state)) cancelExecution(plan, draft, now)
  else if (deadline !== undefined && now.at.getTime() >= deadline) {
    const message = `the execution took longer than ${plan.workflow.settings.timeout_ms} ms`
    failExecution(plan, draft, { error: { code: 'EXECUTION_TIMEOUT', message }, now })
  } else if (drain === 'none') decideNext(plan, draft, now)
  if (isOver(draft.state)) return true

  if (draft.state.nodes.some(node => node.status === 'running')) {
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
  const retryAt = nextRetryAt(draft.state)
  if (retryAt === undefined || retryAt.getTime() - now.at.getTime() <= PARK_AFTER_MS) return false
  const wakeAt = deadline === undefined ? retryAt : new Date(Math.min(retryAt.getTime(), deadline))
  say({ type: 'execution_parked', payload: { reason: 'retry', wake_at: wakeAt.toISOString() } })
  return true
}

/** When the execution's time is up, in milliseconds of the epoch. */
export function deadlineOf(plan: Plan, { timeoutFrom }: ExecutionState): number | undefined {
  const timeout = plan.workflow.settings.timeout_ms
  return timeout === undefined || timeoutFrom === undefined ? undefined : timeoutFrom.getTime() + timeout
}
