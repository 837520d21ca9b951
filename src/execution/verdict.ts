// What is answered to a command, and what deciding on one has in common. Pure.
import type { ErrorCode } from '../base/errors.ts'
import type { Asked, EventBody } from '../event/event.ts'
import type { Plan } from '../workflow/waves.ts'
import { type Draft, emit } from './draft.ts'
import type { ExecutionState } from './state.ts'

export type Verdict =
  /** `is`: what it is from now on. */
  | { readonly kind: 'done'; readonly is: 'cancelling' | 'cancelled' | 'pausing' | 'paused' | 'pending' | 'running' }
  | { readonly kind: 'unchanged'; readonly why: string }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly why: string; readonly hint: string }

/** A command, and the execution it is asked of. */
export interface Case {
  readonly plan: Plan
  readonly draft: Draft
  readonly asked: Asked
  readonly at: Date
}

export function say({ plan, draft, at }: Case, body: EventBody): void {
  emit(plan, draft, { body, at })
}

export function goesOn({ state }: Draft): Verdict {
  return { kind: 'done', is: state.startedAt === undefined ? 'pending' : 'running' }
}

export function endOf({ status, completedAt }: ExecutionState): string {
  return `${status === 'cancelled' ? 'was cancelled' : status} at ${completedAt?.toISOString()}`
}
