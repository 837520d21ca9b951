// How much an execution carries: every node sees the outputs of those before it, and the last output may hold them all.
import type { Json } from '../base/json.ts'
import { jsonBytes } from '../base/json-limits.ts'
import { type Failed, failed } from '../node/node-type.ts'
import type { ExecutionState, NodeState } from './state.ts'

/** Bytes as JSON of all outputs of an execution. */
const MAX_VOLUME = 32 * 1024 * 1024
/** So small that as many as a workflow may have nodes are not too much: not worth counting. */
const SMALL = 128 * 1024

/** States of nodes never change: each is measured once. */
const measured = new WeakMap<NodeState, number>()

/** What a node with this output comes to instead, if it would be too much. */
export function tooMuch({ nodes }: ExecutionState, output: Json): Failed | undefined {
  if (jsonBytes(output, SMALL) <= SMALL) return undefined
  const own = jsonBytes(output, 0)
  const bytes = nodes.reduce((sum, node) => sum + bytesOf(node), own)
  if (bytes <= MAX_VOLUME) return undefined
  const message = `with this output of ${own} bytes as JSON those of the execution have ${bytes}, more than the limit of ${MAX_VOLUME}`
  return failed('OUTPUT_TOO_LARGE', message)
}

function bytesOf(node: NodeState): number {
  if (node.output === undefined) return 0
  const known = measured.get(node)
  if (known !== undefined) return known
  const bytes = jsonBytes(node.output, 0)
  measured.set(node, bytes)
  return bytes
}
