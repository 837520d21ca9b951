// Executions that share jobs, in real processes: what one of them does to its worker is not felt by the
// others, and what is done to their workers is not felt by any.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { Json } from '../../src/base/json.ts'
import { notify } from '../../src/db/listener.ts'
import type { Pool } from '../../src/db/pool.ts'
import { sql } from '../../src/db/sql.ts'
import { createTestDatabase } from '../support/database.ts'
import { createTestEngine, documentOf } from '../support/engine.ts'
import { type Running, startMbflow } from '../support/processes.ts'
import { makeFolder } from './embedded-folder.ts'

const PLUGIN = `
import { defineNodeType, Type } from 'mbflow/plugin'
const configSchema = Type.Object({}, { additionalProperties: false })
export const odd = defineNodeType({
  type: 'acme/odd', summary: 'Ends its worker, takes so many milliseconds, or never ends, if the input says so.', configSchema, expressions: [],
  async execute(_, { scope: { input } }) {
    if (input === 'kill') setTimeout(() => process.kill(process.pid, 'SIGKILL'), 200)
    if (input !== null) await new Promise(end => typeof input === 'number' && setTimeout(end, input))
    return { kind: 'completed', output: null }
  },
})
`

/** Executions that begin together, and daemons for them. */
async function stage(inputs: readonly Json[]) {
  const folder = await makeFolder()
  onTestFinished(() => folder.remove())
  await writeFile(join(folder.root, 'odd.ts'), PLUGIN)
  const { pool, url } = await createTestDatabase()
  const engine = await createTestEngine(pool)
  onTestFinished(() => engine.stop())
  const version = await engine.publish(documentOf(['a'], { type: 'acme/odd' }))
  return {
    pool,
    engine,
    start(more: Readonly<Record<string, string>>): Running {
      const env = { DATABASE_URL: url, PORT: '0', MBFLOW_LOG_FORMAT: 'json', ...more }
      return startMbflow(['start', '--no-migrate', '--plugin', './odd.ts'], { cwd: folder.root, env })
    },
    /** Resolves to the first one. */
    async begin(some = inputs): Promise<string> {
      const [first = ''] = await engine.begin(version, some)
      await notify(pool, 'jobs')
      return first
    },
    async left(): Promise<number> {
      const [row] = await pool.rows<{ left: number }>(sql('test.left')`
        select count(*) as left from public.executions where status <> 'completed'`)
      return row?.left ?? 0
    },
  }
}

/** The first of so many is odd. */
const oneOdd = (input: string, count: number): Json[] => [input, ...Array.from({ length: count - 1 }, () => null)]

test('of ten that share a job the one that ends its worker is by itself once it did; the nine others complete', {
  timeout: 90_000,
}, async () => {
  const { pool, engine, start, begin, left } = await stage(oneOdd('kill', 100))
  const poison = await begin()
  for (let daemons = 0; daemons < 3; daemons++) {
    const daemon = start({ MBFLOW_CONCURRENCY: '3' })
    expect(await daemon.ended).toMatchObject({ signal: 'SIGKILL' })
    await pool.run(sql('test.lapse')`update pgboss.job set state = 'retry' where state = 'active'`)
  }
  expect(await left()).toBe(1)
  const types = (await engine.eventLog.read(poison)).map(event => event.body.type)
  expect(types).toContain('execution_handed_over')
  const jobs = await pool.rows(sql('test.queued')`select data from pgboss.job`)
  expect(jobs).toEqual([{ data: { executionId: poison, turn: 1 } }])
  expect(await engine.violations()).toEqual([])
})

test('what a daemon finds no slot for is taken by another at once, not when that looks for itself', {
  timeout: 60_000,
}, async () => {
  const { start, begin, left } = await stage(oneOdd('hang', 20))
  const daemons = [1, 2].map(() => start({ MBFLOW_CONCURRENCY: '1', MBFLOW_POLL_INTERVAL: '1m' }))
  await Promise.all(daemons.map(daemon => daemon.line(/is running/)))
  await begin()
  for (const patience = AbortSignal.timeout(8_000); (await left()) > 1; await systemClock.sleep(50))
    expect(patience.aborted, 'it waits').toBe(false)
})

test('of three daemons one is killed and one stopped past its lease: all ends once, and the stopped one changes not a row', {
  timeout: 90_000,
}, async () => {
  const count = 300
  const { pool, engine, start, begin, left } = await stage(Array.from({ length: count }, (_, i) => 20 + (i % 10) * 20))
  const [killed, stopped, last] = [1, 2, 3].map(() => start({ MBFLOW_CONCURRENCY: '10' })) as [
    Running,
    Running,
    Running,
  ]
  await Promise.all([killed, stopped, last].map(daemon => daemon.line(/is running/)))
  const until = async (most: number): Promise<void> => {
    for (const patience = AbortSignal.timeout(40_000); (await left()) > most; await systemClock.sleep(20))
      expect(patience.aborted, 'it waits').toBe(false)
  }
  await begin()
  await until(count - 60)
  stopped.send('SIGSTOP')
  await killed.stop('SIGKILL')
  await until(0)
  expect(await last.stop('SIGTERM')).toEqual({ code: 0, signal: null })
  const before = await contents(pool)
  expect(before).toMatchObject({ nodes: count, jobs: 0 })
  expect(before.separated).toBeGreaterThan(0)

  stopped.send('SIGCONT')
  const next = await begin([0])
  expect(await engine.ended(next)).toMatchObject({ status: 'completed' })
  expect(await stopped.stop('SIGTERM')).toEqual({ code: 0, signal: null })
  expect(await contents(pool, next)).toEqual(before)
  expect(await engine.violations()).toEqual([])
})

/** What the database holds of all executions but one. */
async function contents(pool: Pool, but?: string): Promise<Record<string, unknown>> {
  const [row] = await pool.rows<Record<string, unknown>>(sql('test.contents')`
    with e as (select * from public.executions where id is distinct from ${but ?? null}::uuid),
      v as (select * from public.events where execution_id is distinct from ${but ?? null}::uuid)
    select (select count(*) from v where event_type = 'node_completed') as nodes,
      (select count(*) from v where event_type = 'execution_handed_over') as separated,
      (select count(*) from pgboss.job) as jobs,
      (select md5(string_agg(e::text, E'\n' order by id)) from e) as executions,
      (select md5(string_agg(x::text, E'\n' order by id)) from public.node_executions x
        where execution_id in (select id from e)) as attempts,
      (select md5(string_agg(v::text, E'\n' order by execution_id, sequence)) from v) as events`)
  return row ?? {}
}
