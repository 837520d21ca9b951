// What waits must not slow what runs: the rate of `single` while a daemon works off 50,000 queued executions, against the
// rate at which it works off 500. Nothing is analyzed by hand.
import { bareRate } from '../bare.ts'
import type { Bench } from '../bench.ts'
import { type Daemon, type Ground, onGround } from '../ground.ts'
import { ratios } from '../report.ts'
import { type Batch, begin, countCompleted, layered, over, publish, requireRecorded, type Workflow } from '../shapes.ts'
import { costFigures, memoryFigure, ROUNDS, type Round, round } from '../throughput.ts'

const FEW = 500
/** Of which each small figure is made. */
const REPEATS = 20

export async function run({ quick, say, figure }: Bench): Promise<void> {
  const many = quick ? 5_000 : 50_000
  await onGround(async ground => {
    const workflow = await publish(ground, layered('single', 1, 1))
    let daemon = await ground.daemon()
    await round(ground, { workflow, daemon, count: many / 10 }) // warms up
    const [few, limits]: [number[], number[]] = [[], []]
    const drains: Round[] = []
    for (let i = 1; i <= ROUNDS; i++) {
      say(`round ${i} of ${ROUNDS}`)
      few.push(await fewRate(ground, workflow))
      await daemon.stop()
      const batch = await begin(ground, workflow, { count: many })
      daemon = await ground.daemon()
      drains.push(await drain(ground, daemon, batch))
      limits.push(await bareRate(ground, workflow, many / 5))
    }
    const rates = drains.map(({ rate }) => rate)
    const costs = drains.map(({ cost }) => cost)
    figure({ name: `rate, ${FEW} queued`, unit: '/s', values: few })
    figure({ name: `rate, ${many.toLocaleString('en')} queued`, unit: '/s', values: rates })
    figure({ name: 'rate, many to few', unit: '', values: ratios(rates, few), bar: '≥ 0.9' })
    figure({ name: 'bare limit', unit: '/s', values: limits })
    for (const one of costFigures(costs, many)) figure(one)
    figure(memoryFigure(costs))
  })
}

/** From the commit that queued them all at once. */
async function fewRate(ground: Ground, workflow: Workflow): Promise<number> {
  let ms = 0
  for (let i = 0; i < REPEATS; i++) {
    const batch = await begin(ground, workflow, { count: FEW, together: FEW })
    const startedAt = performance.now()
    await over(ground, batch)
    ms += performance.now() - startedAt
    await requireRecorded(ground, batch)
  }
  return (REPEATS * FEW) / (ms / 1000)
}

/** From when the daemon said that it runs; what it did before does not count. */
async function drain(ground: Ground, daemon: Daemon, batch: Batch): Promise<Round> {
  const meter = await ground.meter(daemon)
  const before = await countCompleted(ground, batch)
  const startedAt = performance.now()
  await over(ground, batch)
  const seconds = (performance.now() - startedAt) / 1000
  const cost = await meter.stop()
  await requireRecorded(ground, batch)
  return { rate: (batch.count - before) / seconds, cost }
}
