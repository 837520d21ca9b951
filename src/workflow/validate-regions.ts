// What is wrong with the splits of a document: regions that are not closed, edges into them from elsewhere, and names of
// what runs once per item where there are no items.
import type { Problem } from '../base/errors.ts'
import { isJsonObject } from '../base/json.ts'
import { findRegions, type Region, type RegionEdge } from './regions.ts'
import type { Part } from './validate-graph.ts'
import { countWaves } from './waves.ts'

interface PlacedEdge extends RegionEdge {
  readonly path: string
}

function search(nodes: readonly Part[], edges: readonly Part[]): ReturnType<typeof findRegions<PlacedEdge>> {
  const keyed = nodes.flatMap(({ value: { key, type } }) =>
    typeof key === 'string' ? [{ key, type: String(type) }] : [],
  )
  const keys = new Set(keyed.map(({ key }) => key))
  const sound = edges.flatMap(({ path, value: { from, to, when, branch, on } }): PlacedEdge[] => {
    if (typeof from !== 'string' || typeof to !== 'string' || !keys.has(from) || !keys.has(to)) return []
    const isConditional = when !== undefined || branch !== undefined
    return [{ path, source: from, target: to, isConditional, ...(typeof on === 'string' && { on }) }]
  })
  if (countWaves([...keys], sound) === null) return { regions: [], faults: [] } // said already
  return findRegions(keyed, sound)
}

/** What runs once per item; of a sound document. */
export function regionsOf(nodes: readonly Part[], edges: readonly Part[]): readonly Region[] {
  return search(nodes, edges).regions
}

export function checkRegions(nodes: readonly Part[], edges: readonly Part[]): Problem[] {
  const { regions, faults } = search(nodes, edges)
  const place = new Map(nodes.map(({ path, value: { key } }) => [key, path]))
  return [
    ...faults.map(({ at, message, hint }) => ({
      path: 'node' in at ? (place.get(at.node) ?? 'nodes') : at.edge.path,
      message,
      hint,
    })),
    ...regions.flatMap(region => checkMerge(region, nodes)),
    ...nodes.flatMap(({ path, value: { key, compensate } }): Problem[] => {
      const region = compensate === undefined ? undefined : regionAround(regions, String(key))
      if (region === undefined) return []
      const message = `cannot be: the node runs once for each item of the split "${region.split}"`
      return [{ path: `${path}.compensate`, message, hint: 'what undoes them all can undo the split, or its merge' }]
    }),
  ]
}

function checkMerge({ split, merge }: Region, nodes: readonly Part[]): Problem[] {
  const part = nodes.find(({ value: { key } }) => key === merge)
  const { config, join } = part?.value ?? {}
  const problems: Problem[] = []
  if (isJsonObject(config) && config.combine === 'by_node') {
    const message = `cannot be by_node: what comes together here are the items of the split "${split}", not nodes`
    problems.push({ path: `${part?.path}.config.combine`, message, hint: 'leave it out, and it makes a list of them' })
  }
  if (isJsonObject(join)) {
    const message = `cannot be a number: what comes together here are the items of the split "${split}", all of them`
    problems.push({ path: `${part?.path}.join`, message, hint: 'leave it out' })
  }
  return problems
}

/** The innermost region that a node is in. */
export function regionAround(regions: readonly Region[], node: string): Region | undefined {
  return regions.find(({ nodes }) => nodes.has(node)) // the innermost come first
}

/** Why what a node came to cannot be named, by a node or before any (`from` undefined); null when it can. */
export function whyUnseen(
  regions: readonly Region[],
  { from, named }: { from?: string; named: string },
): string | null {
  const hidden = regions.find(({ nodes }) => nodes.has(named) && (from === undefined || !nodes.has(from)))
  return hidden === undefined
    ? null
    : `"${named}" runs once for each item of the split "${hidden.split}", and what it gives is known only there`
}
