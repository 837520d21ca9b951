// Executions that share jobs, in real processes: what one of them does to its worker is not felt by the others.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { notify } from '../../src/db/listener.ts'
import { sql } from '../../src/db/sql.ts'
import { createTestDatabase } from '../support/database.ts'
import { createTestEngine, documentOf } from '../support/engine.ts'
import { type Running, startMbflow } from '../support/processes.ts'
import { makeFolder } from './embedded-folder.ts'

const PLUGIN = `
import { defineNodeType, Type } from 'mbflow/plugin'
const configSchema = Type.Object({}, { additionalProperties: false })
export const odd = defineNodeType({
  type: 'acme/odd', summary: 'Ends its worker, or never ends, if the input says so.', configSchema, expressions: [],
  async execute(_, { scope: { input } }) {
    if (input === 'kill') setTimeout(() => process.kill(process.pid, 'SIGKILL'), 200)
    if (input !== null) await new Promise(() => {})
    return { kind: 'completed', output: null }
  },
})
`

/** Executions that begin together, of which one is odd, and daemons for them. */
async function stage(input: 'kill' | 'hang', count: number) {
  const folder = await makeFolder()
  onTestFinished(() => folder.remove())
  await writeFile(join(folder.root, 'odd.ts'), PLUGIN)
  const { pool, url } = await createTestDatabase()
  const engine = await createTestEngine(pool)
  onTestFinished(() => engine.stop())
  const version = await engine.publish(documentOf(['a'], { type: 'acme/odd' }))
  const nth = 0
  return {
    pool,
    engine,
    start(more: Readonly<Record<string, string>>): Running {
      const env = { DATABASE_URL: url, PORT: '0', MBFLOW_LOG_FORMAT: 'json', ...more }
      return startMbflow(['start', '--no-migrate', '--plugin', './odd.ts'], { cwd: folder.root, env })
    },
    /** Resolves to the odd one. */
    async begin(): Promise<string> {
      const inputs = Array.from({ length: count }, (_, i) => (i === nth ? input : null))
      const ids = await engine.begin(version, inputs)
      await notify(pool, 'jobs')
      return ids[nth] ?? ''
    },
    async left(): Promise<number> {
      const [row] = await pool.rows<{ left: number }>(sql('test.left')`
        select count(*) as left from public.executions where status <> 'completed'`)
      return row?.left ?? 0
    },
  }
}

test('of ten that share a job the one that ends its worker is by itself once it did; the nine others complete', {
  timeout: 90_000,
}, async () => {
  const { pool, engine, start, begin, left } = await stage('kill', 100)
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
  const { start, begin, left } = await stage('hang', 20)
  const daemons = [1, 2].map(() => start({ MBFLOW_CONCURRENCY: '1', MBFLOW_POLL_INTERVAL: '1m' }))
  await Promise.all(daemons.map(daemon => daemon.line(/is running/)))
  await begin()
  for (const patience = AbortSignal.timeout(8_000); (await left()) > 1; await systemClock.sleep(50))
    expect(patience.aborted, 'it waits').toBe(false)
})
