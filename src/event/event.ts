// The vocabulary of the event log. Types are past facts in snake_case, frozen once written: add, never rename. Nodes are
// named by key. A payload holds what the fold cannot derive from the workflow version and the events before it.
import type { Json, JsonObject } from '../base/json.ts'

/** Why a node or an execution failed, as recorded. */
export interface RecordedError {
  readonly code: string
  readonly message: string
  readonly details?: JsonObject
}

/** Who asked for something, and why, as recorded. */
export interface Asked {
  /** `cli:<user>`, `trigger:<id>`, `callback`. */
  readonly by: string
  readonly reason?: string
}

/** What runs again, by key. */
export interface Again {
  /** As if they had never run, but for their attempts; of a rerun, in their next generation. */
  readonly nodes: readonly string[]
  /** In their next generation, since they were undone or rest on what was; absent = none. */
  readonly anew?: readonly string[]
}

/** Which conditional edges out of a node hold, by target key; recorded so that a replay needs no evaluation. */
export type EdgeVerdicts = { readonly [target: string]: boolean }

export type EventBody =
  /** `input`: what its mapping gave; of an execution without one it is in its row. */
  | { readonly type: 'workflow_started'; readonly payload: { readonly input?: Json } }
  | { readonly type: 'workflow_completed'; readonly payload: { readonly output: Json } }
  | {
      readonly type: 'workflow_failed'
      /** `handler`: there if its workflow names one. */
      readonly payload: { readonly error: RecordedError; readonly node?: string; readonly handler?: FailureHandler }
    }
  | {
      readonly type: 'compensation_started'
      /** `nodes` are to undo others, one after the other, before it ends: for the cause it fails of, or as it was asked to. */
      readonly payload: {
        readonly nodes: readonly string[]
        readonly cause?: { readonly error: RecordedError; readonly node?: string }
      }
    }
  | { readonly type: 'workflow_cancel_requested'; readonly payload: Asked }
  | { readonly type: 'workflow_cancelled'; readonly payload: Asked }
  | { readonly type: 'workflow_pause_requested'; readonly payload: Asked }
  | { readonly type: 'workflow_paused'; readonly payload: Record<string, never> }
  /** After `workflow_paused` it goes on with a new turn; before, the request is withdrawn. */
  | { readonly type: 'workflow_resumed'; readonly payload: Asked }
  /** Over, it goes on: `nodes` are as if they had never run, but for their attempts; `anew` begin in their next generation. */
  | { readonly type: 'workflow_retried'; readonly payload: Asked & Again }
  /** The same for one that had lost every worker. */
  | { readonly type: 'workflow_redriven'; readonly payload: Asked & Again }
  | {
      readonly type: 'workflow_rerun'
      /** Over, it goes on from `node`: `nodes` begin anew in their next generation, `retried` and `anew` as in a retry. */
      readonly payload: Asked &
        Again & {
          readonly node: string
          /** What `node` gets instead of what it got before. */
          readonly input?: Json
          readonly retried: readonly string[]
        }
    }
  | { readonly type: 'wave_started'; readonly payload: { readonly wave: number; readonly nodes: number } }
  | { readonly type: 'wave_completed'; readonly payload: { readonly wave: number } }
  | { readonly type: 'node_started'; readonly payload: { readonly node: string; readonly attempt: number } }
  | {
      readonly type: 'node_completed'
      readonly payload: {
        readonly node: string
        readonly output: Json
        readonly branches?: readonly string[]
        readonly edges?: EdgeVerdicts
      }
    }
  | {
      readonly type: 'node_failed'
      /** `handled`: the edges out of the node decide what follows, the execution goes on. */
      readonly payload: {
        readonly node: string
        readonly error: RecordedError
        readonly handled: boolean
        readonly edges?: EdgeVerdicts
      }
    }
  | {
      readonly type: 'node_skipped'
      /** `code`: why the execution ended before its edges could decide about the node. */
      readonly payload: { readonly node: string; readonly reason: string; readonly code?: SkipCode }
    }
  | {
      readonly type: 'node_retrying'
      /** `lost`: the attempt was cut short by us (worker lost, drain), and does not count against the retry policy. */
      readonly payload: {
        readonly node: string
        readonly error: RecordedError
        readonly retry_at: string
        readonly lost?: true
      }
    }
  | {
      readonly type: 'node_parked'
      /** Its attempt is over, and it waits. `end`, with `edges`, is what it comes to; without, it completes with its input. */
      readonly payload: {
        readonly node: string
        readonly until: string
        /** It may be called back before. */
        readonly callback?: true
        readonly end?: Foreseen
        readonly edges?: EdgeVerdicts
      }
    }
  | {
      readonly type: 'node_split'
      /**
       * Each of its items runs as an execution of its own, and it waits for them. Without `items` these are the same as
       * before, and those run again that had not completed.
       */
      readonly payload: {
        readonly node: string
        readonly max_parallel: number
        readonly on_item_error: OnItemError
        readonly items?: readonly Json[]
      }
    }
  /** No item of it is open any more, and no more will be. */
  | { readonly type: 'node_items_ended'; readonly payload: { readonly node: string } }
  | {
      readonly type: 'node_called_back'
      /** Its output was given from outside; no attempt of it counts any more. */
      readonly payload: Asked & { readonly node: string; readonly output: Json }
    }
  /** Without `wake_at` it is not for a time that it waits. */
  | { readonly type: 'execution_parked'; readonly payload: { readonly reason: ParkReason; readonly wake_at?: string } }
  /** It waits for its place under a limit; `key` is what its limit is counted by. */
  | { readonly type: 'execution_limited'; readonly payload: { readonly key: string } }
  /** It has its place under the limit, and keeps it until it is over. One that waited for it goes on with a new turn. */
  | { readonly type: 'execution_admitted'; readonly payload: { readonly key: string } }
  /** It waits for its time under a rate; `key` is what its rate is counted by. */
  | { readonly type: 'execution_throttled'; readonly payload: { readonly key: string } }
  /** It may begin, and counts under the rate. One that waited for that goes on with a new turn. */
  | { readonly type: 'execution_passed'; readonly payload: { readonly key: string } }
  /** It waits, with its next turn, for a worker that serves the pool; not longer than until `wake_at`. */
  | { readonly type: 'execution_pooled'; readonly payload: { readonly pool: string; readonly wake_at?: string } }
  | { readonly type: 'execution_woken'; readonly payload: Record<string, never> }
  | { readonly type: 'execution_handed_over'; readonly payload: { readonly reason: 'drain' | 'long_turn' | 'pool' } }
  | { readonly type: 'execution_rescued'; readonly payload: Record<string, never> }
  | { readonly type: 'execution_taken_over'; readonly payload: { readonly claim: number } }

/** The workflow that handles the failure, and its execution, or why there is none. */
export type FailureHandler =
  | { readonly workflow: string; readonly execution_id: string }
  | { readonly workflow: string; readonly problem: string }

export type EventType = EventBody['type']

/** What a node that waits comes to when its time is up, as recorded when it began to. */
export type Foreseen =
  | { readonly output: Json; readonly branches?: readonly string[] }
  | { readonly error: RecordedError }

/** Whether an item of a split that fails ends the others, and fails the node. */
export type OnItemError = 'fail' | 'collect'

/** Why an execution holds no worker though it is not over. */
export type ParkReason = 'callback' | 'delay' | 'items' | 'limit' | 'paused' | 'pool' | 'rate' | 'retry'

/** Why a node was skipped though its edges had not decided: its execution ended first. */
export type SkipCode = 'NODE_NOT_REACHED' | 'EXECUTION_CANCELLED'

export interface RecordedEvent {
  readonly id: string
  readonly sequence: number
  readonly body: EventBody
  readonly createdAt: Date
}
