// One attempt of a node type as the engine makes it: in a plan, under a timeout, with the secrets taken out of what it
// gives. Its data cannot be changed, its expressions are real, and there is no network unless one is given.
import { untilAborted } from '../../src/base/abort.ts'
import type { Json, JsonObject } from '../../src/base/json.ts'
import { type Logger, silentLogger } from '../../src/base/log.ts'
import { attempt } from '../../src/execution/attempt.ts'
import { initialState, type NodeState } from '../../src/execution/state.ts'
import type { Evaluator } from '../../src/expression/expression.ts'
import type { NodeContext, NodeType, Outcome } from '../../src/node/node-type.ts'
import { compilePlan } from '../../src/workflow/waves.ts'
import { evaluate, nodeContext } from './node-context.ts'
import { workflowOf } from './plans.ts'

export interface Given
  extends Partial<Pick<NodeContext, 'http' | 'taken' | 'evaluate' | 'attempt' | 'signal' | 'now'>> {
  readonly input?: Json
  readonly timeout_ms?: number
  /** Of all attempts, and how long ago the first began. */
  readonly total?: { readonly ms: number; readonly begun: number }
  /** As the setting of the workflow. */
  readonly strict?: boolean
  /** The condition of an edge out of the node. */
  readonly when?: string
  /** The value of every secret; without it there are none. */
  readonly secret?: string | undefined
  readonly log?: Logger
}

/** What is random about the URL where the node is called back. */
export const TOKEN = 'the-token-of-a-callback-of-a-tes'
const EXECUTION = '01890a5d-ac96-774b-bcce-b302099a8057'

export async function attemptOf(type: NodeType, config: JsonObject, given: Given = {}): Promise<Outcome> {
  const {
    taken = [],
    secret,
    log = silentLogger,
    input = null,
    timeout_ms,
    total,
    strict = false,
    when,
    ...context
  } = given
  const { scope, http, signal, attempt: number, now } = nodeContext({ input, ...context })
  const edges = taken.map(({ key }) => `${key} -> it`)
  const outgoing = when === undefined ? [] : [`it -> next when ${when}`]
  const region = type.type === 'split' ? ['it -> body', 'body -> end'] : []
  const policy = { ...(timeout_ms !== undefined && { timeout_ms }), ...(total && { total_timeout_ms: total.ms }) }
  const workflow = workflowOf(['it', ...edges, ...outgoing, ...region], { it: policy })
  const nodes = workflow.nodes.map(node =>
    node.key === 'it'
      ? { ...node, type: type.type, config: deepFreeze(config) }
      : { ...node, type: node.key === 'end' ? 'merge' : node.type },
  )
  const plan = compilePlan({ ...workflow, settings: { strict }, nodes })
  const states = initialState(plan, input).nodes.map((state, i): NodeState => {
    const { output } = taken.find(({ key }) => key === plan.nodes[i]?.key) ?? {}
    return output === undefined
      ? { ...state, attempt: number, startedAt: total && new Date(now.getTime() - total.begun) }
      : { ...state, status: 'completed', output: deepFreeze(output) }
  })
  const node = plan.nodes.find(({ key }) => key === 'it')
  if (node === undefined) throw new Error('the plan lost its node')
  const deps = {
    nodeTypes: new Map([[type.type, type]]),
    evaluator: endsWithSignal(given.evaluate ?? evaluate),
    http,
    secrets: { find: async () => secret },
    items: { around: async () => undefined, gather: () => Promise.reject(new Error('there are no items')) },
    callbacks: { open: async () => ({ url: `https://mbflow.test/callbacks/${TOKEN}`, token: TOKEN }) },
    databaseClock: { now: () => now.getTime() },
    log,
  }
  const state = { ...initialState(plan, input), nodes: states }
  const abort = new AbortController()
  const abortIt = (): void => abort.abort(signal.reason)
  if (signal.aborted) abortIt()
  signal.addEventListener('abort', abortIt)
  return (await attempt(deps, { plan, node, executionId: EXECUTION, state, scope: deepFreeze(scope), abort })).outcome
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(deepFreeze)
  return value
}

/** As every evaluator does, however it evaluates. */
function endsWithSignal(evaluate: NodeContext['evaluate']): Evaluator {
  return {
    evaluate: (expression, scope, abort) => {
      const work = evaluate(expression, scope)
      return abort === undefined ? work : untilAborted(abort.signal, work)
    },
  }
}
