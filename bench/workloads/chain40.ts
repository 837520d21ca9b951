// Forty nodes one after the other: fifty executions at once, and one alone on an idle system.
import { sql } from '../../src/db/sql.ts'
import { bareTimes } from '../bare.ts'
import type { Bench } from '../bench.ts'
import { type Ground, onGround } from '../ground.ts'
import { quantile, ratios } from '../report.ts'
import { type Batch, begin, layered, over, publish, requireRecorded, type Workflow } from '../shapes.ts'
import { ROUNDS, throughput } from '../throughput.ts'

const SHAPE = layered('chain40', 40, 1)

export async function run(bench: Bench): Promise<void> {
  // A daemon that holds fifty executions, with enough of them waiting that fifty are always in flight.
  const env = { MBFLOW_CONCURRENCY: '50' }
  await throughput(bench, { shape: SHAPE, count: 1_000, env, bars: { ratio: '≥ 0.6' } })
  await onGround(ground => alone(bench, ground))
}

async function alone({ quick, figure }: Bench, ground: Ground): Promise<void> {
  const workflow = await publish(ground, SHAPE)
  await ground.daemon()
  const runs = quick ? 10 : 50
  await timesOf(ground, workflow, 20) // warms up
  await bareTimes(ground, workflow, 20)
  const rounds: number[][] = []
  const limits: number[][] = []
  for (let i = 0; i < ROUNDS; i++) {
    rounds.push(await timesOf(ground, workflow, runs))
    limits.push(await bareTimes(ground, workflow, runs))
  }
  const p50s = rounds.map(times => quantile(times, 0.5))
  const limitP50s = limits.map(times => quantile(times, 0.5))
  figure({ name: 'alone, total p50', unit: 'ms', values: p50s, bar: '≤ 40' })
  figure({ name: 'alone, total p99', unit: 'ms', values: rounds.map(times => quantile(times, 0.99)) })
  figure({ name: 'alone, bare limit p50', unit: 'ms', values: limitP50s })
  figure({ name: 'alone, times the bare limit', unit: '', values: ratios(p50s, limitP50s) })
}

/** Milliseconds from when an execution was begun until it was over, by the database's clock; one after the other. */
async function timesOf(ground: Ground, workflow: Workflow, count: number): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const batch = await begin(ground, workflow, { count: 1 })
    await over(ground, batch)
    await requireRecorded(ground, batch)
    times.push(await timeOf(ground, batch))
  }
  return times
}

async function timeOf({ pool }: Ground, { first }: Batch): Promise<number> {
  const [row] = await pool.rows<{ ms: number }>(sql('bench.time')`
    select (extract(epoch from completed_at - created_at) * 1000)::float8 as ms from public.executions where id = ${first}`)
  return row?.ms ?? Number.NaN
}
