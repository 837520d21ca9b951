// The regions of a graph: what lies between a split and the merge that closes it, and runs once for each item. Pure.
// A split is closed by the nearest merge that every path from it comes to and that closes no split within. Only the split
// leads into its region, only the region leads to the merge, so that what surrounds it sees one node before the other.
/** How many splits may lie inside each other. */
const MAX_NESTED = 3

export interface RegionNode {
  readonly key: string
  readonly type: string
}

/** By the keys of its ends. `on`: as its condition says; `isConditional`: it has any other condition. */
export interface RegionEdge {
  readonly source: string
  readonly target: string
  readonly on?: string | undefined
  readonly isConditional: boolean
}

export interface Region {
  readonly split: string
  readonly merge: string
  /** What runs once for each item, regions within included. */
  readonly nodes: ReadonlySet<string>
}

/** What is wrong with a node or with an edge; `at` is one of those that were given. */
export interface RegionFault<Edge> {
  readonly at: { readonly node: string } | { readonly edge: Edge }
  readonly message: string
  readonly hint: string
}

/** Of a graph without cycles; the innermost regions first. */
export function findRegions<Edge extends RegionEdge>(
  nodes: readonly RegionNode[],
  edges: readonly Edge[],
): { readonly regions: readonly Region[]; readonly faults: readonly RegionFault<Edge>[] } {
  const splits = nodes.filter(({ type }) => type === 'split').map(({ key }) => key)
  if (splits.length === 0) return { regions: [], faults: [] }
  const graph = graphOf(nodes, edges)
  const regions: Region[] = []
  const faults: RegionFault<Edge>[] = []
  // One behind the other, the last first: a split within another one is closed before it.
  const reach = new Map(splits.map(split => [split, graph.reachable(graph.items(split), undefined).size]))
  for (const split of splits.toSorted((a, b) => (reach.get(a) ?? 0) - (reach.get(b) ?? 0))) {
    const found = close(graph, split, regions)
    if ('message' in found) faults.push(found)
    else regions.push(found)
  }
  for (const region of regions) faults.push(...faultsOf(region, edges), ...tooDeep(region, regions))
  return { regions, faults }
}

interface Graph {
  readonly merges: readonly string[]
  /** Where the items of a split go. */
  items(split: string): string[]
  next(key: string): readonly string[]
  /** These, and all that they lead to without passing through `end`. */
  reachable(starts: readonly string[], end: string | undefined): Set<string>
}

function graphOf(nodes: readonly RegionNode[], edges: readonly RegionEdge[]): Graph {
  const outgoing = Map.groupBy(edges, edge => edge.source)
  const next = (key: string): string[] => (outgoing.get(key) ?? []).map(edge => edge.target)
  return {
    merges: nodes.filter(({ type }) => type === 'merge').map(({ key }) => key),
    items: split => (outgoing.get(split) ?? []).filter(edge => edge.on !== 'error').map(edge => edge.target),
    next,
    reachable(starts, end) {
      const found = new Set(starts.filter(key => key !== end))
      for (const key of found) for (const target of next(key)) if (target !== end) found.add(target)
      return found
    },
  }
}

function close(graph: Graph, split: string, inner: readonly Region[]): Region | RegionFault<never> {
  const starts = graph.items(split)
  const all = graph.reachable(starts, undefined)
  const taken = new Set(inner.map(({ merge }) => merge))
  const candidates = graph.merges
    .filter(merge => all.has(merge) && !taken.has(merge))
    .map(merge => ({ merge, nodes: graph.reachable(starts, merge) }))
    .sort((a, b) => a.nodes.size - b.nodes.size)
  const closing = candidates.find(({ nodes }) => [...nodes].every(key => graph.next(key).length > 0))
  if (closing !== undefined) return { split, ...closing }
  const [nearest] = candidates
  const other = inner.find(({ merge }) => all.has(merge))
  return {
    at: { node: split },
    message:
      nearest !== undefined
        ? `is not closed: the path ${strayPath(graph, split, nearest.merge)} does not come to "${nearest.merge}"`
        : other !== undefined
          ? `is not closed: "${other.merge}" closes the split "${other.split}"`
          : 'is not closed: no merge follows it',
    hint: 'every path from a split leads to a node of the type merge, of its own, where its items come together',
  }
}

/** A path from the split that ends elsewhere. */
function strayPath(graph: Graph, split: string, merge: string): string {
  const before = new Map<string, string>()
  const seen = new Set(graph.items(split).filter(key => key !== merge))
  for (const key of seen) {
    const next = graph.next(key)
    if (next.length === 0) {
      const path = [key]
      for (let at = before.get(key); at !== undefined; at = before.get(at)) path.unshift(at)
      return [split, ...path].join(' → ')
    }
    for (const target of next) {
      if (target === merge || seen.has(target)) continue
      seen.add(target)
      before.set(target, key)
    }
  }
  return split
}

function faultsOf<Edge extends RegionEdge>(
  { split, merge, nodes }: Region,
  edges: readonly Edge[],
): RegionFault<Edge>[] {
  const region = `the region of the split "${split}", from there to "${merge}"`
  return edges.flatMap((edge): RegionFault<Edge>[] => {
    const fault = (message: string, hint: string): RegionFault<Edge>[] => [{ at: { edge }, message, hint }]
    const { source, target, on, isConditional } = edge
    const isInto = nodes.has(target) || target === merge
    if (source === split && on === 'error')
      return isInto ? fault(`leads into ${region}`, 'a split that failed goes on outside of it') : []
    if (source === split && (isConditional || (on !== undefined && on !== 'success')))
      return fault(`has a condition, but every item of the split "${split}" takes it`, CONDITION)
    if (target === merge && !nodes.has(source))
      return fault(`leads to "${merge}", where the items of the split "${split}" come together`, MERGE)
    if (nodes.has(target) && !nodes.has(source) && source !== split)
      return fault(`leads into ${region}, from outside`, 'only the split leads into its region')
    return []
  })
}

const CONDITION = 'let it lead to a conditional node, and the items go on from there'
const MERGE = 'only nodes of its region lead there; what else is to be merged, merge in another node behind it'

function tooDeep({ split }: Region, regions: readonly Region[]): RegionFault<never>[] {
  const depth = 1 + regions.filter(({ nodes }) => nodes.has(split)).length
  if (depth <= MAX_NESTED) return []
  const message = `lies inside ${depth - 1} other splits; the limit is ${MAX_NESTED - 1}`
  return [{ at: { node: split }, message, hint: 'let an inner region start another workflow, or make one list of two' }]
}
