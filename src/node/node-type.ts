// The contract of a node type. A type is one file in `node/types/` and one line in `node/registry.ts`; documents, docs,
// forms and the contract suite follow from it. Executors reach the world only through the NodeContext they are given.
import type { TSchema } from 'typebox'
import { excerpt, type Problem } from '../base/errors.ts'
import type { HttpClient } from '../base/http-client.ts'
import type { Json, JsonObject } from '../base/json.ts'
import type { Logger } from '../base/log.ts'

/** Why a node failed. Codes are listed in docs/errors.md. */
export interface NodeError {
  /** UPPER_SNAKE, stable. */
  readonly code: string
  /** One line a user can act on. */
  readonly message: string
  /** Whether another attempt could succeed. */
  readonly retryable: boolean
  /** The earliest sensible moment of the next attempt, milliseconds from now (Retry-After). */
  readonly retryAfter?: number
  readonly details?: JsonObject
}

/**
 * What an attempt came to. Executors return it. An ExpressionError, SecretError or HttpClientError they let pass becomes
 * `failed` with its own code, retried if that could help; anything else they throw NODE_CRASHED, which is not.
 */
export type Outcome = Completed | Failed | Parked | Split

export interface Completed {
  readonly kind: 'completed'
  readonly output: Json
  /** Names of the branches to take; edges with other `branch` are not taken. */
  readonly branches?: readonly string[]
}

export interface Failed {
  readonly kind: 'failed'
  readonly error: NodeError
}

/** The node waits, and nothing of it is left in this process; it is not executed again when its waiting is over. */
export interface Parked {
  readonly kind: 'parked'
  /** Until when: an instant (ISO 8601), or milliseconds from now on. */
  readonly until: string | number
  /** It waits to be called back, at most until then. */
  readonly callback?: true
  /** What it comes to then, for good; without it, it completes with its input. */
  readonly end?: Completed | Failed
}

/** What follows runs once for each item, up to its merge; only of the type `split`. The list of what they gave is its output. */
export interface Split {
  readonly kind: 'split'
  readonly items: readonly Json[]
  /** Items under way at once. */
  readonly maxParallel: number
  /** Whether one that fails ends the others, and fails the node. */
  readonly onItemError: OnItemError
}

export type OnItemError = 'fail' | 'collect'

/** Output of a node that ended before this one, under its key. */
export type NodeResult = {
  readonly status: 'completed' | 'failed' | 'skipped'
  readonly output: Json
  readonly error?: string
}

/** What expressions and templates can name. */
export type Scope = {
  /** The node's input: the execution's input for a node without predecessors, the output of its only taken predecessor, or `{key: output}` of several. */
  readonly input: Json
  readonly nodes: { readonly [key: string]: NodeResult }
  readonly vars: JsonObject
  readonly trigger: JsonObject
  readonly execution: JsonObject
  /** Where the node is called back, if it is. */
  readonly callback?: { readonly url: string }
  /** Between a split and its merge: the item, and its place in the list, from 0. */
  readonly item?: Json
  readonly index?: number
}

/** An incoming edge of the node that was taken, in the order the document names them. */
export interface TakenInput {
  readonly key: string
  readonly output: Json
}

export interface NodeContext {
  readonly scope: Scope
  /** The predecessors whose edges were taken. */
  readonly taken: readonly TakenInput[]
  /** Of a merge that closes a split: what its items gave, in their order. */
  readonly items?: readonly Json[] | undefined
  /** 1 for the first attempt. */
  readonly attempt: number
  /** Stable across attempts, take-overs and resumes of this node in this execution. */
  readonly idempotencyKey: string
  /** Aborts on timeout, cancellation, shutdown and a lost claim; executors must end within 100 ms of it. */
  readonly signal: AbortSignal
  readonly log: Logger
  readonly http: HttpClient
  /** When it began, by the clock of the database. */
  readonly now: Date
  /** W3C trace context of this attempt; what it asks of others carries it. */
  readonly traceparent: string
  /** Milliseconds this attempt may take; the signal enforces it. */
  readonly timeout: number
  /** Evaluates a JSONata expression over the scope (and `extra` names); throws ExpressionError, and when the signal aborts. */
  evaluate(expression: string, extra?: JsonObject): Promise<Json | undefined>
  /**
   * The value of the secret a config names; throws SecretError. It may only leave through `http`, and to one origin:
   * whatever of it comes back is replaced in the outcome and in what is logged.
   */
  secret(name: string): Promise<string>
}

export interface Callback {
  /** What is posted must fit it; in the keywords of base/json-schema.ts. */
  readonly schema?: JsonObject
  /** The branches it takes once it was called back, of a type that names branches. */
  readonly branches?: readonly string[]
}

export interface NodeType<Config = unknown> {
  /** What documents write as `type`. */
  readonly type: string
  /** One sentence for docs and forms. */
  readonly summary: string
  /** TypeBox schema of `config` after templates are rendered; every field has a description. */
  readonly configSchema: TSchema
  /** Top-level fields of config that hold JSONata expressions: compiled when the document is checked, never rendered as templates. */
  readonly expressions: readonly string[]
  /**
   * Top-level fields of config whose templates may insert a secret, `{{ secrets.name }}`: only such that leave through
   * `http` and nowhere else.
   */
  readonly secrets?: readonly string[]
  /** What these expressions can name beside the scope. */
  readonly names?: readonly string[]
  /** The outcome names branches, so that edges out of the node may ask for one. */
  readonly branches?: true
  /**
   * An attempt reads nothing but config and scope and changes nothing: nobody can tell how often it ran. Its start may be
   * recorded together with its end.
   */
  readonly pure?: true
  /**
   * How a node with this config is called back, if it is. It is then given a URL of its own before its templates are
   * rendered, and they see it as `callback.url`. What is posted there is its output, whatever becomes of the attempt. To be
   * asked of the config as the document has it.
   */
  callback?(config: JsonObject): Callback | undefined
  /** What the schema cannot say; paths are relative to config, e.g. `url`. */
  check?(config: JsonObject): Problem[]
  /** One attempt. `config` has its templates rendered and satisfies the schema. */
  execute(config: Config, context: NodeContext): Promise<Outcome>
}

/** Keeps the config type of a definition while the registry holds `NodeType`s of any config. */
export function defineNodeType<Config>(definition: NodeType<Config>): NodeType {
  return definition as NodeType
}

/** The outcome of an attempt that went wrong; not worth another one unless said so. The message may quote any data. */
export function failed(code: string, message: string, more: Partial<NodeError> = {}): Failed {
  return { kind: 'failed', error: { retryable: false, ...more, code, message: excerpt(message, LONGEST_MESSAGE) } }
}

const LONGEST_MESSAGE = 1000
