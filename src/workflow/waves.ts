// Compiles a workflow into the plan the engine runs. A node's wave is the length of the longest path that leads to it,
// so that every edge goes to a later wave and a wave's nodes, which know nothing of each other, run at the same time.
// What lies between a split and its merge has a plan of its own, and is no part of the plan that the two are in.
import { MbflowError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { findRegions, type RegionEdge } from './regions.ts'
import type { Edge, EdgeCondition, NodePolicy, Workflow, WorkflowSettings } from './workflow.ts'

export interface Plan {
  readonly workflow: Workflow
  /** In the order of the document. */
  readonly nodes: readonly PlanNode[]
  /** Node key → index in `nodes`. */
  readonly index: ReadonlyMap<string, number>
  /** Indexes of the nodes of each wave, in the order of the document. */
  readonly waves: readonly (readonly number[])[]
  /** What runs once for each item of a split, by the id of the split: the same map in all plans of a workflow. */
  readonly regions: ReadonlyMap<string, Plan>
  /** There if it is what runs for an item: the edges to the merge that closes the region. */
  readonly exits?: readonly PlanEdge[]
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
  /** Index of the split whose items come together in it. */
  readonly closes?: number
}

export interface PlanEdge {
  /** Index of the node it leaves. */
  readonly source: number
  /** Index of the node it enters; of an exit OUTSIDE. */
  readonly target: number
  /** Key of the node it enters. */
  readonly to: string
  readonly condition: EdgeCondition | null
}

/** An edge by the keys of its ends. */
export interface KeyedEdge {
  readonly source: string
  readonly target: string
}

/** In place of an index: a node that is not in the plan. */
const OUTSIDE = -1

/** Throws for a workflow that cannot run: documents are checked before they become workflows. */
export function compilePlan(workflow: Workflow): Plan {
  const keys = new Set(workflow.nodes.map(({ key }) => key))
  const dangling = workflow.edges.find(({ source, target }) => !keys.has(source) || !keys.has(target))
  if (dangling !== undefined)
    throw broken(workflow, `the edge ${dangling.source} → ${dangling.target} leads to a node it does not have`)
  if (!peel([...keys], workflow.edges)) throw broken(workflow, 'its nodes form a cycle')
  const { regions: found, faults } = findRegions(workflow.nodes, workflow.edges.map(regionEdgeOf))
  if (faults[0] !== undefined) throw broken(workflow, faults[0].message)

  const regions = new Map<string, Plan>()
  const merges = new Map(found.map(({ split, merge }) => [split, merge]))
  const levelOf = (all: ReadonlySet<string>): Set<string> =>
    new Set([...all].filter(key => !found.some(({ split, nodes }) => all.has(split) && nodes.has(key))))
  for (const { split, merge, nodes } of found) {
    const id = workflow.nodes.find(({ key }) => key === split)?.id ?? ''
    regions.set(
      id,
      compileLevel(
        { ...workflow, settings: ofItem(workflow.settings) },
        { keys: levelOf(nodes), exit: merge, merges, regions },
      ),
    )
  }
  return compileLevel(workflow, { keys: levelOf(keys), merges, regions })
}

/** All others are for the execution whose item it is. */
function ofItem({ strict }: WorkflowSettings): WorkflowSettings {
  return strict === undefined ? {} : { strict }
}

function regionEdgeOf({ source, target, condition }: Edge): RegionEdge {
  const on = condition !== null && 'on' in condition ? condition.on : undefined
  return { source, target, ...(on !== undefined && { on }), isConditional: condition !== null && on === undefined }
}

interface Level {
  readonly keys: ReadonlySet<string>
  /** The merge it leads to. */
  readonly exit?: string
  /** By the split it closes. */
  readonly merges: ReadonlyMap<string, string>
  readonly regions: ReadonlyMap<string, Plan>
}

/** The plan of some nodes, in which a split leads straight to its merge. */
function compileLevel(workflow: Workflow, { keys, exit, merges, regions }: Level): Plan {
  const members = workflow.nodes.filter(({ key }) => keys.has(key))
  const index = new Map(members.map(({ key }, i) => [key, i]))
  const edges = levelEdges(workflow, { keys, merges }).map(
    ({ source, target, condition }): PlanEdge => ({
      source: index.get(source) ?? OUTSIDE,
      target: index.get(target) ?? OUTSIDE,
      to: target,
      condition,
    }),
  )
  const outgoing = Map.groupBy(edges, edge => edge.source)
  const incoming = Map.groupBy(edges, edge => edge.target)
  const undoes = compensationsOf(workflow, index)
  const waves =
    peel(
      [...index.values()].filter(i => !undoes.has(i)),
      edges.filter(edge => edge.target !== OUTSIDE),
    ) ?? []
  const waveOf = new Map(waves.flatMap((wave, number) => wave.map(node => [node, number])))
  const closed = new Map([...merges].map(([split, merge]) => [merge, index.get(split)]))
  const nodes = members.map(({ id, key, type, config, policy }, i): PlanNode => {
    const closes = closed.get(key)
    return {
      index: i,
      id,
      key,
      type,
      config,
      policy,
      wave: waveOf.get(i) ?? waves.length,
      incoming: incoming.get(i) ?? [],
      outgoing: outgoing.get(i) ?? [],
      ...(policy.compensate !== undefined && { compensation: index.get(policy.compensate) ?? OUTSIDE }),
      ...(undoes.has(i) && { undoes: undoes.get(i) ?? OUTSIDE }),
      ...(closes !== undefined && { closes }),
    }
  })
  const exits = incoming.get(OUTSIDE) ?? []
  return { workflow, nodes, index, waves, regions, ...(exit !== undefined && { exits }) }
}

/** The edges out of these nodes; in the place of those into the region of a split, one to its merge. */
function levelEdges(
  { edges }: Workflow,
  { keys, merges }: Pick<Level, 'keys' | 'merges'>,
): Pick<Edge, 'source' | 'target' | 'condition'>[] {
  const closed = new Set<string>()
  return edges.flatMap((edge): Pick<Edge, 'source' | 'target' | 'condition'>[] => {
    const { source, condition } = edge
    if (!keys.has(source)) return []
    const merge = merges.get(source)
    if (merge === undefined || (condition !== null && 'on' in condition && condition.on === 'error')) return [edge]
    if (closed.has(source)) return []
    closed.add(source)
    return [{ source, target: merge, condition: null }]
  })
}

/** What undoes which node. */
function compensationsOf(workflow: Workflow, index: ReadonlyMap<string, number>): Map<number, number> {
  return new Map(
    workflow.nodes.flatMap(({ key, policy: { compensate } }) => {
      const undone = index.get(key)
      if (compensate === undefined || undone === undefined) return []
      const by = index.get(compensate)
      if (by === undefined) throw broken(workflow, `"${key}" is undone by a node it does not have, "${compensate}"`)
      return [[by, undone] as const]
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
