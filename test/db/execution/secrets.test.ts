// A secret is used, comes back, and is nowhere in the database.
import { afterAll, expect, test } from 'vitest'
import { createHttpClient } from '../../../src/base/http-guard.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, documentOf } from '../../support/engine.ts'
import { startStubServer } from '../../support/stub-server.ts'
import { select } from '../schema/rows.ts'

const CANARY = 'sk-canary-5d1c7e90'

const { pool } = await createTestDatabase()
const server = await startStubServer()
const http = createHttpClient({ allowPrivate: ['127.0.0.1'], userAgent: 'mbflow/test' })
const engine = await createTestEngine(pool, { http, secrets: { find: async () => CANARY } })
const runner = engine.runner()
await runner.start()
afterAll(async () => {
  await runner.stop()
  await engine.stop()
  await http.close()
  await server.close()
})

const ask = (path: string) => ({
  ...{ type: 'llm', policy: { retry: { max_attempts: 2, delay_ms: 1 } } },
  config: { provider: 'openai', model: 'm', prompt: 'hi', secret: 'crm', base_url: `${server.url}/${path}` },
})

test.each([
  ['an answer', 'openai?leak', 'completed'],
  ['an error that is tried again', 'tattling/500', 'failed'],
])('a secret within %s is neither in rows nor in events nor in jobs', async (_, path, status) => {
  const { nodes, edges } = documentOf(['ask -> next'])
  const id = await engine.publish({
    name: path,
    nodes: nodes.map(node => (node.key === 'ask' ? { ...node, ...ask(path) } : node)),
    edges,
  })
  const [execution = ''] = await engine.begin(id, [{}])
  expect(await engine.ended(execution)).toMatchObject({ status })
  expect(server.requests.at(-1)?.headers.authorization).toBe(`Bearer ${CANARY}`)
  const dump = await everything()
  expect(dump).toContain('[secret crm]')
  expect(dump).not.toContain(CANARY)
})

/** Every row of every table, the queue's too. */
async function everything(): Promise<string> {
  const tables = await select(
    pool,
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('public', 'pgboss')`,
  )
  const rows = await Promise.all(tables.map(({ name }) => select(pool, `select t::text as row from ${name} t`)))
  return rows
    .flat()
    .map(({ row }) => row)
    .join('\n')
}
