// Draws a plan as text: boxes in waves, joined by lines, for plans a terminal can hold; for the others a list of waves
// and edges. Never wider than WIDTH columns, unless a single key is; the expressions of conditional edges follow the drawing,
// and so does what runs for each item of a split.
import type { Item } from './draw-layers.ts'
import { type Channel, columnOf, extentOf, type Layout, layOut } from './draw-layout.ts'
import type { Plan, PlanEdge } from './waves.ts'

const WIDTH = 100
const MOST_NODES = 20
const MOST_TRACKS = 6

export function drawWaves(plan: Plan): string {
  const regions = plan.nodes.flatMap(({ key, id }) => {
    const region = plan.regions.get(id)
    if (region === undefined) return []
    return ['', `for each item, from ${key} to ${region.exits?.[0]?.to}:`, drawWaves(region)]
  })
  return [drawPlan(plan), ...regions].join('\n')
}

function drawPlan(plan: Plan): string {
  const drawing = plan.nodes.length <= MOST_NODES ? drawBoxes(plan) : null
  return drawing ?? listWaves(plan)
}

function drawBoxes(plan: Plan): string | null {
  const margin = marginOf(plan)
  const texts = [
    (node: number) => `${plan.nodes[node]?.key} · ${plan.nodes[node]?.type}`,
    (node: number) => plan.nodes[node]?.key ?? '',
  ]
  for (const text of texts) {
    const layout = layOut(plan, { text, label: shortCondition })
    if (!layout || layout.channels.some(channel => channel.tracks > MOST_TRACKS)) return null
    if (margin + layout.width <= WIDTH)
      return [...draw(layout, margin), ...conditionLines(plan), ...compensationLines(plan)].join('\n')
  }
  return null
}

function draw({ layers, channels }: Layout, margin: number): string[] {
  const lines: string[] = []
  for (const [wave, layer] of layers.entries()) {
    const [above, below] = [channels[wave - 1], channels[wave]]
    const rows = drawLayer(layer, above, below)
    lines.push(...rows.map((row, i) => (i === 1 ? `wave ${wave}` : '').padEnd(margin) + row))
    if (below) lines.push(...drawChannel(below).map(row => ' '.repeat(margin) + row))
  }
  return lines.map(line => line.trimEnd())
}

function drawLayer(layer: readonly Item[], above: Channel | undefined, below: Channel | undefined): string[] {
  const entered = new Set(above?.nets.flatMap(net => net.targets.map(columnOf)))
  const left = new Set(below?.nets.flatMap(net => net.sources.map(source => source.x)))
  const [top, middle, bottom]: [Row, Row, Row] = [[], [], []]
  for (const item of layer) {
    const start = item.x - (item.width - 1) / 2
    const border = (mark: string, marked: Set<number>) =>
      Array.from({ length: item.width - 2 }, (_, i) => (marked.has(start + 1 + i) ? mark : '─')).join('')
    if (item.node === null) for (const row of [top, middle, bottom]) write(row, item.x, '│')
    else {
      write(top, start, `┌${border('┴', entered)}┐`)
      const space = item.width - 2 - item.text.length
      write(middle, start, `│${' '.repeat(Math.floor(space / 2))}${item.text}${' '.repeat(Math.ceil(space / 2))}│`)
      write(bottom, start, `└${border('┬', left)}┘`)
    }
  }
  return [top, middle, bottom].map(textOf)
}

function drawChannel({ nets, tracks }: Channel): string[] {
  const ports = nets.flatMap(net => net.targets)
  const rows = Array.from({ length: tracks }, (): Row => [])
  for (const net of nets) {
    if (net.track === null) continue
    const [left, right] = extentOf(net)
    const row = rows[net.track] as Row
    const ups = new Set(net.sources.map(source => source.x))
    const downs = new Set(net.targets.map(columnOf))
    for (let x = left; x <= right; x++)
      write(row, x, joint({ up: ups.has(x), down: downs.has(x), left: x > left, right: x < right }))
  }
  // Upright lines last: where one crosses a track of another net it covers it, which no joint ever looks like.
  for (const net of nets) {
    for (const [y, row] of rows.entries()) {
      const track = net.track ?? -1
      if (y < track) for (const source of net.sources) write(row, source.x, '│')
      if (y > track) for (const port of net.targets) write(row, columnOf(port), '│')
    }
  }
  if (tracks === 0 || ports.some(port => port.label !== '')) {
    const last: Row = []
    for (const port of ports) write(last, columnOf(port), port.label === '' ? '│' : `│ ${port.label}`)
    rows.push(last)
  }
  return rows.map(textOf)
}

