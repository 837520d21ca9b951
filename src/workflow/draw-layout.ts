// Places a plan on a grid of characters: waves are layers from top to bottom, an edge that spans several waves passes
// through the layers between as a line of its own, and the lines between two layers run on horizontal tracks.
//
// 1. Lines that join do so only where every source of the joint leads to every target of it, so that a drawing never
//    shows an edge that is not there; lines that merely cross are separate nets.
// 2. The line from a source to its track and the line from a track to a target never share a column at the same height.
import {
  type Item,
  type LayoutOptions,
  type Link,
  layersOf,
  mean,
  neighboursOf,
  orderLayers,
  SWEEPS,
} from './draw-layers.ts'
import type { Plan } from './waves.ts'

/** Lines that are one: each of the sources leads to each of the targets. */
export interface Net {
  readonly sources: readonly Item[]
  readonly targets: readonly Port[]
  /** Which horizontal track it runs on, or null for a straight line down. */
  track: number | null
}

export interface Port {
  readonly item: Item
  readonly label: string
  /** Columns from the middle of the item. */
  offset: number
}

/** The lines between a layer and the next. */
export interface Channel {
  readonly nets: readonly Net[]
  readonly tracks: number
}

export interface Layout {
  readonly layers: readonly (readonly Item[])[]
  readonly channels: readonly Channel[]
  readonly width: number
}

const GAP = 3

/** Null when the lines cannot be told apart on a grid. */
export function layOut(plan: Plan, options: LayoutOptions): Layout | null {
  const { layers: unordered, links } = layersOf(plan, options)
  const layers = orderLayers(unordered, links)
  const nets = links.map(netsOf)
  for (const layer of layers) for (const [i, item] of layer.entries()) item.x = i
  for (const item of layers.flat()) makeRoom(item, nets.flat())
  placeItems(layers, links)
  straighten(nets.flat())
  const channels = nets.map(routeChannel).filter(channel => channel !== null)
  if (channels.length < nets.length) return null
  return { layers, channels, width: Math.max(...layers.flat().map(item => item.x + item.right + 1)) }
}

/** Sources with the same targets share a net, unless a label could then belong to any of them. */
function netsOf(links: readonly Link[]): Net[] {
  const items = [...new Set(links.flatMap(({ from, to }) => [from, to]))]
  const bySource = Map.groupBy(links, link => link.from)
  const byTargets = Map.groupBy(bySource, ([source, own]) =>
    own.some(link => link.label !== '')
      ? `own ${items.indexOf(source)}`
      : own
          .map(link => items.indexOf(link.to))
          .sort((a, b) => a - b)
          .join(),
  )
  return [...byTargets.values()].map(group => ({
    sources: group.map(([source]) => source),
    targets: (group[0]?.[1] ?? []).map(({ to, label }) => ({ item: to, label, offset: 0 })),
    track: null,
  }))
}

/** Sizes an item for its text and for the lines that enter it, each in a column of its own with room for its label. */
function makeRoom(item: Item, nets: readonly Net[]): void {
  const ports = nets
    .filter(net => net.targets.some(port => port.item === item))
    .toSorted((a, b) => mean(a.sources.map(at)) - mean(b.sources.map(at)))
    .flatMap(net => net.targets.filter(port => port.item === item))
  const rooms = ports.map(({ label }) => (label === '' ? 2 : label.length + 3))
  const span = rooms.slice(0, -1).reduce((sum, room) => sum + room, 0)
  let offset = -Math.floor(span / 2)
  for (const [i, port] of ports.entries()) {
    port.offset = offset
    offset += rooms[i] ?? 0
  }
  const width = item.node === null ? 1 : Math.max(item.text.length + 4, span + 4) | 1
  item.left = item.right = (width - 1) / 2
  for (const port of ports)
    if (port.label !== '') item.right = Math.max(item.right, port.offset + port.label.length + 1)
  item.width = width
}

