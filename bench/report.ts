// Figures: medians with their spread, as a table for people and a line of JSON each for programs.

export interface Figure {
  readonly workload: string
  readonly figure: string
  readonly unit: string
  /** One value per round. */
  readonly values: readonly number[]
  /** What the issue or the documentation asks for, in words. */
  readonly bar?: string
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}

export function report({ workload, figure, unit, values, bar }: Figure): void {
  const middle = median(values)
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const spread = values.length > 1 ? `(${short(least)}–${short(most)})` : ''
  process.stdout.write(
    `${workload.padEnd(10)} ${figure.padEnd(34)} ${short(middle).padStart(9)} ${unit.padEnd(6)} ${spread.padEnd(18)} ${bar ?? ''}\n`,
  )
  process.stdout.write(
    `${JSON.stringify({ workload, figure, unit, median: middle, min: least, max: most, rounds: values.length })}\n`,
  )
}

function short(value: number): string {
  if (!Number.isFinite(value)) return '-'
  return Math.abs(value) >= 100 ? String(Math.round(value)) : value.toPrecision(3)
}
