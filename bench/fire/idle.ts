// Triggers that are enabled and not due: what asking for due ones costs among a million of them, beside a thousand; and
// what a daemon costs that has nothing to do.
import { createDatabaseClock, systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/log.ts'
import { createMetrics } from '../../src/base/metrics.ts'
import { type PollerDeps, tick } from '../../src/trigger/poller.ts'
import type { Bench } from '../bench.ts'
import { treeCpuMs } from '../cost.ts'
import { type Ground, onGround } from '../ground.ts'
import { median, ratios } from '../report.ts'
import { layered, publish } from '../shapes.ts'
import { memoryFigure, ROUNDS } from '../throughput.ts'
import { arm } from './triggers.ts'

const FEW = 1_000
const TICKS = 2_000
const TICK_ROUNDS = 9
const LOOK_MS = 10_000

export async function idle(bench: Bench): Promise<void> {
  const many = bench.quick ? 100_000 : 1_000_000
  await onGround(few =>
    onGround(async crowded => {
      await armYearly(few, FEW)
      bench.say(`arming ${many.toLocaleString('en')} triggers: this takes a minute or two`)
      await armYearly(crowded, many)
      await idleDaemon(bench, few)
      await ticks(bench, { few, crowded, many })
    }),
  )
}

async function armYearly(ground: Ground, count: number): Promise<void> {
  const workflow = await publish(ground, layered('idle', 1, 1))
  await arm(ground, workflow, { count, schedule: '0 0 0 1 1 *' })
}

async function ticks(
  { figure }: Bench,
  { few, crowded, many }: { few: Ground; crowded: Ground; many: number },
): Promise<void> {
  const [one, other] = [pollerDeps(few), pollerDeps(crowded)]
  await tickMs(one)
  await tickMs(other)
  const [fewMs, manyMs]: [number[], number[]] = [[], []]
  for (let i = 0; i < TICK_ROUNDS; i++) {
    fewMs.push(await tickMs(one))
    manyMs.push(await tickMs(other))
  }
  const name = (count: number): string => `tick, ${count.toLocaleString('en')} enabled, none due`
  figure({ name: name(FEW), unit: 'ms', values: fewMs })
  figure({ name: name(many), unit: 'ms', values: manyMs })
  figure({
    name: `tick, times that with ${FEW.toLocaleString('en')}`,
    unit: '',
    values: ratios(manyMs, fewMs),
    bar: '≤ 1.2',
  })
}

function pollerDeps({ pool, queue, ids }: Ground): PollerDeps {
  return {
    pool,
    queue,
    ids,
    metrics: createMetrics(),
    clock: systemClock,
    databaseClock: createDatabaseClock(systemClock),
    log: silentLogger,
    pollInterval: 1_000,
  }
}

/** Of one tick, the median of many. */
async function tickMs(deps: PollerDeps): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < TICKS; i++) {
    const startedAt = performance.now()
    const { claimed, nextIn } = await tick(deps)
    times.push(performance.now() - startedAt)
    if (claimed !== 0 || nextIn === null) throw new Error(`a tick claimed ${claimed}; the next one is in ${nextIn} ms`)
  }
  return median(times)
}

/** Percent of a core. */
async function idleDaemon({ say, figure }: Bench, ground: Ground): Promise<void> {
  say(`looking at a daemon for ${(ROUNDS * LOOK_MS) / 1000} s`)
  const daemon = await ground.daemon()
  await systemClock.sleep(LOOK_MS / 2) // what starting left to do
  const meter = await ground.meter(daemon)
  const shares: { daemon: number; server: number }[] = []
  for (let i = 0; i < ROUNDS; i++) {
    const before = { daemon: treeCpuMs(daemon.pid), server: treeCpuMs(ground.postmaster), at: performance.now() }
    await systemClock.sleep(LOOK_MS)
    const share = (spent: number): number => (100 * spent) / (performance.now() - before.at)
    shares.push({
      daemon: share(treeCpuMs(daemon.pid) - before.daemon),
      server: share(treeCpuMs(ground.postmaster) - before.server),
    })
  }
  figure({ name: 'daemon CPU', unit: '% core', values: shares.map(share => share.daemon), bar: '≤ 1' })
  figure({ name: 'server CPU', unit: '% core', values: shares.map(share => share.server) })
  figure(memoryFigure([await meter.stop()]))
  await daemon.stop()
}
