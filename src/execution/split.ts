// What is to be done about a split, as it stands. Pure, and level-triggered: it is asked again whenever something may have
// changed, and whoever asks twice does nothing twice.
import type { OnItemError } from '../event/event.ts'
import type { SplitKey } from './item.ts'
import type { ExecutionStatus } from './state.ts'

/** How a split stands. */
export interface Standing extends SplitKey {
  /** Key of its node. */
  readonly node: string
  readonly workflowId: string
  readonly priority: number
  /** Of the execution it is in. */
  readonly executionStatus: ExecutionStatus
  /** The event that holds its items. */
  readonly sequence: number
  /** The event since which its node waits for them. */
  readonly since: number
  readonly total: number
  readonly maxParallel: number
  readonly onItemError: OnItemError
  readonly nextIndex: number
  readonly status: 'open' | 'stopping'
  /** Items whose executions are not over, and those of them that are paused. */
  readonly open: number
  readonly paused: number
  /** The first item, of those before `nextIndex`, that failed or was cancelled. */
  readonly failedIndex: number | null
}

export type Step =
  /** Executions of so many more items are to be made. */
  | { readonly kind: 'open'; readonly count: number }
  | { readonly kind: 'cancel'; readonly reason: string }
  | { readonly kind: 'pause' | 'resume' }
  /** All that is to run has ended: its node goes on. */
  | { readonly kind: 'gather' }
  /** The same, and nobody waits for it. */
  | { readonly kind: 'end' }

/** Items that are made in one transaction. */
const CHUNK = 500

/** In this order; none when there is nothing to do but wait. */
export function stepsOf(split: Standing): Step[] {
  const { status, executionStatus, open, paused, failedIndex, nextIndex, total, maxParallel } = split
  if (status === 'stopping')
    return open === 0 ? [{ kind: 'end' }] : [{ kind: 'cancel', reason: 'nobody waits for its split any more' }]
  if (split.onItemError === 'fail' && failedIndex !== null)
    return open === 0 ? [{ kind: 'gather' }] : [{ kind: 'cancel', reason: `item ${failedIndex} failed` }]
  if (executionStatus === 'paused') return open > paused ? [{ kind: 'pause' }] : []
  if (nextIndex === total && open === 0) return [{ kind: 'gather' }]
  const count = Math.min(CHUNK, maxParallel - open, total - nextIndex)
  return [
    ...(paused > 0 ? [{ kind: 'resume' } as const] : []),
    ...(count > 0 ? [{ kind: 'open', count } as const] : []),
  ]
}
