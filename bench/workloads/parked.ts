// Executions that wait for a time: what a hundred thousand of them cost a daemon meanwhile, how late they are woken when
// five hundred of them are due each second, and how long a storm takes, all of them due at one instant.
import { readFileSync } from 'node:fs'
import { systemClock } from '../../src/base/clock.ts'
import { sql } from '../../src/db/sql.ts'
import type { Bench } from '../bench.ts'
import { type Daemon, type Ground, onGround } from '../ground.ts'
import { quantile } from '../report.ts'
import { begin, over, publish, type Shape } from '../shapes.ts'
import { memoryFigure, ROUNDS } from '../throughput.ts'

const COUNT = 100_000
/** How many come to their time in a second. */
const DUE_PER_S = 500
/** For parking so many, at the least, and for looking at those that are parked. */
const PARKED_PER_S = 1_000
const LOOKING_MS = 60_000
const SETTLED_MS = 3_000
const BREATH_MS = 15_000

const wait = (key: string) => ({ key, name: key, type: 'delay', config: { until: `{{ input.${key} }}` }, policy: {} })
const shape: Shape = {
  name: 'parked',
  waves: 2,
  nodes: [wait('spread'), wait('storm')],
  edges: [{ source: 'spread', target: 'storm', condition: null }],
  events: [],
}

export async function run({ quick, say, figure }: Bench): Promise<void> {
  const count = quick ? COUNT / 10 : COUNT
  const spread = (1_000 * count) / DUE_PER_S
  await onGround(async ground => {
    const empty = await memoryOf(ground)
    const workflow = await publish(ground, shape)
    const first = systemClock.now() + (1_000 * count) / PARKED_PER_S + LOOKING_MS
    const storm = new Date(first + spread + BREATH_MS)
    say(`parking ${count.toLocaleString('en')} executions`)
    const parker = await ground.daemon()
    const input = (nth: number) => ({ spread: new Date(first + (spread * nth) / count), storm })
    const batch = await begin(ground, workflow, { count, input: nth => JSON.parse(JSON.stringify(input(nth))) })
    await until(() => areParked(ground, count), first)
    await parker.stop()

    const full = await memoryOf(ground)
    figure({
      name: `memory of a daemon that begins among ${count.toLocaleString('en')} parked, more than among none`,
      unit: 'MB',
      values: full.map((bytes, i) => (bytes - (empty[i] ?? 0)) / 1e6),
      bar: '≤ 5',
    })
    say(`their times come within ${spread / 1000} s`)
    const daemon = await ground.daemon()
    if (systemClock.now() > first) throw new Error('their times came before there was a daemon to wake them')
    const meter = await ground.meter(daemon)
    await systemClock.sleep(first + spread + BREATH_MS / 2 - systemClock.now())
    const [median, most, last] = await lateness(ground, 'spread', count)
    figure({ name: 'spread: late, median', unit: 'ms', values: [median] })
    figure({ name: 'spread: late, 99 %', unit: 'ms', values: [most] })
    figure({ name: 'spread: late, the last', unit: 'ms', values: [last], bar: '≤ 2000' })
    say('and the storm')
    await over(ground, batch)
    const storms = await lateness(ground, 'storm', count)
    figure({ name: 'storm: late, median', unit: 'ms', values: [storms[0]] })
    figure({ name: 'storm: late, the last', unit: 'ms', values: [storms[2]] })
    figure(memoryFigure([await meter.stop()]))
  })
}

/** Of daemons that have just begun and have nothing to do, in bytes. */
async function memoryOf(ground: Ground): Promise<number[]> {
  const found: number[] = []
  for (let i = 0; i < ROUNDS; i++) {
    const daemon = await ground.daemon()
    await systemClock.sleep(SETTLED_MS)
    found.push(residentBytes(daemon))
    await daemon.stop()
  }
  return found
}

function residentBytes({ pid }: Daemon): number {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}

async function areParked({ pool }: Ground, count: number): Promise<boolean> {
  const [row] = await pool.rows<{ count: number }>(sql('bench.parked')`
    select count(*) as count from public.executions where parked_reason = 'delay'`)
  return row?.count === count
}

async function until(holds: () => Promise<boolean>, latest: number): Promise<void> {
  for (; !(await holds()); await systemClock.sleep(500))
    if (systemClock.now() > latest) throw new Error('their times came before all of them were parked')
}

/**
 * From the time that a node waited for until it was over, by the database's clock: the median, 99 % and the most. Throws
 * unless all of them are over, none of them before its time.
 */
async function lateness({ pool }: Ground, node: string, count: number): Promise<[number, number, number]> {
  const rows = await pool.rows<{ ms: number }>(sql('bench.lateness')`
    select (extract(epoch from x.completed_at - (e.input_data ->> ${node})::timestamptz) * 1000)::float8 as ms
    from public.node_executions x
    join public.nodes n on n.id = x.node_id
    join public.executions e on e.id = x.execution_id
    where n.key = ${node} and x.status = 'completed'`)
  if (rows.length !== count) throw new Error(`${rows.length} of ${count} have come to the end of "${node}"`)
  const times = rows.map(({ ms }) => ms)
  if (quantile(times, 0) < 0) throw new Error('some came to their end before their time')
  return [quantile(times, 0.5), quantile(times, 0.99), quantile(times, 1)]
}
