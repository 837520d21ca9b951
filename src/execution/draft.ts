// A decision in the making: the events so far, and the state they lead to. Pure.
import type { EventBody } from '../event/event.ts'
import type { Plan } from '../workflow/waves.ts'
import { evolve } from './evolve.ts'
import type { ExecutionState } from './state.ts'

export interface Now {
  /** Estimated database time; one object for all that is decided at this instant. */
  readonly at: Date
  /** In [0, 1): the jitter of a retry delay. */
  readonly random: number
}

/** Collects events and folds them into the state as it goes, so that each decision sees the ones before it. */
export interface Draft {
  readonly events: EventBody[]
  state: ExecutionState
}

export function draftOf(state: ExecutionState): Draft {
  return { events: [], state }
}

export function emit(plan: Plan, draft: Draft, { body, at }: { body: EventBody; at: Date }): void {
  draft.events.push(body)
  draft.state = evolve(plan, draft.state, { body, at })
}
