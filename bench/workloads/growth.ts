// What is kept must not slow what runs: the rate of `single` beside half a million finished executions with ten million
// events, against an empty database. Rounds on the two alternate. Nothing is analyzed by hand.
import { bareRate } from '../bare.ts'
import type { Bench } from '../bench.ts'
import { type Daemon, type Ground, onGround } from '../ground.ts'
import { ratios } from '../report.ts'
import { layered, publish, type Workflow } from '../shapes.ts'
import { costFigures, memoryFigure, ROUNDS, type Round, round } from '../throughput.ts'

/** Twenty events a run. */
const HISTORY = layered('history', 3, 2)

export async function run(bench: Bench): Promise<void> {
  const kept = bench.quick ? 50_000 : 500_000
  const count = bench.quick ? 2_000 : 10_000
  await onGround(grown =>
    onGround(async empty => {
      const events = kept * HISTORY.events.length
      bench.say(`filling ${kept.toLocaleString('en')} executions, ${events.toLocaleString('en')} events: takes minutes`)
      await bareRate(grown, await publish(grown, HISTORY), kept)
      const sides = [await sideOn(empty, count / 5), await sideOn(grown, count / 5)] as const
      for (let i = 1; i <= ROUNDS; i++) {
        bench.say(`round ${i} of ${ROUNDS}`)
        for (const side of sides) {
          side.rounds.push(await round(side.ground, { ...side, count }))
          side.limits.push(await bareRate(side.ground, side.workflow, count))
        }
      }
      report(bench, sides, count)
    }),
  )
}

interface Side {
  readonly ground: Ground
  readonly workflow: Workflow
  readonly daemon: Daemon
  readonly rounds: Round[]
  readonly limits: number[]
}

/** Warmed up. */
async function sideOn(ground: Ground, count: number): Promise<Side> {
  const workflow = await publish(ground, layered('single', 1, 1))
  const daemon = await ground.daemon()
  await round(ground, { workflow, daemon, count })
  await bareRate(ground, workflow, count)
  return { ground, workflow, daemon, rounds: [], limits: [] }
}

function report({ figure }: Bench, [empty, grown]: readonly [Side, Side], count: number): void {
  const rates = ({ rounds }: Side): number[] => rounds.map(({ rate }) => rate)
  figure({ name: 'rate, empty', unit: '/s', values: rates(empty) })
  figure({ name: 'rate, grown', unit: '/s', values: rates(grown) })
  figure({ name: 'rate, grown to empty', unit: '', values: ratios(rates(grown), rates(empty)), bar: '≥ 0.95' })
  figure({ name: 'bare limit, empty', unit: '/s', values: empty.limits })
  figure({ name: 'bare limit, grown', unit: '/s', values: grown.limits })
  figure({ name: 'bare limit, grown to empty', unit: '', values: ratios(grown.limits, empty.limits) })
  const costs = grown.rounds.map(({ cost }) => cost)
  for (const one of costFigures(costs, count)) figure(one)
  figure(memoryFigure(costs))
}
