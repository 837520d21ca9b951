// One attempt of one node: renders its config, runs the executor under its timeout, has checked what comes back, takes the
// secrets out of it, and asks which conditional edges hold. The only place where something thrown becomes an outcome.
// Writes nothing.

import { messageOf } from '../base/errors.ts'
import { HttpClientError } from '../base/http-client.ts'
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts'
import { checkSchema } from '../base/schema.ts'
import { SecretError } from '../base/secrets.ts'
import type { EdgeVerdicts } from '../event/event.ts'
import { type Evaluator, ExpressionError, mayPass } from '../expression/expression.ts'
import { strictly, whatIsMissing } from '../expression/missing.ts'
import { hasTemplates, renderTemplates } from '../expression/template.ts'
import {
  type Callback,
  type Completed,
  type Failed,
  failed,
  type NodeError,
  type NodeType,
  type Outcome,
  type Scope,
} from '../node/node-type.ts'
import type { PlanEdge, PlanNode } from '../workflow/waves.ts'
import { AttemptContext, type AttemptDeps, type AttemptRequest } from './context.ts'
import { failureOutput } from './evolve-node.ts'
import { checked, isOutcome } from './outcome.ts'
import { allowance, timedOut } from './retries.ts'
import { Secrecy } from './secrecy.ts'
import { nodeOf } from './state.ts'

export interface AttemptResult {
  readonly outcome: Outcome
  readonly edges: EdgeVerdicts | undefined
  /** The outcome is what the node was called back with. */
  readonly calledBack: boolean
}

const NO_OUTCOME = 'the node type gave no outcome: completed, failed with a code and a message, or parked until a time'
/** An executor that does not end within so long of its signal is not waited for any more. Milliseconds. */
const GRACE_MS = 250
/** The reason of a signal that aborts because the attempt has taken too long. */
const TIME_IS_UP = new DOMException('the attempt took too long', 'TimeoutError')

export async function attempt(world: AttemptDeps, request: AttemptRequest): Promise<AttemptResult> {
  const { node, plan } = request
  const isStrict = plan.workflow.settings.strict === true
  const deps = isStrict ? { ...world, evaluator: strictly(world.evaluator) } : world
  const calledBack = request.state.nodes[node.index]?.calledBack !== undefined
  const secrecy = new Secrecy(deps, request)
  const found = checked(await comeTo(deps, request, secrecy))
  const hidden = secrecy.hide(found)
  // The name of a secret may be longer than its value: what was small enough may not be so any more.
  const outcome = hidden === found ? found : checked(hidden)
  if (!node.outgoing.some(isJudged)) return { outcome, edges: undefined, calledBack }
  try {
    return { outcome, edges: await judgeEdges(deps.evaluator, request, endOf(outcome, request)), calledBack }
  } catch (error) {
    const end = failed('EDGE_CONDITION_FAILED', messageOf(error))
    return { outcome: outcome.kind === 'parked' ? { ...outcome, end } : end, edges: undefined, calledBack }
  }
}

/** What it was called back with, or its items gave; else what its executor gives. */
function comeTo(deps: AttemptDeps, request: AttemptRequest, secrecy: Secrecy): Outcome | Promise<Outcome> {
  const { executionId, node, state, abort } = request
  const { calledBack, split, generation = 0 } = state.nodes[node.index] ?? {}
  if (calledBack !== undefined) return outcomeOf(deps, request, calledBack.output)
  if (split === undefined) return execute(deps, request, secrecy)
  // A retry goes on with the items there were.
  if (split.items !== 'ended') return { ...split, kind: 'split', items: [] }
  return deps.items.gather({ executionId, nodeId: node.id, generation }, split, abort.signal)
}

const NOTHING: Completed = { kind: 'completed', output: null }

/** What a node that waits comes to when its time is up is known beforehand, and so is which edges hold then. */
function endOf(outcome: Outcome, { node, state }: AttemptRequest): Completed | Failed {
  if (outcome.kind === 'completed' || outcome.kind === 'failed') return outcome
  if (outcome.kind === 'split') return NOTHING
  return outcome.end ?? { kind: 'completed', output: state.nodes[node.index]?.input ?? null }
}

/** What a node that was called back comes to, without an attempt. */
function outcomeOf({ nodeTypes }: AttemptDeps, { node }: AttemptRequest, output: Json): Completed {
  const { branches } = nodeTypes.get(node.type)?.callback?.(node.config) ?? {}
  return { kind: 'completed', output, ...(branches && { branches }) }
}

const ABORTED = failed('NODE_ABORTED', 'the attempt was aborted', { retryable: true })

