// The command that compares two executions of a workflow.
import type { Command } from 'commander'
import type { Json } from '../base/json.ts'
import type { Difference } from '../base/json-diff.ts'
import type { Divergence, ExecutionDiff, NodeDiff } from '../execution/diff.ts'
import type { CliContext } from './context.ts'
import { styleOf } from './execution-show.ts'
import { type Column, renderTable } from './table.ts'
import { roughly } from './text.ts'

export function addDiff(execution: Command, context: CliContext): void {
  execution
    .command('diff')
    .description('Compare two executions of a workflow: what they were given, where they went apart, node by node')
    .argument('<a>', 'id, or the beginning of one')
    .argument('<b>', 'id of another, of whatever version')
    .action(async (a: string, b: string) => {
      const { diffExecutions } = await import('../execution/replay.ts')
      const { createCatalog } = await import('../workflow/catalog.ts')
      const { pool } = await context.connect()
      const diff = await diffExecutions({ pool, catalog: createCatalog(pool) }, [a, b])
      context.output.one(diff, () => describe(context, diff))
    })
}

function describe({ output }: CliContext, diff: ExecutionDiff): string[] {
  const options = { width: output.width, style: output.style }
  const places = placesOf(diff)
  return [
    output.style('bold', diff.workflow),
    ...(['a', 'b'] as const).map(side => {
      const { id, version, status, took_ms } = diff[side]
      const style = styleOf(status)
      const ended = style === undefined ? status : output.style(style, status)
      return `${side.toUpperCase()}  ${id}  version ${version}  ${ended}${took_ms === null ? '' : `  ${roughly(took_ms)}`}`
    }),
    '',
    verdict(diff),
    '',
    ...renderTable(diff.nodes, nodeColumns, options),
    ...(places.length === 0 ? [] : ['', ...renderTable(places, placeColumns, options)]),
  ]
}

function verdict({ same, diverged }: ExecutionDiff): string {
  if (same) return 'They differ in nothing but times.'
  if (diverged === null) return 'Every node ended the same way.'
  return `They went apart at "${diverged.node}" (wave ${diverged.wave}), ${reasons[diverged.because]}.`
}

const reasons: Readonly<Record<Divergence['because'], string>> = {
  definition: 'which is another one in the other version',
  input: 'which was given something else',
  nothing: 'which was given the same and made something else of it',
}

const nodeColumns: Column<NodeDiff>[] = [
  { title: 'WAVE', cell: ({ wave }) => both(wave.a, wave.b), align: 'right' },
  { title: 'NODE', cell: node => node.key, least: 12 },
  { title: 'A', cell: node => node.status.a ?? '–', style: node => styleOf(node.status.a ?? '') },
  { title: 'B', cell: node => node.status.b ?? '–', style: node => styleOf(node.status.b ?? '') },
  { title: 'TOOK A', cell: node => took(node.took_ms.a), align: 'right', leaves: 2 },
  { title: 'TOOK B', cell: node => took(node.took_ms.b), align: 'right', leaves: 2 },
  { title: 'DIFFERS IN', cell: node => [...new Set(node.differences.map(({ what }) => what))].join(', '), leaves: 1 },
]

interface Place extends Difference {
  readonly where: string
}

const placeColumns: Column<Place>[] = [
  { title: 'WHERE', cell: place => place.where, least: 16 },
  { title: 'A', cell: place => shown(place.a), least: 12 },
  { title: 'B', cell: place => shown(place.b), least: 12 },
]

/** `input.amount`, `charge: output.lines[0]`. */
function placesOf({ differences, nodes }: ExecutionDiff): Place[] {
  const named = (prefix: string, list: NodeDiff['differences']): Place[] =>
    list.map(one => ({ ...one, where: prefix + one.path }))
  return [...named('', differences), ...nodes.flatMap(node => named(`${node.key}: `, node.differences))]
}

function shown(value: Json | undefined): string {
  return value === undefined ? '–' : JSON.stringify(value)
}

function both(a: number | null, b: number | null): string {
  return a === b || b === null ? String(a) : a === null ? String(b) : `${a}, ${b}`
}

function took(ms: number | null): string {
  return ms === null ? '' : roughly(ms)
}
