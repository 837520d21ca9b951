// Plans that were made while tables were empty must not visit every row once they are full.
import { expect, test } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import { createMetrics } from '../../../src/base/metrics.ts'
import { createPool } from '../../../src/db/pool.ts'
import { sql } from '../../../src/db/sql.ts'
import { claimable } from '../../../src/queue/queue-store.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, documentOf } from '../../support/engine.ts'

const BURST = 2_000

test('a worker that was idle on empty tables visits no more than its own rows when a burst comes', async () => {
  const { url } = await createTestDatabase()
  const pool = createPool({ url, applicationName: 'mbflow:test', max: 1, log: silentLogger }) // one session, one plan each
  const over = Promise.withResolvers<void>()
  let completed = 0
  const executions = { inc: () => ++completed === 10 + BURST && over.resolve() }
  const engine = await createTestEngine(pool, { metrics: { ...createMetrics(), executions } })
  const workflowId = await engine.publish(documentOf(['a -> b']))
  await pool.executeSql('analyze public.executions, public.node_executions, pgboss.job_common')
  for (let i = 0; i < 10; i++) {
    const [id = ''] = await engine.begin(workflowId, [{}])
    const runner = engine.runner()
    await runner.start()
    await engine.ended(id)
    await runner.stop()
  }
  await engine.begin(
    workflowId,
    Array.from({ length: BURST }, () => ({})),
  )
  const read = async (): Promise<number> => {
    await pool.executeSql('select pg_stat_force_next_flush()')
    const [row] = await pool.rows<{ read: number }>(sql('test.read')`
      select sum(seq_tup_read) as read from pg_stat_user_tables where relname in ('job_common', 'executions', 'node_executions')`)
    return row?.read ?? Number.NaN
  }
  const before = await read()
  const runner = engine.runner({ slots: 200 })
  await runner.start()
  await over.promise
  await runner.stop()
  // ANALYZE itself reads the job table, a few times in all.
  expect((await read()) - before).toBeLessThan(5 * BURST)
  await engine.stop()
  await pool.end()
})

test('asking whether there is a job to claim does not visit those that are gone', async () => {
  const { pool } = await createTestDatabase()
  const engine = await createTestEngine(pool)
  const workflowId = await engine.publish(documentOf(['a']))
  for (let i = 0; i < BURST; i += 10)
    await engine.begin(
      workflowId,
      Array.from({ length: 10 }, () => ({})),
    )
  await pool.executeSql('delete from pgboss.job')
  const visited = async (): Promise<number> => {
    const [row] = await pool.rows<{ 'QUERY PLAN': [{ Plan: { 'Shared Hit Blocks': number } }] }>(
      sql('test.explain')`explain (analyze, buffers, format json) select ${claimable('exec')}`,
    )
    return row?.['QUERY PLAN'][0].Plan['Shared Hit Blocks'] ?? Number.NaN
  }
  // Whoever asks marks what is gone, once nobody else can see it any more.
  await expect.poll(visited, { timeout: 15_000 }).toBeLessThan(20)
  await engine.stop()
})
