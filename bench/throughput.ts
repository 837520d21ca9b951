// How many executions of a shape are over per second, beside how many the bare database records, and what one costs.
// The time of a round is the driver's: from before the first execution is begun until none is open any more. Beginning
// them is part of it, as it is of every execution anyone runs.
import { bareRate } from './bare.ts'
import type { Bench } from './bench.ts'
import type { Cost } from './cost.ts'
import { type Daemon, type Ground, onGround } from './ground.ts'
import { type Bar, type Figure, ratios } from './report.ts'
import { begin, over, publish, requireRecorded, type Shape, type Workflow } from './shapes.ts'

export interface Throughput {
  readonly shape: Shape
  /** Executions per round. */
  readonly count: number
  /** Settings of the daemon. */
  readonly env?: Readonly<Record<string, string>>
  readonly bars: { readonly ratio: Bar; readonly rate?: Bar; readonly commits?: Bar; readonly cpu?: Bar }
}

export interface Round {
  /** Executions a second. */
  readonly rate: number
  readonly cost: Cost
}

export const ROUNDS = 5

export async function throughput(bench: Bench, { shape, count: whole, env, bars }: Throughput): Promise<void> {
  const count = bench.quick ? whole / 10 : whole
  await onGround(async ground => {
    const workflow = await publish(ground, shape)
    const daemon = await ground.daemon(env)
    // Both warm their plans and caches, and the daemon its code: it is to be measured as it is after a minute, not a second.
    await round(ground, { workflow, daemon, count })
    await bareRate(ground, workflow, count)
    const rounds: Round[] = []
    const limits: number[] = []
    for (let i = 1; i <= ROUNDS; i++) {
      bench.say(`round ${i} of ${ROUNDS}`)
      rounds.push(await round(ground, { workflow, daemon, count }))
      limits.push(await bareRate(ground, workflow, count))
    }
    const rates = rounds.map(({ rate }) => rate)
    bench.figure({ name: 'rate', unit: '/s', values: rates, ...(bars.rate && { bar: bars.rate }) })
    bench.figure({ name: 'bare limit', unit: '/s', values: limits })
    bench.figure({ name: 'ratio to the bare limit', unit: '', values: ratios(rates, limits), bar: bars.ratio })
    const costs = rounds.map(({ cost }) => cost)
    for (const figure of costFigures(costs, count, bars)) bench.figure(figure)
    bench.figure(memoryFigure(costs))
  })
}

/** Throws when an execution did not run as it should. */
export async function round(
  ground: Ground,
  { workflow, daemon, count }: { workflow: Workflow; daemon: Daemon; count: number },
): Promise<Round> {
  const meter = await ground.meter(daemon)
  const startedAt = performance.now()
  const batch = await begin(ground, workflow, { count })
  await over(ground, batch)
  const seconds = (performance.now() - startedAt) / 1000
  const cost = await meter.stop()
  await requireRecorded(ground, batch)
  return { rate: count / seconds, cost }
}

/** Per execution, of rounds of so many. */
export function costFigures(costs: readonly Cost[], count: number, bars: Partial<Throughput['bars']> = {}): Figure[] {
  const each = (pick: (cost: Cost) => number): number[] => costs.map(cost => pick(cost) / count)
  return [
    {
      name: 'commits per execution',
      unit: '',
      values: each(cost => cost.commits),
      ...(bars.commits && { bar: bars.commits }),
    },
    { name: 'rows written per execution', unit: '', values: each(cost => cost.rows) },
    { name: 'WAL per execution', unit: 'kB', values: each(cost => cost.walBytes / 1000) },
    {
      name: 'daemon CPU per execution',
      unit: 'ms',
      values: each(cost => cost.daemonCpuMs),
      ...(bars.cpu && { bar: bars.cpu }),
    },
    { name: 'server CPU per execution', unit: 'ms', values: each(cost => cost.serverCpuMs) },
    { name: 'driver CPU per execution', unit: 'ms', values: each(cost => cost.driverCpuMs) },
  ]
}

/** The most of all rounds. */
export function memoryFigure(costs: readonly Pick<Cost, 'peakBytes'>[]): Figure {
  return {
    name: 'peak memory of the daemon',
    unit: 'MB',
    values: [Math.max(...costs.map(cost => cost.peakBytes)) / 1e6],
    bar: '≤ 250',
  }
}
