// How events change the state. Pure: fold(plan, initial, events) gives the same state in every process and for ever.
import type { Json } from '../base/json.ts'
import type { Asked, EventBody, ParkReason, RecordedError } from '../event/event.ts'
import type { Plan } from '../workflow/waves.ts'
import { evolveNode, type NodeEventBody } from './evolve-node.ts'
import { nodeInput } from './inputs.ts'
import { type ExecutionState, type NodeState, UNTOUCHED } from './state.ts'

export function fold(
  plan: Plan,
  state: ExecutionState,
  events: Iterable<{ body: EventBody; createdAt: Date }>,
): ExecutionState {
  for (const { body, createdAt } of events) state = evolve(plan, state, { body, at: createdAt })
  return state
}

export function evolve(plan: Plan, state: ExecutionState, event: { body: EventBody; at: Date }): ExecutionState {
  return { ...state, ...change(plan, state, event), sequence: state.sequence + 1 }
}

/** What an event changes about an execution. */
type Change = Partial<ExecutionState>

function change(plan: Plan, state: ExecutionState, { body, at }: { body: EventBody; at: Date }): Change {
  switch (body.type) {
    case 'workflow_started':
      return { status: 'running', startedAt: at, timeoutFrom: at, input: inputAtStart(body.payload, state) }
    case 'workflow_completed':
      return { ...over(at), status: 'completed', output: body.payload.output }
    case 'workflow_failed': {
      const { error, node: failedNode } = body.payload
      return { ...over(at), status: 'failed', error, failedNode }
    }
    case 'compensation_started': {
      const { nodes, cause } = body.payload
      return { compensation: { order: nodes.map(key => nodeNamed(plan, state, key).index), cause } }
    }
    case 'workflow_cancel_requested':
      return { request: { ...body.payload, kind: 'cancel' } }
    case 'workflow_cancelled':
      return { ...over(at), status: 'cancelled', error: cancellation(body.payload) }
    case 'workflow_pause_requested':
      return { request: { ...body.payload, kind: 'pause' } }
    case 'workflow_paused':
      return {
        status: 'paused',
        request: undefined,
        pausedAt: at,
        wakeAt: undefined,
        parkedReason: 'paused',
        pool: undefined,
        ...keptKeys(state),
      }
    case 'workflow_resumed':
      return state.status === 'paused' ? woken(state, at) : { request: undefined }
    case 'workflow_retried':
    case 'workflow_redriven':
      return reopened(plan, state, { at, anew: body.payload.anew, retried: body.payload.nodes })
    case 'workflow_rerun':
      return reopened(plan, state, { at, ...body.payload, rerun: body.payload.nodes })
    case 'wave_started':
      return { wave: body.payload.wave }
    case 'wave_completed':
      return {}
    case 'execution_parked':
      return parked(body.payload)
    case 'execution_limited':
      return { parkedReason: 'limit', limitKey: body.payload.key, pausedAt: at }
    case 'execution_throttled':
      return { parkedReason: 'rate', rateKey: body.payload.key, pausedAt: at }
    case 'execution_admitted':
      return { ...(state.parkedReason === 'limit' && woken(state, at)), limitKey: body.payload.key }
    case 'execution_passed':
      return { ...(state.parkedReason === 'rate' && woken(state, at)), rateKey: body.payload.key }
    case 'execution_pooled':
      return { ...parked({ reason: 'pool', ...body.payload }), turn: state.turn + 1, claim: 0 }
    case 'execution_woken':
      return woken(state, at)
    case 'execution_handed_over':
      return { turn: state.turn + 1, claim: 0, ...UNPARKED }
    case 'execution_rescued':
      // What ran on workers of a pool runs there again.
      return {
        turn: state.turn + 1,
        claim: 0,
        ...UNPARKED,
        pool: state.parkedReason ? undefined : state.pool,
      }
    case 'execution_taken_over':
      return { claim: body.payload.claim }
    case 'node_started':
      return { nodes: nodesAfter(plan, state, { body, at }), ...taken(state) }
    default:
      return { nodes: nodesAfter(plan, state, { body, at }) }
  }
}

/** What its mapping gave, which may be null; else the input of its row. */
function inputAtStart({ input }: { input?: Json }, state: ExecutionState): Json {
  return input === undefined ? state.input : input
}

