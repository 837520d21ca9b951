// The monitoring queries of the migrations README, word for word, as one would paste them.
import { expect, test } from 'vitest'
import { createTestDatabase } from '../../support/database.ts'
import { insert, insertOneOfEach, select } from './rows.ts'

const { pool } = await createTestDatabase()
const { workflow, execution } = await insertOneOfEach(pool)
const [begun, ended] = [new Date(Date.now() - 60_000), new Date(Date.now() - 50_000)]
const own = { workflow_id: workflow?.id, started_at: begun }
await insert(pool, 'executions', { ...own, status: 'running' })
await insert(pool, 'executions', { ...own, status: 'completed', completed_at: ended })
await insert(pool, 'executions', { ...own, status: 'failed', completed_at: ended, error: 'node a: no' })
await insert(pool, 'executions', {
  ...own,
  status: 'failed',
  completed_at: ended,
  error: 'old',
  created_at: new Date(0),
})

test('active executions', async () => {
  expect(await select(pool, "SELECT COUNT(*) FROM executions WHERE status = 'running';")).toEqual([{ count: 1 }])
})

test('failed executions in last 24 hours', async () => {
  const query = `SELECT COUNT(*) FROM executions
WHERE status = 'failed' AND created_at > NOW() - INTERVAL '24 hours';`
  expect(await select(pool, query)).toEqual([{ count: 1 }])
})

test('average execution duration', async () => {
  const query = `SELECT AVG(completed_at - started_at) AS avg_duration
FROM executions WHERE status = 'completed';`
  expect(await select(pool, query)).toEqual([{ avg_duration: expect.objectContaining({ seconds: 10 }) }])
})

test('event count per execution', async () => {
  const query = `SELECT execution_id, COUNT(*) as event_count
FROM events GROUP BY execution_id ORDER BY event_count DESC LIMIT 10;`
  expect(await select(pool, query)).toEqual([{ execution_id: execution?.id, event_count: 1 }])
})

test('top workflows by execution count', async () => {
  const query = `SELECT w.name, COUNT(e.id) as exec_count
FROM workflows w
LEFT JOIN executions e ON w.id = e.workflow_id
GROUP BY w.id, w.name
ORDER BY exec_count DESC LIMIT 10;`
  expect(await select(pool, query)).toEqual([{ name: workflow?.name, exec_count: 5 }])
})
