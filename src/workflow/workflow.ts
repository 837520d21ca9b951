// The words of a workflow: what a version consists of, in the form the engine runs, and the document it was made from.
import type { JsonObject } from '../base/json.ts'

export type WorkflowStatus = 'draft' | 'active' | 'archived'

export interface Workflow {
  readonly id: string
  readonly name: string
  readonly version: number
  readonly status: WorkflowStatus
  readonly description: string | null
  readonly variables: JsonObject
  readonly settings: WorkflowSettings
  /** In the order of the document, which is the order of their ids. */
  readonly nodes: readonly Node[]
  /** In the order of the document. */
  readonly edges: readonly Edge[]
}

/** What a name stands for, as a list shows it: its active version, or its newest when none is active. */
export interface WorkflowSummary {
  readonly id: string
  readonly name: string
  readonly version: number
  readonly status: WorkflowStatus
  readonly description: string | null
  readonly node_count: number
  readonly trigger_count: number
  readonly created_at: Date
  readonly published_at: Date | null
}

export interface WorkflowSettings {
  /** Milliseconds an execution may take; absent = no limit. */
  readonly timeout_ms?: number
  /** How urgent executions are unless what starts them says otherwise: higher comes first; absent = 0. */
  readonly priority?: number
  /** How many executions may be under way at once; absent = no limit. */
  readonly concurrency?: ConcurrencyLimit
  /** How often executions may begin; absent = no limit. */
  readonly rate?: RateLimit
  /** What a failure that nothing handles does; absent = `fail_fast`. */
  readonly error_strategy?: ErrorStrategy
  /** Name of the workflow that is started when an execution has failed. */
  readonly on_failure?: string
  /** A path that its expressions write out and that is not there is an error; absent = only where they come to nothing. */
  readonly strict?: boolean
}

/**
 * `fail_fast`: nothing more starts, and the execution fails. `continue`: all that does not depend on it goes on, and the
 * execution fails at the end. `require_n`: so does it, and the execution completes if so many of its last nodes have.
 */
export type ErrorStrategy = 'fail_fast' | 'continue' | { readonly require_n: number }

/** At most `limit` executions begin in every `period_ms`, and at most `burst` (default: `limit`) at once. */
export interface RateLimit {
  readonly limit: number
  readonly period_ms: number
  readonly burst?: number
  /** Expression over `{input, vars, trigger, execution}`: counted for each of its values; absent = for the workflow. */
  readonly key?: string
  /** What becomes of one more: it waits for its time (default), or is cancelled before it begins. */
  readonly on_limit?: 'queue' | 'skip'
}

export interface ConcurrencyLimit {
  readonly max: number
  /** Expression over `{input, vars, trigger, execution}`: counted for each of its values; absent = for the workflow. */
  readonly key?: string
  /**
   * What becomes of one more: it waits (default), is cancelled before it begins, or waits while the oldest is cancelled.
   */
  readonly on_limit?: 'queue' | 'skip' | 'cancel_oldest'
}

export interface Node {
  readonly id: string
  readonly key: string
  readonly name: string
  readonly type: string
  readonly config: JsonObject
  readonly policy: NodePolicy
  /** Where an editor draws it; absent = never placed. The only part of a published version that may change. */
  readonly position?: Position
}

export interface Position {
  readonly x: number
  readonly y: number
}

/** What every node type has in common; absent fields have the defaults named here. */
export interface NodePolicy {
  /** Milliseconds one attempt may take; default 30 000. */
  readonly timeout_ms?: number
  /** Milliseconds from the start of the first attempt to the end of the last; absent = no limit. */
  readonly total_timeout_ms?: number
  readonly retry?: RetryPolicy
  /**
   * What an error that no retry mends does: fail the execution (default) unless an edge `on` error or any leaves the
   * node, or let every edge out of the node decide with `{error}` as its output. `route`: there is an edge for errors.
   */
  readonly on_error?: 'fail' | 'continue' | 'route'
  /** Whose workers run it; absent = those of the default. */
  readonly pool?: string
  /** How many incoming edges must be taken for the node to run: at least one (default), all, or so many. */
  readonly join?: 'any' | 'all' | { readonly n_of: number }
  /** Key of the node that undoes it, once it has completed, when the execution fails or is cancelled. */
  readonly compensate?: string
}

export interface RetryPolicy {
  /** Attempts in all, 1..20; default 3 where a policy is given, 1 where none is. */
  readonly max_attempts?: number
  readonly backoff?: 'constant' | 'linear' | 'exponential'
  /** Milliseconds before the second attempt; default 1 000. */
  readonly delay_ms?: number
  /** Longest pause, milliseconds; default 300 000. */
  readonly max_delay_ms?: number
  /** Codes of errors to try again after, whether they may pass or not; absent = all that may. */
  readonly retry_on?: readonly string[]
  /** Codes of errors not to try again after. */
  readonly give_up_on?: readonly string[]
}

export interface Edge {
  readonly id: string
  /** Key of the node it leaves. */
  readonly source: string
  /** Key of the node it enters. */
  readonly target: string
  readonly condition: EdgeCondition | null
}

/**
 * When an edge is taken; null = the source completed. `when`: the source completed and the expression over
 * `{output, input, nodes, vars, trigger, execution}` is true. `branch`: the source took a branch of (one of) these
 * names. `on`: how the source ended.
 */
export type EdgeCondition =
  | { readonly when: string }
  | { readonly branch: string | readonly string[] }
  | { readonly on: 'success' | 'error' | 'any' }

/** A checked document: a version without what the database gives it, and the triggers that start it. */
export interface WorkflowDocument {
  readonly name: string
  readonly description: string | null
  readonly variables: JsonObject
  readonly settings: WorkflowSettings
  readonly nodes: readonly NodeDocument[]
  readonly edges: readonly EdgeDocument[]
  readonly triggers: readonly TriggerDocument[]
}

export type NodeDocument = Omit<Node, 'id'>
export type EdgeDocument = Omit<Edge, 'id'>

/** A trigger as a document writes it. */
export interface TriggerDocument {
  readonly key: string
  readonly name: string
  readonly type: string
  readonly config: JsonObject
  /** Absent = on when it is new, else left as it is. */
  readonly enabled?: boolean
}
