// What an attempt is given. A class, unlike what is around it: most attempts take microseconds and ask for little, and
// what a prototype's accessor makes when it is asked costs the others nothing.

import type { DatabaseClock } from '../base/clock.ts'
import type { HttpClient } from '../base/http-client.ts'
import type { Json, JsonObject } from '../base/json.ts'
import type { Logger } from '../base/log.ts'
import { traceparent } from '../base/trace.ts'
import { type Evaluator, ExpressionError } from '../expression/expression.ts'
import type { NodeContext, NodeType, Scope, TakenInput } from '../node/node-type.ts'
import type { Plan, PlanNode } from '../workflow/waves.ts'
import type { Callbacks } from './callbacks.ts'
import { takenEdges } from './inputs.ts'
import type { Items } from './items.ts'
import { idempotencyKey } from './projection.ts'
import type { Secrecy, World } from './secrecy.ts'
import type { ExecutionState } from './state.ts'

export interface AttemptDeps extends World {
  readonly nodeTypes: ReadonlyMap<string, NodeType>
  readonly callbacks: Callbacks
  readonly items: Items
  readonly databaseClock: Pick<DatabaseClock, 'now'>
  readonly evaluator: Evaluator
}

export interface AttemptRequest {
  readonly plan: Plan
  readonly node: PlanNode
  readonly executionId: string
  readonly state: ExecutionState
  readonly scope: Scope
  /** Aborts the attempt: on the caller's part when the execution must stop at once, here when its time is up. */
  readonly abort: AbortController
}

export class AttemptContext implements NodeContext {
  readonly scope: Scope
  readonly attempt: number
  readonly now: Date
  readonly timeout: number
  readonly #deps: AttemptDeps
  readonly #request: AttemptRequest
  readonly #secrecy: Secrecy

  constructor(deps: AttemptDeps, request: AttemptRequest, more: { scope: Scope; timeout: number; secrecy: Secrecy }) {
    this.scope = more.scope
    this.attempt = request.state.nodes[request.node.index]?.attempt ?? 1
    this.now = new Date(deps.databaseClock.now())
    this.timeout = more.timeout
    this.#deps = deps
    this.#request = request
    this.#secrecy = more.secrecy
  }

  get taken(): readonly TakenInput[] {
    const { plan, state, node } = this.#request
    return takenEdges(plan, state, node.index)
  }

  get items(): readonly Json[] | undefined {
    const { state, node } = this.#request
    const { status, output } = state.nodes[node.closes ?? -1] ?? {}
    return status === 'completed' && Array.isArray(output) ? output : undefined
  }

  get idempotencyKey(): string {
    const { executionId, state, node } = this.#request
    return idempotencyKey(executionId, node, state.nodes[node.index]?.generation ?? 0)
  }

  get signal(): AbortSignal {
    return this.#request.abort.signal
  }

  get log(): Logger {
    return this.#secrecy.log
  }

  get http(): HttpClient {
    return this.#secrecy.http
  }

  get traceparent(): string {
    return traceparent(this.#request.executionId, this.idempotencyKey, this.attempt)
  }

  // Bound, since executors take them out of the context.
  readonly evaluate = (expression: string, extra?: JsonObject): Promise<Json | undefined> =>
    this.#deps.evaluator
      .evaluate(expression, extra === undefined ? this.scope : { ...this.scope, ...extra }, this.#request.abort)
      .catch((error: unknown) => {
        throw error instanceof ExpressionError ? inField(error, expression, this.#request.node) : error
      })

  readonly secret = (name: string): Promise<string> => this.#secrecy.secret(name)
}

/** The error with the field of the config that holds the expression, as errors of templates have it. */
function inField(error: ExpressionError, expression: string, { config }: PlanNode): ExpressionError {
  const field = Object.keys(config).find(key => config[key] === expression)
  if (field === undefined || error.path !== undefined) return error
  const named = new ExpressionError(error.code, `${field}: ${error.message}`, error.position)
  named.path = field
  return named
}
