// Nodes that wait, and when an execution that waits is to be woken: for the earliest of them. Pure.
import type { Plan } from '../workflow/waves.ts'
import { handlesFailure } from './decide.ts'
import { type Draft, emit, type Now } from './draft.ts'

import { type ExecutionState, isAtWork, isOfTurn, underWay } from './state.ts'

/** What has waited long enough comes to what was foreseen. */
export function endWaits(plan: Plan, draft: Draft, { at }: Pick<Now, 'at'>): void {
  for (const index of underWay(plan, draft.state)) {
    const { waiting, input = null } = draft.state.nodes[index] ?? {}
    const node = plan.nodes[index]
    if (node === undefined || waiting?.until === undefined || waiting.until > at) continue
    const { end = { output: input } } = waiting
    const payload = { node: node.key, ...end, ...(waiting.edges === undefined ? {} : { edges: waiting.edges }) }
    emit(plan, draft, {
      body:
        'error' in payload
          ? { type: 'node_failed', payload: { ...payload, handled: handlesFailure(node) } }
          : { type: 'node_completed', payload },
      at,
    })
  }
}

export interface Timer {
  readonly at: Date
  readonly reason: 'callback' | 'delay' | 'retry'
}

/** What the execution waits for first, of what comes at a time. */
export function nextTimer(plan: Plan, state: ExecutionState): Timer | undefined {
  const [retry, delay] = [nextRetryAt(plan, state), nextWaitEnd(state)]
  if (delay === undefined || (retry !== undefined && retry <= delay)) return retry && { at: retry, reason: 'retry' }
  const callback = state.nodes.some(({ waiting }) => waiting?.callback)
  return { at: delay, reason: callback ? 'callback' : 'delay' }
}

/** When the next attempt is due of those that come again; nodes of other pools wait until nothing of this turn runs. */
export function nextRetryAt(plan: Plan, state: ExecutionState): Date | undefined {
  const isBusy = state.nodes.some(isAtWork)
  return earliest(state.nodes.map(({ retryAt }, i) => (isBusy && !isOfTurn(plan, state, i) ? undefined : retryAt)))
}

/** When the first node has waited long enough. */
export function nextWaitEnd({ nodes }: ExecutionState): Date | undefined {
  return earliest(nodes.map(({ waiting }) => waiting?.until))
}

function earliest(instants: readonly (Date | undefined)[]): Date | undefined {
  return instants.reduce((first, one) => (first === undefined || (one !== undefined && one < first) ? one : first))
}
