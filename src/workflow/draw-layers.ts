// The layers of a drawing: which items stand in each, how they are linked with those of the next, and in which order
// they stand so that few lines cross.
import type { Plan, PlanEdge } from './waves.ts'

/** A node's box, or the place where a longer edge passes through a layer. */
export interface Item {
  readonly node: number | null
  readonly text: string
  /** Columns, always odd: an item's line leaves at its middle. */
  width: number
  /** Column of its middle. */
  x: number
  /** Columns kept free on both sides of the middle. */
  left: number
  right: number
}

/** What boxes and edges are labelled with. */
export interface LayoutOptions {
  readonly text: (node: number) => string
  readonly label: (edge: PlanEdge) => string
}

/** How often layers are gone through, down and up in turn. */
export const SWEEPS = 8

/** A line from an item to one of the next layer. */
export interface Link {
  readonly from: Item
  readonly to: Item
  readonly label: string
}

export function layersOf(plan: Plan, { text, label }: LayoutOptions): { layers: Item[][]; links: Link[][] } {
  const newItem = (node: number | null, text: string): Item => ({ node, text, width: 1, x: 0, left: 0, right: 0 })
  const layers = plan.waves.map(wave => wave.map(node => newItem(node, text(node))))
  const links: Link[][] = layers.slice(1).map(() => [])
  const boxes = new Map(layers.flat().map(item => [item.node, item]))
  for (const node of plan.nodes) {
    if (node.undoes !== undefined) continue
    let from = boxes.get(node.index) as Item
    const last = Math.max(-1, ...node.outgoing.map(edge => plan.nodes[edge.target]?.wave ?? -1))
    for (let wave = node.wave + 1; wave <= last; wave++) {
      const between = links[wave - 1] as Link[]
      for (const edge of node.outgoing) {
        if (plan.nodes[edge.target]?.wave === wave)
          between.push({ from, to: boxes.get(edge.target) as Item, label: label(edge) })
      }
      if (wave === last) break
      const passing = newItem(null, '')
      layers[wave]?.push(passing)
      between.push({ from, to: passing, label: '' })
      from = passing
    }
  }
  return { layers, links }
}

/** Few crossings: items move to the mean place of what they are linked with, in sweeps down and up; the best sweep wins. */
export function orderLayers(layers: readonly Item[][], links: readonly Link[][]): readonly Item[][] {
  let best = layers
  let current = layers
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    current = sortSweep(current, links, sweep % 2 === 0)
    if (countCrossings(current, links) < countCrossings(best, links)) best = current
  }
  return best
}

function sortSweep(layers: readonly Item[][], links: readonly Link[][], down: boolean): Item[][] {
  const sorted = [...layers]
  const numbers = [...layers.keys()]
  for (const number of down ? numbers : numbers.toReversed()) {
    const fixed = sorted[down ? number - 1 : number + 1]
    if (!fixed) continue
    const neighbours = neighboursOf(links[down ? number - 1 : number] ?? [], down)
    const wish = (item: Item, i: number) => mean(neighbours.get(item)?.map(other => fixed.indexOf(other)) ?? [i])
    const wishes = new Map(sorted[number]?.map((item, i) => [item, wish(item, i)]))
    sorted[number] = [...wishes.keys()].sort((a, b) => (wishes.get(a) ?? 0) - (wishes.get(b) ?? 0))
  }
  return sorted
}

/** For each item at one end of the links, the items at the other: those above it when `above`. */
export function neighboursOf(links: readonly Link[], above: boolean): Map<Item, Item[]> {
  const neighbours = new Map<Item, Item[]>()
  for (const { from, to } of links) {
    const [item, other] = above ? [to, from] : [from, to]
    neighbours.set(item, [...(neighbours.get(item) ?? []), other])
  }
  return neighbours
}

function countCrossings(layers: readonly Item[][], links: readonly Link[][]): number {
  let crossings = 0
  for (const [i, between] of links.entries()) {
    const ends = between.map(
      ({ from, to }) => [layers[i]?.indexOf(from) ?? 0, layers[i + 1]?.indexOf(to) ?? 0] as const,
    )
    for (const a of ends) for (const b of ends) if (a[0] < b[0] && a[1] > b[1]) crossings++
  }
  return crossings
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
