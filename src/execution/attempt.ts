// One attempt of one node: renders its config, runs the executor under its timeout, checks what comes back, and asks
// which conditional edges hold. The only place where something thrown becomes an outcome. Writes nothing.

import { messageOf } from '../base/errors.ts'
import type { HttpClient } from '../base/http-client.ts'
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts'
import { checkStorable } from '../base/json-limits.ts'
import type { Logger } from '../base/log.ts'
import { checkSchema } from '../base/schema.ts'
import type { EdgeVerdicts } from '../event/event.ts'
import type { Evaluator } from '../expression/expression.ts'
import { ExpressionError } from '../expression/expression.ts'
import { hasTemplates, renderTemplates } from '../expression/template.ts'
import { failed, type NodeType, type Outcome, type Scope } from '../node/node-type.ts'
import type { Plan, PlanNode } from '../workflow/waves.ts'
import { failureOutput } from './evolve.ts'
import { takenEdges } from './inputs.ts'
import { nodeExecutionId } from './projection.ts'
import type { ExecutionState } from './state.ts'

export interface AttemptDeps {
  readonly nodeTypes: ReadonlyMap<string, NodeType>
  readonly evaluator: Evaluator
  readonly http: HttpClient
  readonly log: Logger
}

export interface AttemptRequest {
  readonly plan: Plan
  readonly node: PlanNode
  readonly executionId: string
  readonly state: ExecutionState
  readonly scope: Scope
  /** Aborts when the execution must stop at once. */
  readonly signal: AbortSignal
}

export interface AttemptResult {
  readonly outcome: Outcome
  readonly edges: EdgeVerdicts | undefined
}

const DEFAULT_TIMEOUT_MS = 30_000
/** Faults of a busy machine, not of the expression. */
const MAY_PASS: ReadonlySet<string> = new Set(['EXPRESSION_UNAVAILABLE', 'EXPRESSION_TIMEOUT'])

export async function attempt(deps: AttemptDeps, request: AttemptRequest): Promise<AttemptResult> {
  const outcome = checked(await execute(deps, request))
  try {
    return { outcome, edges: await judgeEdges(deps.evaluator, request, outcome) }
  } catch (error) {
    return { outcome: failed('EDGE_CONDITION_FAILED', messageOf(error)), edges: undefined }
  }
}

async function execute(
  deps: AttemptDeps,
  { plan, node, executionId, state, scope, signal }: AttemptRequest,
): Promise<Outcome> {
  const type = deps.nodeTypes.get(node.type)
  if (type === undefined) return failed('NODE_TYPE_UNKNOWN', `this daemon does not know the node type "${node.type}"`)
  const timeout = node.policy.timeout_ms ?? DEFAULT_TIMEOUT_MS
  const timer = new AbortController()
  const timeIsUp = setTimeout(() => timer.abort(), timeout)
  const evaluate = (expression: string, extra?: JsonObject): Promise<Json | undefined> =>
    deps.evaluator.evaluate(expression, { ...scope, ...extra })
  try {
    const config = await renderConfig(deps.evaluator, { type, node, scope })
    const problems = config === node.config ? [] : checkSchema(type.configSchema, config, 'config')
    if (problems.length > 0)
      return failed('NODE_CONFIG_INVALID', problems.map(problem => `${problem.path}: ${problem.message}`).join('; '))
    const outcome = await type.execute(config, {
      scope,
      taken: takenEdges(plan, state, node.index),
      attempt: state.nodes[node.index]?.attempt ?? 1,
      idempotencyKey: nodeExecutionId(executionId, node.id),
      signal: AbortSignal.any([signal, timer.signal]),
      log: deps.log.child({ executionId, node: node.key }),
      http: deps.http,
      timeout,
      evaluate,
    })
    return outcome.kind === 'failed' && timer.signal.aborted ? timedOut(timeout) : outcome
  } catch (error) {
    if (timer.signal.aborted) return timedOut(timeout)
    if (error instanceof ExpressionError)
      return failed(error.code, error.message, { retryable: MAY_PASS.has(error.code) })
    deps.log.error({ evt: 'node.crashed', err: error, executionId, node: node.key }, 'an executor threw')
    return failed('NODE_CRASHED', messageOf(error))
  } finally {
    clearTimeout(timeIsUp)
  }
}

/** The config with its templates replaced; expression fields stay as they are. Identical when there is nothing to do. */
async function renderConfig(
  evaluator: Evaluator,
  { type, node, scope }: { type: NodeType; node: PlanNode; scope: Scope },
): Promise<JsonObject> {
  const templates: Record<string, Json> = {}
  for (const [field, value] of Object.entries(node.config))
    if (!type.expressions.includes(field)) templates[field] = value
  if (!hasTemplates(templates)) return node.config
  const rendered = await renderTemplates(templates, scope, evaluator)
  return isJsonObject(rendered) ? { ...node.config, ...rendered } : node.config
}

/** Which `when` edges out of the node hold; undefined when it has none that matter. */
async function judgeEdges(
  evaluator: Evaluator,
  { plan, node, scope }: AttemptRequest,
  outcome: Outcome,
): Promise<EdgeVerdicts | undefined> {
  if (outcome.kind === 'failed' && node.policy.on_error !== 'continue') return undefined
  const output = outcome.kind === 'completed' ? outcome.output : failureOutput(outcome.error)
  const verdicts: Record<string, boolean> = {}
  for (const { condition, target } of node.outgoing) {
    if (condition === null || !('when' in condition)) continue
    const key = plan.nodes[target]?.key ?? ''
    const value = await evaluator.evaluate(condition.when, { ...scope, output })
    if (typeof value !== 'boolean') {
      throw new ExpressionError(
        'EXPRESSION_FAILED',
        `the condition on "${node.key}" → "${key}" gave ${JSON.stringify(value) ?? 'nothing'}, not true or false`,
      )
    }
    verdicts[key] = value
  }
  return Object.keys(verdicts).length === 0 ? undefined : verdicts
}

/** An outcome that PostgreSQL cannot store is found here, at the border: an output fails its node, a failure says less. */
function checked(outcome: Outcome): Outcome {
  if (outcome.kind === 'failed') {
    const { details, ...error } = outcome.error
    const problem = checkStorable(details ?? null)
    if (problem === null) return failed(error.code, error.message, outcome.error)
    return failed(error.code, `${error.message} (its details cannot be stored: ${problem})`, error)
  }
  const problem = checkStorable(outcome.output) ?? checkStorable(outcome.branches ?? null)
  return problem === null ? outcome : failed('OUTPUT_NOT_STORABLE', `the output cannot be stored: ${problem}`)
}

function timedOut(timeout: number): Outcome {
  return { kind: 'failed', error: { code: 'NODE_TIMEOUT', message: `took longer than ${timeout} ms`, retryable: true } }
}