/** Nothing is done any more for one that was aborted before it began. */
async function execute(deps: AttemptDeps, request: AttemptRequest, secrecy: Secrecy): Promise<Outcome> {
  const { node, state, abort } = request
  if (abort.signal.aborted) return ABORTED
  const type = deps.nodeTypes.get(node.type)
  if (type === undefined) return failed('NODE_TYPE_UNKNOWN', unknownType(node.type))
  const timeout = allowance(node.policy, nodeOf(state, node.index), deps.databaseClock.now())
  if (timeout === 0) return timedOut(node.policy, timeout)
  let isTimeUp = false
  let leave = (_: unknown): void => {} // what waits for the executor, once something does
  let timer = setTimeout(() => {
    isTimeUp = true
    abort.abort(TIME_IS_UP)
    timer = setTimeout(() => leave(TIME_IS_UP), GRACE_MS)
  }, timeout)
  try {
    const callback = type.callback?.(node.config)
    const scope = callback === undefined ? request.scope : await openCallback(deps, request, { callback, secrecy })
    const templates = templatesIn(node, type)
    const config = templates === null ? node.config : await render(deps, { templates, type, node, scope, secrecy })
    const problems = templates === null ? [] : checkSchema(type.configSchema, config, 'config')
    if (problems.length > 0)
      return failed('NODE_CONFIG_INVALID', problems.map(problem => `${problem.path}: ${problem.message}`).join('; '))
    if (isTimeUp) return timedOut(node.policy, timeout)
    const context = new AttemptContext(deps, request, { scope, timeout, secrecy })
    const outcome = await new Promise<unknown>((resolve, reject) => {
      leave = reject
      Promise.resolve(type.execute(config, context)).then(resolve, reject)
    })
    if (!isOutcome(outcome)) return failed('NODE_CRASHED', NO_OUTCOME)
    if (outcome.kind === 'split' && !request.plan.regions.has(node.id))
      return failed('NODE_CRASHED', 'the node is to be split, which only those of the type split can be')
    return outcome.kind === 'failed' && isTimeUp ? timedOut(node.policy, timeout) : outcome
  } catch (error) {
    if (isTimeUp) return timedOut(node.policy, timeout)
    if (abort.signal.aborted) return ABORTED
    if (error instanceof ExpressionError) return failed(error.code, error.message, evaluationFailed(error))
    if (error instanceof HttpClientError) return failed(error.code, error.message, { retryable: error.retryable })
    if (error instanceof SecretError)
      return failed(error.code, error.message, { retryable: error.code === 'SECRET_UNAVAILABLE' })
    secrecy.log.error({ evt: 'node.crashed', err: error }, 'an executor threw')
    return failed('NODE_CRASHED', messageOf(error))
  } finally {
    clearTimeout(timer)
  }
}

/** `details`: the field of the config, and the place in its expression. */
function evaluationFailed(error: ExpressionError): Pick<NodeError, 'retryable' | 'details'> {
  const { path, position } = error
  const details = { ...(path && { field: path }), ...(position !== undefined && { character: position + 1 }) }
  return { retryable: mayPass(error), ...(Object.keys(details).length > 0 && { details }) }
}

function unknownType(type: string): string {
  const cure = type.includes('/') ? '; start every worker with the plug-in that has it (--plugin)' : ''
  return `this daemon does not know the node type "${type}"${cure}`
}

/** The scope with the URL where the node is called back. What is random about it is nobody's but the receiver's. */
async function openCallback(
  { callbacks }: AttemptDeps,
  { node, state, scope, executionId, abort }: AttemptRequest,
  { callback, secrecy }: { callback: Callback; secrecy: Secrecy },
): Promise<Scope> {
  const { generation = 0 } = state.nodes[node.index] ?? {}
  const { url, token } = await callbacks.open({ executionId, nodeId: node.id, generation, ...callback }, abort.signal)
  secrecy.keep('callback', token)
  return { ...scope, callback: { url } }
}

/** Nodes of a plan never change: each is looked through once. */
const known = new WeakMap<PlanNode, JsonObject | null>()

/** The fields of a node's config in which templates may stand, if there are any; expression fields stay as they are. */
function templatesIn(node: PlanNode, type: NodeType): JsonObject | null {
  let templates = known.get(node)
  if (templates === undefined) {
    const fields = Object.entries(node.config).filter(([field]) => !type.expressions.includes(field))
    const all = Object.fromEntries(fields)
    templates = hasTemplates(all) ? all : null
    known.set(node, templates)
  }
  return templates
}

/** The config with its templates replaced. */
async function render(
  { evaluator }: AttemptDeps,
  {
    templates,
    type,
    node,
    scope,
    secrecy,
  }: { templates: JsonObject; type: NodeType; node: PlanNode; scope: Scope; secrecy: Secrecy },
): Promise<JsonObject> {
  const sources = type.secrets ? { ...evaluator, secret: (name: string) => secrecy.secret(name) } : evaluator
  const rendered = await renderTemplates(templates, scope, sources)
  return isJsonObject(rendered) ? { ...node.config, ...rendered } : node.config
}

function isJudged({ condition }: PlanEdge): boolean {
  return condition !== null && 'when' in condition
}

/** Which `when` edges out of the node hold; undefined when they do not matter. */
async function judgeEdges(
  evaluator: Evaluator,
  { node, scope }: AttemptRequest,
  outcome: Completed | Failed,
): Promise<EdgeVerdicts | undefined> {
  if (outcome.kind === 'failed' && node.policy.on_error !== 'continue') return undefined
  const output = outcome.kind === 'completed' ? outcome.output : failureOutput(outcome.error)
  const verdicts: Record<string, boolean> = {}
  for (const { condition, to: key } of node.outgoing) {
    if (condition === null || !('when' in condition)) continue
    const sees = { ...scope, output }
    const value = await evaluator.evaluate(condition.when, sees).catch((error: unknown) => {
      throw new Error(`the condition on "${node.key}" → "${key}": ${messageOf(error)}`)
    })
    if (typeof value !== 'boolean') {
      const why = value === undefined ? whatIsMissing(condition.when, sees) : undefined
      const gave = `${JSON.stringify(value) ?? 'nothing'}${why === undefined ? '' : ` (${why})`}`
      throw new Error(`the condition on "${node.key}" → "${key}" gave ${gave}, not true or false`)
    }
    verdicts[key] = value
  }
  return verdicts
}
