// Compiles a workflow into the plan the engine runs. A node's wave is the length of the longest path that leads to it,
// so that every edge goes to a later wave and a wave's nodes, which know nothing of each other, run at the same time.
import { MbflowError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import type { EdgeCondition, NodePolicy, Workflow } from './workflow.ts'

export interface Plan {
  readonly workflow: Workflow
  /** In the order of the document. */
  readonly nodes: readonly PlanNode[]
  /** Node key → index in `nodes`. */
  readonly index: ReadonlyMap<string, number>
  /** Indexes of the nodes of each wave, in the order of the document. */
  readonly waves: readonly (readonly number[])[]
}

export interface PlanNode {
  readonly index: number
  readonly id: string
  readonly key: string
  readonly type: string
  readonly config: JsonObject
  readonly policy: NodePolicy
  readonly wave: number
  /** In the order of the document. */
  readonly incoming: readonly PlanEdge[]
  readonly outgoing: readonly PlanEdge[]
  /** Index of the node that undoes it. */
  readonly compensation?: number
  /** Index of the node that it undoes; it is in no wave, and its own is the one after the last. */
  readonly undoes?: number
}

export interface PlanEdge {
  /** Index of the node it leaves. */
  readonly source: number
  /** Index of the node it enters. */
  readonly target: number
  readonly condition: EdgeCondition | null
}

/** An edge by the keys of its ends. */
export interface KeyedEdge {
  readonly source: string
  readonly target: string
}

/** Throws for a workflow with a cycle or a dangling edge: documents are checked before they become workflows. */
export function compilePlan(workflow: Workflow): Plan {
  const index = new Map(workflow.nodes.map(({ key }, i) => [key, i]))
  const edges = workflow.edges.map(({ source, target, condition }): PlanEdge => {
    const [from, to] = [index.get(source), index.get(target)]
    if (from === undefined || to === undefined)
      throw broken(workflow, `the edge ${source} → ${target} leads to a node it does not have`)
    return { source: from, target: to, condition }
  })
  const outgoing = Map.groupBy(edges, edge => edge.source)
  const incoming = Map.groupBy(edges, edge => edge.target)
  const undoes = compensationsOf(workflow, index)
  const waves = peel(
    [...index.values()].filter(i => !undoes.has(i)),
    edges,
  )
  if (!waves) throw broken(workflow, 'its nodes form a cycle')

  const waveOf = new Map(waves.flatMap((wave, number) => wave.map(node => [node, number])))
  const nodes = workflow.nodes.map(
    ({ id, key, type, config, policy }, i): PlanNode => ({
      index: i,
      id,
      key,
      type,
      config,
      policy,
      wave: waveOf.get(i) ?? waves.length,
      incoming: incoming.get(i) ?? [],
      outgoing: outgoing.get(i) ?? [],
      ...(policy.compensate !== undefined && { compensation: index.get(policy.compensate) ?? -1 }),
      ...(undoes.has(i) && { undoes: undoes.get(i) ?? -1 }),
    }),
  )
  return { workflow, nodes, index, waves }
}

/** What undoes which node. */
function compensationsOf(workflow: Workflow, index: ReadonlyMap<string, number>): Map<number, number> {
  return new Map(
    workflow.nodes.flatMap(({ key, policy: { compensate } }, i) => {
      if (compensate === undefined) return []
      const by = index.get(compensate)
      if (by === undefined) throw broken(workflow, `"${key}" is undone by a node it does not have, "${compensate}"`)
      return [[by, i] as const]
    }),
  )
}

export function planNode(plan: Plan, index: number): PlanNode {
  const node = plan.nodes[index]
  if (node === undefined) throw new Error(`plan has no node ${index}`)
  return node
}

/** How many waves a graph has, or null when it has a cycle. */
export function countWaves(keys: readonly string[], edges: readonly KeyedEdge[]): number | null {
  return peel(keys, edges)?.length ?? null
}

/** Takes away, again and again, the nodes nothing that remains leads to; null when a cycle keeps some back. */
function peel<N>(nodes: readonly N[], edges: readonly { source: N; target: N }[]): N[][] | null {
  const incoming = Map.groupBy(edges, edge => edge.target)
  const done = new Set<N>()
  const waves: N[][] = []
  while (done.size < nodes.length) {
    const wave = nodes.filter(
      node => !done.has(node) && (incoming.get(node) ?? []).every(({ source }) => done.has(source)),
    )
    if (wave.length === 0) return null
    for (const node of wave) done.add(node)
    waves.push(wave)
  }
  return waves
}

/** The shortest cycle through the first node of every strongly connected part, as keys from that node on: `[a, b, c]` is a → b → c → a. */
export function findCycles(keys: readonly string[], edges: readonly KeyedEdge[]): string[][] {
  const cycles: string[][] = []
  const seen = new Set<string>()
  for (const key of keys) {
    if (seen.has(key)) continue
    const after = shortestPaths(key, edges, edge => [edge.source, edge.target])
    if (!after.has(key)) continue
    const before = shortestPaths(key, edges, edge => [edge.target, edge.source])
    for (const other of after.keys()) if (before.has(other)) seen.add(other)
    cycles.push([key, ...(after.get(key) as string[]).slice(0, -1)])
  }
  return cycles
}

/** The nodes on a shortest path from `start` to every node it leads to, that node included and `start` left out. */
function shortestPaths(
  start: string,
  edges: readonly KeyedEdge[],
  ends: (edge: KeyedEdge) => [from: string, to: string],
): Map<string, string[]> {
  const next = Map.groupBy(edges.map(ends), ([from]) => from)
  const paths = new Map<string, string[]>()
  const queue: [string, string[]][] = [[start, []]]
  for (const [node, path] of queue) {
    for (const [, to] of next.get(node) ?? []) {
      if (paths.has(to)) continue
      paths.set(to, [...path, to])
      queue.push([to, [...path, to]])
    }
  }
  return paths
}

function broken({ name, version, id }: Workflow, why: string): MbflowError {
  return new MbflowError('INTERNAL', `workflow ${name} version ${version} cannot run: ${why}`, {
    details: { workflow_id: id },
  })
}