/** Whoever waits at a gate and is asked for something else leaves the line; what it got through before counts. */
function keptKeys({ parkedReason, limitKey, rateKey }: ExecutionState): Change {
  return {
    limitKey: parkedReason === 'limit' ? undefined : limitKey,
    rateKey: parkedReason === 'rate' ? undefined : rateKey,
  }
}

function parked({ reason, wake_at, pool }: { reason: ParkReason; wake_at?: string; pool?: string }): Change {
  return { parkedReason: reason, wakeAt: wake_at === undefined ? undefined : new Date(wake_at), pool }
}

/** What waited for a worker of a pool has found one as soon as something of it starts. */
function taken({ parkedReason }: ExecutionState): Change {
  return parkedReason === 'pool' ? { parkedReason: undefined, wakeAt: undefined } : {}
}

const UNPARKED = { wakeAt: undefined, parkedReason: undefined, pausedAt: undefined, pool: undefined }

function over(at: Date): Change {
  return { completedAt: at, request: undefined, ...UNPARKED }
}

/** The next turn of an execution that was parked; while it was paused, or waited at a gate, its timeout stood still. */
function woken(state: ExecutionState, at: Date): Change {
  const { startedAt, pausedAt, timeoutFrom } = state
  const paused = pausedAt === undefined ? 0 : Math.max(0, at.getTime() - pausedAt.getTime())
  return {
    status: startedAt === undefined ? 'pending' : 'running',
    timeoutFrom: timeoutFrom && new Date(timeoutFrom.getTime() + paused),
    turn: state.turn + 1,
    claim: 0,
    ...keptKeys(state),
    ...UNPARKED,
  }
}

interface Reopening {
  readonly at: Date
  readonly retried: readonly string[]
  readonly rerun?: readonly string[] | undefined
  /** As `rerun`, but what they got before is of no use any more. */
  readonly anew?: readonly string[] | undefined
  readonly node?: string
  readonly input?: Json
}

/** The next turn of an execution that was over. */
function reopened(
  plan: Plan,
  state: ExecutionState,
  { at, retried, rerun = [], anew = [], node: from, input }: Reopening,
): Change {
  const nodes = state.nodes.slice()
  let { wave } = state
  const put = (keys: readonly string[], change: (node: NodeState, key: string) => NodeState): void => {
    for (const key of keys) {
      const { index, before } = nodeNamed(plan, state, key)
      nodes[index] = change(before, key)
      wave = Math.min(wave, plan.nodes[index]?.wave ?? wave)
    }
  }
  put(retried, node => ({
    ...UNTOUCHED,
    input: node.input,
    attempt: node.attempt,
    lost: node.attempt,
    generation: node.generation,
    split: node.split && { ...node.split, items: 'left' },
  }))
  put(rerun, (node, key) => ({
    ...UNTOUCHED,
    input: key !== from ? undefined : input === undefined ? node.input : input,
    generation: node.generation + 1,
  }))
  put(anew, (node, key) => ({
    ...UNTOUCHED,
    input: key === from ? input : undefined,
    generation: node.generation + 1,
  }))
  return {
    ...woken(state, at),
    compensation: undefined,
    wave,
    output: undefined,
    error: undefined,
    failedNode: undefined,
    completedAt: undefined,
    timeoutFrom: state.startedAt && at,
    limitKey: undefined, // its place went to another
    rateKey: undefined, // it begins once more
    nodes,
  }
}

/** What a cancelled execution ended with. */
export function cancellation({ by, reason }: Asked): RecordedError {
  return { code: 'EXECUTION_CANCELLED', message: reason === undefined ? `by ${by}` : `by ${by}: ${reason}` }
}

function nodesAfter(plan: Plan, state: ExecutionState, { body, at }: { body: NodeEventBody; at: Date }): NodeState[] {
  const { index, before } = nodeNamed(plan, state, body.payload.node)
  const isFirstStart = body.type === 'node_started' && before.input === undefined
  const input = isFirstStart ? nodeInput(plan, state, index) : before.input
  return state.nodes.with(index, evolveNode(before, body, { at, sequence: state.sequence + 1, input }))
}

function nodeNamed(plan: Plan, state: ExecutionState, key: string): { index: number; before: NodeState } {
  const index = plan.index.get(key)
  const before = index === undefined ? undefined : state.nodes[index]
  if (index === undefined || before === undefined)
    throw new Error(`an event names "${key}", which is not a node of the workflow version`)
  return { index, before }
}
