// Secrets are used, come back in every way a server can give them back, and are nowhere: not in the database, not in the
// log, not in what a command shows.

import { pino } from 'pino'
import type { TObject } from 'typebox'
import { afterAll, expect, test } from 'vitest'
import { createHttpClient } from '../../../src/base/http-guard.ts'
import type { JsonObject } from '../../../src/base/json.ts'
import { createEvaluator } from '../../../src/expression/evaluator.ts'
import { nodeTypes } from '../../../src/node/registry.ts'
import { formsOf } from '../../support/canary.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, documentOf } from '../../support/engine.ts'
import { startStubServer } from '../../support/stub-server.ts'
import { everyRow } from '../schema/rows.ts'

/** Also a key that signs. */
const CANARY = 'canarySk/5d1c+7e90ABCDefgh01'
const encoded = Buffer.from(`bob:${CANARY}`).toString('base64')
const forms = formsOf(CANARY)

const lines: string[] = []
const log = pino({ level: 'trace' }, { write: line => void lines.push(line) })
const { pool } = await createTestDatabase()
const server = await startStubServer()
const http = createHttpClient({ allowPrivate: ['127.0.0.1'], userAgent: 'mbflow/test' })
const evaluator = createEvaluator({ size: 1, log })
await evaluator.start()
const engine = await createTestEngine(pool, { http, secrets: { find: async () => CANARY }, evaluator, log })
const runner = engine.runner()
await runner.start()
afterAll(async () => {
  await runner.stop()
  await engine.stop()
  await evaluator.stop()
  await http.close()
  await server.close()
})

const model = { provider: 'openai', model: 'm', prompt: 'hi', secret: 'crm' }
const basic = { auth: { scheme: 'basic', username: 'bob', secret: 'crm' } }
const bearer = { auth: { scheme: 'bearer', secret: 'crm' } }

/** What is asked for, how, and how it ends. */
const cases: readonly (readonly [
  what: string,
  status: string,
  node: { type: string; path: string; config: JsonObject },
])[] = [
  ['an answer of a model', 'completed', { type: 'llm', path: 'openai?leak', config: model }],
  ['an error of a model that is tried again', 'failed', { type: 'llm', path: 'tattling/500', config: model }],
  ['a header that comes back', 'completed', { type: 'http', path: 'echo', config: bearer }],
  ['a password that comes back encoded', 'completed', { type: 'http', path: 'echo', config: basic }],
  ['an error page', 'failed', { type: 'http', path: 'tattling/403', config: basic }],
  [
    'templates of every field',
    'completed',
    {
      type: 'http',
      path: 'echo/{{ secrets.crm }}',
      config: {
        method: 'POST',
        query: { key: '{{ secrets.crm }}' },
        headers: { 'x-key': 'Token {{ secrets.crm }}' },
        body: { key: '{{ secrets.crm }}' },
      },
    },
  ],
  ['an answer in hex', 'completed', { type: 'http', path: 'tattling/200?as=hex', config: bearer }],
  ['an answer in base64', 'completed', { type: 'http', path: 'tattling/200?as=base64', config: bearer }],
  [
    'what an expression says of it',
    'failed',
    { type: 'http', path: 'echo', config: { ...bearer, next_page: '$number(body.headers.authorization)' } },
  ],
  [
    'a signature by it, and a header that comes back',
    'completed',
    { type: 'webhook', path: 'echo', config: { secret: 'crm', headers: { 'x-key': '{{ secrets.crm }}' } } },
  ],
  [
    'a receiver that tells it on',
    'failed',
    {
      type: 'webhook',
      path: 'status/403?body={{ secrets.crm }}',
      config: { secret: 'crm', body: '{{ secrets.crm }}' },
    },
  ],
  [
    'a receiver that tells on where to call back',
    'failed',
    {
      type: 'webhook',
      path: 'tattling/500',
      config: { secret: 'crm', headers: { 'x-at': '{{ callback.url }}' }, wait_for_callback: {} },
    },
  ],
  [
    'a config that does not fit',
    'failed',
    { type: 'http', path: 'echo', config: { method: 'GET', body: '{{ secrets.crm }}', body_type: 'form' } },
  ],
]

test.each(cases)('%s does not give a secret away', async (what, status, { type, path, config }) => {
  const url = `${server.url}/${path}`
  const asks = {
    ...{ type, policy: { retry: { max_attempts: 2, delay_ms: 1 } } },
    config: { ...config, ...(type === 'llm' ? { base_url: url } : { url }) },
  }
  const { nodes, edges } = documentOf(['ask -> next'])
  const id = await engine.publish({
    name: what,
    nodes: nodes.map(node => (node.key === 'ask' ? { ...node, ...asks } : node)),
    edges,
  })
  const [execution = ''] = await engine.begin(id, [{}])
  const shown = await engine.ended(execution)
  expect(shown).toMatchObject({ status })
  const seen = [await everyRow(pool), JSON.stringify(shown), ...lines].join('\n')
  for (const form of forms) expect(seen).not.toContain(form)
})

test('every type that takes secrets is among these', () => {
  const takes = [...nodeTypes.values()].filter(
    ({ secrets, configSchema }) => secrets !== undefined || 'secret' in (configSchema as TObject).properties,
  )
  expect(takes.map(({ type }) => type).sort()).toEqual([...new Set(cases.map(([, , { type }]) => type))].sort())
})

test('of the URL where a node is called back nothing is kept but a hash', async () => {
  const urls = server.requests.flatMap(({ headers }) => headers['x-at'] ?? [])
  expect(urls).toHaveLength(2)
  for (const url of urls) expect(await everyRow(pool)).not.toContain(String(url).split('/').at(-1))
})

test('the servers were sent the secret, and the database says where it was', async () => {
  expect(server.requests.some(({ headers }) => headers.authorization === `Bearer ${CANARY}`)).toBe(true)
  expect(server.requests.some(({ headers }) => headers.authorization === `Basic ${encoded}`)).toBe(true)
  expect(await everyRow(pool)).toContain('[secret crm]')
})
