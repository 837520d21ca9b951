// How events change the state of a node. Pure.
import type { Json, JsonObject } from '../base/json.ts'
import type { EventBody, RecordedError, SkipCode } from '../event/event.ts'
import type { NodeState, SplitState, Waiting } from './state.ts'

type SplitPayload = Extract<EventBody, { type: 'node_split' }>['payload']

export type NodeEventBody = Extract<EventBody, { payload: { node: string } & object }> & { type: `node_${string}` }

export function evolveNode(
  node: NodeState,
  body: NodeEventBody,
  { at, sequence, input }: { at: Date; sequence: number; input: Json | undefined },
): NodeState {
  switch (body.type) {
    case 'node_started':
      return {
        ...node,
        status: 'running',
        attempt: body.payload.attempt,
        input,
        startedAt: node.startedAt ?? at,
        retryAt: undefined,
        error: undefined,
      }
    case 'node_parked': {
      const { until, callback = false, end, edges } = body.payload
      return { ...node, waiting: { until: new Date(until), callback, end, edges } }
    }
    case 'node_split':
      return { ...node, waiting: FOR_ITEMS, split: splitOf(node, body.payload, sequence) }
    case 'node_items_ended':
      return { ...node, waiting: undefined, split: node.split && { ...node.split, items: 'ended' } }
    case 'node_called_back':
      return {
        ...node,
        status: 'running',
        retryAt: undefined,
        error: undefined,
        waiting: undefined,
        calledBack: { output: body.payload.output },
      }
    case 'node_completed':
      return {
        ...node,
        status: 'completed',
        waiting: undefined,
        output: body.payload.output,
        branches: body.payload.branches,
        edges: body.payload.edges,
        completedAt: at,
        completedWith: sequence,
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
        waiting: undefined,
        completedAt: at,
      }
    }
    case 'node_skipped':
      return skipped(node, body.payload, at)
    case 'node_retrying': {
      const { error, retry_at, lost } = body.payload
      return { ...node, status: 'retrying', error, retryAt: new Date(retry_at), lost: node.lost + (lost ? 1 : 0) }
    }
  }
}

const FOR_ITEMS: Waiting = { until: undefined, callback: false, end: undefined, edges: undefined }

function splitOf(node: NodeState, { items, max_parallel, on_item_error }: SplitPayload, sequence: number): SplitState {
  const list = items === undefined && node.split !== undefined ? node.split : { sequence, total: items?.length ?? 0 }
  return { ...list, since: sequence, maxParallel: max_parallel, onItemError: on_item_error, items: 'running' }
}

function skipped(node: NodeState, { reason, code }: { reason: string; code?: SkipCode }, at: Date): NodeState {
  return {
    ...node,
    status: 'skipped',
    skipReason: code === undefined ? reason : `${code}: ${reason}`,
    unreached: code !== undefined,
    completedAt: at,
  }
}

/** What the nodes behind a handled failure see as its output. */
export function failureOutput(error: RecordedError): JsonObject {
  return { error: { code: error.code, message: error.message, ...(error.details ? { details: error.details } : {}) } }
}
