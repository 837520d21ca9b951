// How events change the state. Pure: fold(plan, initial, events) gives the same state in every process and for ever.
import type { Json, JsonObject } from '../base/json.ts'
import type { EventBody, RecordedError } from '../event/event.ts'
import type { Plan } from '../workflow/waves.ts'
import { nodeInput } from './inputs.ts'
import type { ExecutionState, NodeState } from './state.ts'

export function fold(
  plan: Plan,
  state: ExecutionState,
  events: Iterable<{ body: EventBody; createdAt: Date }>,
): ExecutionState {
  for (const { body, createdAt } of events) state = evolve(plan, state, { body, at: createdAt })
  return state
}

export function evolve(plan: Plan, state: ExecutionState, { body, at }: { body: EventBody; at: Date }): ExecutionState {
  switch (body.type) {
    case 'workflow_started':
      return { ...state, status: 'running', startedAt: at }
    case 'workflow_completed':
      return { ...state, status: 'completed', output: body.payload.output, completedAt: at }
    case 'workflow_failed':
      return {
        ...state,
        status: 'failed',
        error: body.payload.error,
        failedNode: body.payload.node,
        completedAt: at,
        ...UNPARKED,
      }
    case 'wave_started':
      return { ...state, wave: body.payload.wave }
    case 'wave_completed':
      return state
    case 'execution_parked':
      return { ...state, parkedReason: body.payload.reason, wakeAt: new Date(body.payload.wake_at) }
    case 'execution_woken':
    case 'execution_handed_over':
    case 'execution_rescued':
      return { ...state, turn: state.turn + 1, claim: 0, ...UNPARKED }
    case 'execution_taken_over':
      return { ...state, claim: body.payload.claim }
    default:
      return withNode(plan, state, { body, at })
  }
}

const UNPARKED = { wakeAt: undefined, parkedReason: undefined }

type NodeEventBody = Extract<EventBody, { payload: { node: string } & object }> & { type: `node_${string}` }

function withNode(plan: Plan, state: ExecutionState, { body, at }: { body: NodeEventBody; at: Date }): ExecutionState {
  const index = plan.index.get(body.payload.node)
  const before = index === undefined ? undefined : state.nodes[index]
  if (index === undefined || before === undefined)
    throw new Error(`event ${body.type} names "${body.payload.node}", which is not a node of the workflow version`)
  const nodes = state.nodes.slice()
  nodes[index] = evolveNode(before, body, { at, input: () => nodeInput(plan, state, index) })
  return { ...state, nodes }
}

function evolveNode(node: NodeState, body: NodeEventBody, { at, input }: { at: Date; input: () => Json }): NodeState {
  switch (body.type) {
    case 'node_started':
      return {
        ...node,
        status: 'running',
        attempt: body.payload.attempt,
        input: node.input === undefined ? input() : node.input,
        startedAt: node.startedAt ?? at,
        retryAt: undefined,
        error: undefined,
      }
    case 'node_completed':
      return {
        ...node,
        status: 'completed',
        output: body.payload.output,
        branches: body.payload.branches,
        edges: body.payload.edges,
        completedAt: at,
      }
    case 'node_failed': {
      const { error, handled, edges } = body.payload
      return {
        ...node,
        status: 'failed',
        error,
        handled,
        edges,
        output: handled ? failureOutput(error) : undefined,
        retryAt: undefined,
        completedAt: at,
      }
    }
    case 'node_skipped':
      return { ...node, status: 'skipped', skipReason: body.payload.reason, completedAt: at }
    case 'node_retrying': {
      const { error, retry_at, lost } = body.payload
      return { ...node, status: 'retrying', error, retryAt: new Date(retry_at), lost: node.lost + (lost ? 1 : 0) }
    }
  }
}

/** What the nodes behind a handled failure see as its output. */
export function failureOutput(error: RecordedError): JsonObject {
  return { error: { code: error.code, message: error.message, ...(error.details ? { details: error.details } : {}) } }
}