/** Every item goes as near to the middle of what it is linked with as its neighbours let it, in sweeps down and up. */
function placeItems(layers: readonly Item[][], links: readonly Link[][]): void {
  for (const layer of layers) for (const item of layer) item.x = 0
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const down = sweep % 2 === 0
    const numbers = [...layers.keys()]
    for (const number of down ? numbers : numbers.toReversed()) {
      const neighbours = neighboursOf(links[down ? number - 1 : number] ?? [], down)
      const layer = layers[number] ?? []
      place(
        layer,
        layer.map(item => mean((neighbours.get(item) ?? [item]).map(at))),
      )
    }
  }
  const leftmost = Math.min(...layers.flat().map(item => item.x - item.left))
  for (const layer of layers) for (const item of layer) item.x -= leftmost
}

/** The columns nearest to the wishes (least squares) that keep the items apart; lines passing through count more, they want to be straight. */
function place(layer: readonly Item[], wishes: readonly number[]): void {
  let apart = 0
  const blocks: { items: { item: Item; apart: number }[]; weight: number; sum: number }[] = []
  for (const [i, item] of layer.entries()) {
    const before = layer[i - 1]
    if (before) apart += before.right + GAP + 1 + item.left
    const weight = item.node === null ? 8 : 1
    let block = { items: [{ item, apart }], weight, sum: weight * ((wishes[i] ?? 0) - apart) }
    for (let last = blocks.at(-1); last && last.sum / last.weight >= block.sum / block.weight; last = blocks.at(-1)) {
      blocks.pop()
      block = { items: [...last.items, ...block.items], weight: last.weight + block.weight, sum: last.sum + block.sum }
    }
    blocks.push(block)
  }
  for (const { items, weight, sum } of blocks)
    for (const { item, apart } of items) item.x = Math.floor(sum / weight) + apart
}

/** A line that would miss the middle of a box by a column or two enters beside the middle instead. */
function straighten(nets: readonly Net[]): void {
  const ports = Map.groupBy(
    nets.flatMap(net => net.targets),
    port => port.item,
  )
  for (const net of nets) {
    for (const port of net.targets) {
      const miss = net.sources
        .map(source => source.x - columnOf(port))
        .find(columns => Math.abs(columns) <= Math.min(2, port.item.left - 1))
      if (miss !== undefined && port.item.node !== null && ports.get(port.item)?.length === 1) port.offset += miss
    }
  }
}

/** Gives each net of a channel its track; null when invariant 2 cannot be kept. */
function routeChannel(nets: readonly Net[]): Channel | null {
  const taken: [left: number, right: number][][] = []
  let waiting = nets.filter(net => !isStraight(net)).toSorted((a, b) => extentOf(a)[0] - extentOf(b)[0])
  while (waiting.length > 0) {
    const net = waiting.find(candidate => !waiting.some(other => other !== candidate && mustBeAbove(other, candidate)))
    if (!net) return null
    const above = nets.filter(other => other !== net && mustBeAbove(other, net)).map(other => other.track ?? -1)
    const [left, right] = extentOf(net)
    let track = Math.max(-1, ...above) + 1
    while (taken[track]?.some(([from, to]) => left <= to + 1 && from <= right + 1)) track++
    taken[track] = [...(taken[track] ?? []), [left, right]]
    net.track = track
    waiting = waiting.filter(other => other !== net)
  }
  return { nets, tracks: taken.length }
}

const at = (item: Item): number => item.x

export function columnOf(port: Port): number {
  return port.item.x + port.offset
}

/** The columns a net's track runs between. */
export function extentOf({ sources, targets }: Net): [left: number, right: number] {
  const columns = [...sources.map(at), ...targets.map(columnOf)]
  return [Math.min(...columns), Math.max(...columns)]
}

function isStraight(net: Net): boolean {
  const [left, right] = extentOf(net)
  return left === right
}

function mustBeAbove(upper: Net, lower: Net): boolean {
  return upper.sources.some(source => lower.targets.some(port => columnOf(port) === source.x))
}
