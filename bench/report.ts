// What the workloads found: an aligned table for people, and a line of JSON per figure for programs.
import { cpus, loadavg } from 'node:os'

export interface Figure {
  readonly name: string
  readonly unit: string
  /** One per round. */
  readonly values: readonly number[]
  /** What is to be reached, by the median. */
  readonly bar?: Bar
}

export type Bar = `${'≥' | '≤'} ${number}`

export interface Recorded extends Figure {
  readonly workload: string
  /** Load average of the machine when the figure was measured. */
  readonly load: number
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}

/** Element by element. */
export function ratios(values: readonly number[], limits: readonly number[]): number[] {
  return values.map((value, i) => value / (limits[i] ?? Number.NaN))
}

export function load(): number {
  return loadavg()[0] ?? Number.NaN
}

/** Where it was measured: what a reader needs to judge it. */
export function heading(postgres: string): string {
  const processors = cpus()
  const machine = `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown processor'}`
  return `PostgreSQL ${postgres} · Node ${process.versions.node} · ${machine} · load average ${load().toFixed(2)}`
}

export function table(figures: readonly Recorded[]): string {
  const lines = figures.map(({ workload, name, unit, values, bar }) => {
    const spread = values.length === 1 ? '' : `${short(Math.min(...values))}–${short(Math.max(...values))}`
    return [workload, name, short(median(values)), unit, spread, bar ?? '', verdict(values, bar)]
  })
  const rows = [['workload', 'figure', 'median', '', 'min–max', 'bar', ''], ...lines]
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0))) ?? []
  const align = (text: string, column: number): string =>
    column === MEDIAN ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0)
  return rows.map(row => `${row.map(align).join('  ').trimEnd()}\n`).join('')
}
const MEDIAN = 2

export function jsonLine({ workload, name, unit, values, bar, load }: Recorded, postgres: string): string {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const measured = { workload, figure: name, unit, median: median(values), min: least, max: most, values }
  const judged = bar === undefined ? {} : { bar, met: isMet(values, bar) }
  return `${JSON.stringify({ ...measured, ...judged, load, postgres })}\n`
}

/** One figure in a line, while others are still being measured. */
export function sentence({ workload, name, unit, values, bar }: Recorded): string {
  return `${workload}: ${name} ${short(median(values))} ${unit} ${bar === undefined ? '' : `(${bar})`}`.trimEnd()
}

function verdict(values: readonly number[], bar: Bar | undefined): string {
  if (bar === undefined) return ''
  return isMet(values, bar) ? 'met' : 'MISSED'
}

function isMet(values: readonly number[], bar: Bar): boolean {
  const [sign, limit] = bar.split(' ')
  return sign === '≥' ? median(values) >= Number(limit) : median(values) <= Number(limit)
}

function short(value: number): string {
  if (!Number.isFinite(value)) return '-'
  if (Number.isInteger(value) || Math.abs(value) >= 100) return Math.round(value).toLocaleString('en')
  return value.toPrecision(3)
}
