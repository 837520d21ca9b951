// What flows along edges: which are taken, what a node receives, what the execution gives back. Pure.
import type { Json } from '../base/json.ts'
import type { Plan, PlanEdge, PlanNode } from '../workflow/waves.ts'
import type { ExecutionState, NodeState } from './state.ts'

export interface TakenEdge {
  readonly key: string
  readonly output: Json
}

function nodeAt<T>(list: readonly T[], index: number): T {
  const item = list[index]
  if (item === undefined) throw new Error(`plan has no node ${index}`)
  return item
}

/** Null when the edge is taken, else why not. Only meaningful once its source has ended. */
function whyNotTaken(plan: Plan, edge: PlanEdge, source: NodeState): string | null {
  const { key, policy } = nodeAt(plan.nodes, edge.source)
  if (source.status === 'skipped') return `"${key}" was skipped`
  if (source.status !== 'completed' && source.status !== 'failed') return `"${key}" has not ended`
  const failed = source.status === 'failed'
  const { condition } = edge
  if (condition !== null && 'on' in condition) {
    if (condition.on === 'any' || (condition.on === 'error') === failed) return null
    return failed ? `"${key}" failed` : `"${key}" did not fail`
  }
  if (failed && policy.on_error !== 'continue') return `"${key}" failed`
  if (condition === null) return null
  if ('branch' in condition) {
    const wanted = typeof condition.branch === 'string' ? [condition.branch] : condition.branch
    if (source.branches?.some(branch => wanted.includes(branch))) return null
    return `"${key}" took ${source.branches?.map(branch => `branch "${branch}"`).join(', ') ?? 'no branch'}, not "${wanted.join('" or "')}"`
  }
  return source.edges?.[edge.to] === true ? null : `the condition on "${key}" → "${edge.to}" was false`
}

/** The incoming edges that were taken, in document order. */
export function takenEdges(plan: Plan, state: ExecutionState, index: number): TakenEdge[] {
  return takenOf(plan, state, nodeAt(plan.nodes, index).incoming)
}

function takenOf(plan: Plan, state: ExecutionState, edges: readonly PlanEdge[]): TakenEdge[] {
  const taken: TakenEdge[] = []
  for (const edge of edges) {
    const source = nodeAt(state.nodes, edge.source)
    if (whyNotTaken(plan, edge, source) === null)
      taken.push({ key: nodeAt(plan.nodes, edge.source).key, output: source.output ?? null })
  }
  return taken
}

/** Null when the node is to run, else the reason to skip it. To be asked when all its predecessors have ended. */
export function skipReason(
  plan: Plan,
  state: ExecutionState,
  { incoming, policy: { join = 'any' } }: PlanNode,
): string | null {
  if (incoming.length === 0) return null
  const needed = join === 'any' ? 1 : join === 'all' ? incoming.length : join.n_of
  const reasons: string[] = []
  for (const [i, edge] of incoming.entries()) {
    const reason = whyNotTaken(plan, edge, nodeAt(state.nodes, edge.source))
    if (reason !== null) reasons.push(reason)
    else if (i + 1 - reasons.length >= needed) return null
  }
  return reasons.join('; ')
}

/** The output of what it undoes, the execution's input for a root, the output of the only taken predecessor, or `{key: output}` of several. */
export function nodeInput(plan: Plan, state: ExecutionState, index: number): Json {
  const { undoes, incoming } = nodeAt(plan.nodes, index)
  if (undoes !== undefined) return nodeAt(state.nodes, undoes).output ?? null
  if (incoming.length === 0) return state.input
  return together(takenEdges(plan, state, index))
}

function together(taken: readonly TakenEdge[]): Json {
  const [first] = taken
  if (first !== undefined && taken.length === 1) return first.output
  const outputs: Record<string, Json> = {}
  for (const { key, output } of taken) outputs[key] = output
  return outputs
}

/**
 * The output of the only leaf, if it ran; else `{key: output}` of every node at which a taken path ended, so that a path
 * cut short by its conditions keeps its result. What ran for an item gives what comes to the merge: null if nothing does.
 */
export function finalOutput(plan: Plan, state: ExecutionState): Json {
  if (plan.exits !== undefined) {
    const taken = takenOf(plan, state, plan.exits)
    return taken.length === 0 ? null : together(taken)
  }
  const ends = plan.nodes.filter(({ index, outgoing }) => {
    const source = nodeAt(state.nodes, index)
    return source.output !== undefined && outgoing.every(edge => whyNotTaken(plan, edge, source) !== null)
  })
  const leaves = plan.nodes.filter(node => node.outgoing.length === 0 && node.undoes === undefined)
  const [only] = ends
  if (only !== undefined && ends.length === 1 && leaves.length === 1 && only === leaves[0]) return outputOf(state, only)
  return Object.fromEntries(ends.map(end => [end.key, outputOf(state, end)]))
}

function outputOf(state: ExecutionState, { index }: PlanNode): Json {
  return nodeAt(state.nodes, index).output ?? null
}
