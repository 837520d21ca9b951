// Ten thousand triggers due at the same instant: how long until the last of them has fired, with one daemon and with four,
// while the workers of the same daemons begin to run what was fired.
import type { Bench } from '../bench.ts'
import type { Cost } from '../cost.ts'
import { type Daemon, type Ground, onGround } from '../ground.ts'
import { everything, layered, over, publish, requireRecorded, type Workflow } from '../shapes.ts'
import { costFigures, memoryFigure, ROUNDS } from '../throughput.ts'
import { type Armed, armEvery, disarm, nextSlot, requireOnce } from './triggers.ts'

export async function burst({ quick, say, figure }: Bench): Promise<void> {
  const armed: Armed = { count: quick ? 1_000 : 10_000, period: quick ? 10_000 : 30_000 }
  const fired = `all ${armed.count.toLocaleString('en')} fired`
  say(`${2 * (1 + ROUNDS)} slots, ${armed.period / 1000} s apart`)
  await onGround(async ground => {
    const workflow = await publish(ground, layered('burst', 1, 1))
    const daemon = await ground.daemon()
    await armEvery(ground, workflow, armed)
    const alone = await bursts(ground, { workflow, daemon })
    for (let i = 0; i < 3; i++) await ground.daemon()
    const together = await bursts(ground, { workflow, daemon })
    await disarm(ground)
    await requireRecorded(ground, everything(workflow, await requireOnce(ground, armed)))
    figure({ name: fired, unit: 'ms', values: alone.map(({ ms }) => ms), bar: '≤ 1500' })
    figure({ name: `${fired}, 4 daemons`, unit: 'ms', values: together.map(({ ms }) => ms) })
    // Anything else has thrown.
    figure({ name: 'missed or fired twice, 4 daemons', unit: '', values: together.map(() => 0), bar: '≤ 0' })
    const costs = alone.map(({ cost }) => cost)
    for (const one of costFigures(costs, armed.count)) figure(one)
    figure(memoryFigure(costs))
  })
}

interface Burst {
  /** From the slot until everything had fired. */
  readonly ms: number
  readonly cost: Cost
}

/** One to warm up, then the rounds. */
async function bursts(ground: Ground, { workflow, daemon }: { workflow: Workflow; daemon: Daemon }): Promise<Burst[]> {
  const rounds: Burst[] = []
  for (let i = 0; i <= ROUNDS; i++) {
    const meter = await ground.meter(daemon)
    const { ms } = await nextSlot(ground)
    await over(ground, everything(workflow, 0))
    rounds.push({ ms, cost: await meter.stop() })
  }
  return rounds.slice(1)
}
