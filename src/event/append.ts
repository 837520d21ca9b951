// What an append is: the events, the state they were decided on, and the rows as they are afterwards.
import type { Json } from '../base/json.ts'
import type { Tx } from '../db/pool.ts'
import type { JobClaim, NewJob } from '../queue/queue.ts'
import type { EventBody, OnItemError } from './event.ts'

/** What the row must still be for an append to take effect. Commands from outside a turn name the sequence only. */
export interface Fence {
  readonly sequence: number
  readonly turn?: number
  readonly claim?: number
  /** For the append that takes over: every earlier claim is replaced, a later one is not. */
  readonly claimBelow?: number
}

/** The row of `executions` after the append. */
export interface ExecutionProjection {
  readonly status: string
  readonly output: Json | undefined
  readonly error: string | null
  readonly turn: number
  readonly claim: number
  readonly wakeAt: Date | undefined
  readonly parkedReason: string | undefined
  readonly limitKey: string | undefined
  readonly rateKey: string | undefined
  readonly pool: string | undefined
  readonly startedAt: Date | undefined
  readonly completedAt: Date | undefined
}

/** A row of `node_executions` after the append; only rows that changed. */
export interface NodeProjection {
  /** Whether this is the node's first row. */
  readonly isNew: boolean
  readonly id: string
  readonly nodeId: string
  readonly status: string
  readonly wave: number
  readonly retryCount: number
  /** Of the row as it is made; a later generation begins with a new row. */
  readonly generation: number
  readonly input: Json | undefined
  readonly output: Json | undefined
  readonly error: string | null
  readonly startedAt: Date | undefined
  readonly completedAt: Date | undefined
}

/** A split whose items are to run. */
export interface SplitProjection {
  readonly nodeId: string
  readonly generation: number
  /** Of the event that holds its items. */
  readonly sequence: number
  /** The event since which it waits for them. */
  readonly since: number
  readonly total: number
  readonly maxParallel: number
  readonly onItemError: OnItemError
}

export interface Projection {
  readonly execution: ExecutionProjection
  readonly nodes: readonly NodeProjection[]
  /** Ids of the rows of nodes that are as if they had never run. */
  readonly removed?: readonly string[]
  readonly splits?: readonly SplitProjection[]
  /** No worker holds it, and the items of a split of it are to be seen to. */
  readonly awaitsItems?: boolean
}

export interface Append {
  readonly executionId: string
  readonly fence: Fence
  /** At least one. */
  readonly events: readonly EventBody[]
  /** The rows after these events happened at `at`, the transaction's own instant. */
  project(at: Date): Projection
  /** The job of the next turn, or of the execution it starts. */
  readonly enqueue?: NewJob
  /** What else its transaction writes, if the append takes effect. */
  beside?(tx: Tx): Promise<unknown>
  /** The job of this turn, done with. */
  readonly settle?: JobClaim
}

export type Appended =
  | { readonly kind: 'appended'; readonly at: Date; readonly sequence: number }
  /** Turn or claim is no longer ours: drop everything. */
  | { readonly kind: 'fenced' }
  /** Same turn and claim, later sequence: a command came in. Reload and decide again. */
  | { readonly kind: 'behind' }

/** Who is to hear that executions are over, or wait. */
export interface Ended {
  /** Triggers whose policies depend on it. */
  readonly triggerIds: readonly string[]
  /** Limits under which there is room now. */
  readonly limitKeys: readonly string[]
  /** Executions whose splits there may be something to do about. */
  readonly splitters: readonly string[]
}

/** An append with what its events are written from: many wait for their flush, and a text is little to hold on to. */
export interface Numbered {
  readonly append: Append
  /** The id of its first event, by which it is found again after an unanswered commit; those of the others follow it. */
  readonly firstId: string
  /** The payloads as JSON, with commas between them, written before the transaction: it is not to wait for that. */
  readonly payloads: string
}