const JOINTS: Readonly<Record<string, string>> = {
  lr: '─',
  ud: '│',
  dr: '╭',
  dl: '╮',
  ur: '╰',
  ul: '╯',
  udr: '├',
  udl: '┤',
  dlr: '┬',
  ulr: '┴',
  udlr: '┼',
}

function joint(sides: { up: boolean; down: boolean; left: boolean; right: boolean }): string {
  const name = `${sides.up ? 'u' : ''}${sides.down ? 'd' : ''}${sides.left ? 'l' : ''}${sides.right ? 'r' : ''}`
  return JOINTS[name] ?? ' '
}

type Row = string[]

function write(row: Row, x: number, text: string): void {
  for (const [i, character] of [...text].entries()) row[x + i] = character
}

const textOf = (row: Row): string => Array.from(row, character => character ?? ' ').join('')

/** What fits beside a line; the expressions themselves follow below the drawing. */
function shortCondition({ condition }: PlanEdge): string {
  if (!condition || ('on' in condition && condition.on === 'success')) return ''
  if ('when' in condition) return 'when'
  return 'branch' in condition ? branchText(condition) : `on ${condition.on}`
}

function conditionLines(plan: Plan): string[] {
  const edges = plan.nodes.flatMap(node => node.outgoing)
  const exits = plan.exits ?? []
  const lines = edges
    .filter(edge => edge.condition && ('when' in edge.condition || exits.includes(edge)))
    .map(edge => edgeLine(plan, edge))
  return lines.length === 0 ? [] : ['', ...lines]
}

function compensationLines(plan: Plan): string[] {
  const lines = plan.nodes.flatMap(({ key, policy: { compensate } }) =>
    compensate === undefined ? [] : [`${key} is undone by ${compensate}`],
  )
  return lines.length === 0 ? [] : ['', ...lines]
}

function listWaves(plan: Plan): string {
  const waves = plan.waves.flatMap((wave, number) =>
    labelled(
      `wave ${number}`.padEnd(marginOf(plan)),
      wave.map(node => plan.nodes[node]?.key ?? ''),
    ),
  )
  const edges = plan.nodes.flatMap(({ key, outgoing }) => {
    const [plain, conditional] = [outgoing.filter(edge => !edge.condition), outgoing.filter(edge => edge.condition)]
    const targets = plain.map(edge => edge.to)
    return [...labelled(`${key} → `, targets), ...conditional.map(edge => edgeLine(plan, edge))]
  })
  return [...waves, ...(edges.length === 0 ? [] : ['', ...edges]), ...compensationLines(plan)].join('\n')
}

/** Columns before what is drawn, for the number of the wave. */
function marginOf(plan: Plan): number {
  return `wave ${plan.waves.length - 1}  `.length
}

/** Long expressions end in an ellipsis: the document shows them whole. */
function edgeLine(plan: Plan, { source, to, condition }: PlanEdge): string {
  const line = `${plan.nodes[source]?.key} → ${to}${conditionText(condition)}`
  return line.length <= WIDTH ? line : `${line.slice(0, WIDTH - 1)}…`
}

function conditionText(condition: PlanEdge['condition']): string {
  if (!condition) return ''
  if ('when' in condition) return `  when ${condition.when.replace(/\s+/g, ' ').trim()}`
  return 'branch' in condition ? `  branch ${branchText(condition)}` : `  on ${condition.on}`
}

function branchText({ branch }: { readonly branch: string | readonly string[] }): string {
  return [branch].flat().join(' | ').replace(/\s+/g, ' ')
}

/** The words after a label, in as many lines as they need. */
function labelled(label: string, words: readonly string[]): string[] {
  const lines: string[] = []
  for (const [i, word] of words.entries()) {
    const item = i === words.length - 1 ? word : `${word},`
    const line = lines.at(-1)
    if (line !== undefined && line.length + 1 + item.length <= WIDTH) lines[lines.length - 1] = `${line} ${item}`
    else lines.push((i === 0 ? label : ' '.repeat(label.length)) + item)
  }
  return lines
}
