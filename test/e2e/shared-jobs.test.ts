// Executions that share jobs, in real processes: what ends a worker ends it for itself.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { notify } from '../../src/db/listener.ts'
import { sql } from '../../src/db/sql.ts'
import { createTestDatabase } from '../support/database.ts'
import { createTestEngine, documentOf } from '../support/engine.ts'
import { startMbflow } from '../support/processes.ts'
import { makeFolder } from './embedded-folder.ts'

const PLUGIN = `
import { defineNodeType, Type } from 'mbflow/plugin'
const configSchema = Type.Object({}, { additionalProperties: false })
export const poison = defineNodeType({
  type: 'acme/poison', summary: 'Ends its worker if it is the seventh.', configSchema, expressions: [],
  async execute(_, { scope }) {
    if (scope.input.nth === 7) setTimeout(() => process.kill(process.pid, 'SIGKILL'), 200)
    if (scope.input.nth === 7) await new Promise(() => {})
    return { kind: 'completed', output: null }
  },
})
`
/** In jobs of ten. */
const TOGETHER = 100

test('of ten that share a job the one that ends its worker is by itself once it did; the nine others complete', {
  timeout: 90_000,
}, async () => {
  const folder = await makeFolder()
  onTestFinished(() => folder.remove())
  await writeFile(join(folder.root, 'poison.ts'), PLUGIN)
  const { pool, url } = await createTestDatabase()
  const engine = await createTestEngine(pool)
  onTestFinished(() => engine.stop())
  const version = await engine.publish(documentOf(['a'], { type: 'acme/poison' }))
  const inputs = Array.from({ length: TOGETHER }, (_, nth) => ({ nth }))
  const ids = await engine.begin(version, inputs)
  const env = { DATABASE_URL: url, PORT: '0', MBFLOW_LOG_FORMAT: 'json', MBFLOW_CONCURRENCY: '3' }

  const completed = async (): Promise<number> => {
    const [row] = await pool.rows<{ count: number }>(sql('test.completed')`
      select count(*) from public.executions where status = 'completed'`)
    return row?.count ?? 0
  }
  /** Until it is ended, or nothing is left but the poison. */
  async function work(): Promise<void> {
    const daemon = startMbflow(['start', '--no-migrate', '--plugin', './poison.ts'], { cwd: folder.root, env })
    await notify(pool, 'jobs')
    let isGone = false
    void daemon.ended.then(() => {
      isGone = true
    })
    while (!isGone && (await completed()) < TOGETHER - 1) await systemClock.sleep(20)
    expect(await daemon.ended).toMatchObject({ signal: 'SIGKILL' })
    await pool.run(sql('test.lapse')`update pgboss.job set state = 'retry' where state = 'active'`)
  }

  const left: number[] = []
  for (let daemons = 0; daemons < 3; daemons++) {
    await work()
    left.push(TOGETHER - (await completed()))
  }
  expect(left.at(-1)).toBe(1)
  const poison = ids[7] ?? ''
  const types = (await engine.eventLog.read(poison)).map(event => event.body.type)
  expect(types).toContain('execution_handed_over')
  const jobs = await pool.rows(sql('test.queued')`select data from pgboss.job`)
  expect(jobs).toEqual([{ data: { executionId: poison, turn: 1 } }])
  expect(await engine.violations()).toEqual([])
})
