import { once } from 'node:events'
import { request as send } from 'node:http'
import { json } from 'node:stream/consumers'
import { afterAll, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine } from '../../support/engine.ts'
import { createTestHooks } from '../../support/hooks.ts'

const { pool } = await createTestDatabase()
const engine = await createTestEngine(pool)
const hooks = await createTestHooks(engine)
afterAll(async () => {
  await hooks.stop()
  await engine.stop()
})

const JSON_TYPE = { 'content-type': 'application/json' }

/** Unlike fetch, any header may be sent. */
async function fire(word: string, body: unknown = '', headers: Record<string, string> = JSON_TYPE) {
  const url = `${hooks.url}/api/v1/triggers/${encodeURIComponent(word)}/fire`
  const outgoing = send(url, { method: 'POST', headers })
  outgoing.end(typeof body === 'string' ? body : JSON.stringify(body))
  const [answer] = await once(outgoing, 'response')
  return { status: answer.statusCode as number, body: (await json(answer)) as JsonObject }
}

test('a trigger is fired by its name, its key or its id, and the answer names the execution', async () => {
  const { id, key, workflowName } = await hooks.create('manual', { input: { who: 'you', how: 'well' } })
  const { status, body } = await fire(`${workflowName}/${key}`, { input: { who: 'Ada' }, priority: 7 })
  expect([status, body]).toEqual([
    202,
    {
      status: 'accepted',
      reason: null,
      execution_id: expect.any(String),
      fire_key: expect.any(String),
      repeated: false,
    },
  ])
  const { rows } = await pool.executeSql('select input_data, priority from public.executions where id = $1', [
    body.execution_id,
  ])
  expect(rows).toEqual([{ input_data: { who: 'Ada', how: 'well' }, priority: 7 }])
  expect((await fire(key)).status).toBe(202)
  expect((await fire(id, {})).status).toBe(202)
})

test('the same Idempotency-Key starts one execution, however often it comes, and means nothing else', async () => {
  const { id } = await hooks.create('manual', {})
  const headers = { ...JSON_TYPE, 'idempotency-key': 'order 4711' }
  const answers = await Promise.all(Array.from({ length: 20 }, () => fire(id, { input: { n: 1 } }, headers)))
  expect(new Set(answers.map(({ body }) => body.execution_id)).size).toBe(1)
  expect(answers.filter(({ body }) => body.repeated === false)).toHaveLength(1)
  expect(await hooks.countExecutions(id)).toBe(1)
  expect(await fire(id, { input: { n: 2 } }, headers)).toMatchObject({
    status: 409,
    body: { code: 'REQUEST_CONFLICT' },
  })
})

test('what cannot be carried out is refused, and says why', async () => {
  const input_schema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }
  const { id } = await hooks.create('manual', { input_schema })
  expect(await fire('nobody')).toMatchObject({ status: 404, body: { code: 'TRIGGER_NOT_FOUND' } })
  expect(await fire(id, { input: { n: 'x' } })).toMatchObject({ status: 400, body: { code: 'INPUT_INVALID' } })
  const unknown = await fire(id, { inptu: {}, input: [], priority: 'high' })
  expect((unknown.body.problems as JsonObject[]).map(({ path }) => path)).toEqual(['inptu', 'input', 'priority'])
  expect(await fire(id, [1])).toMatchObject({ status: 400, body: { problems: [{ message: 'must be an object' }] } })
  expect(await fire(id, { input: { n: 1 }, priority: 1e6 })).toMatchObject({
    status: 400,
    body: { code: 'INPUT_INVALID' },
  })
  expect(await fire(id, '{"input":')).toMatchObject({ status: 400, body: { code: 'BODY_INVALID' } })
  expect(await fire(id, {}, { 'idempotency-key': 'ö', ...JSON_TYPE })).toMatchObject({ status: 400 })
  expect(await hooks.countExecutions(id)).toBe(0)
})

test.each<{ what: string; headers: Record<string, string>; body?: string; status: number; code: string }>([
  {
    what: 'a request that a proxy passes on',
    headers: { ...JSON_TYPE, 'x-forwarded-for': '203.0.113.9' },
    status: 403,
    code: 'FIRE_CLOSED',
  },
  {
    what: 'a page that reaches us under a name of its own',
    headers: { ...JSON_TYPE, host: 'evil.example' },
    status: 403,
    code: 'FIRE_CLOSED',
  },
  {
    what: 'a page that sends a request without a body',
    headers: {},
    body: '',
    status: 415,
    code: 'MEDIA_TYPE_UNSUPPORTED',
  },
  {
    what: 'a page that sends text',
    headers: { 'content-type': 'text/plain' },
    status: 415,
    code: 'MEDIA_TYPE_UNSUPPORTED',
  },
])('$what fires nothing', async ({ headers, body = '{}', status, code }) => {
  const { id } = await hooks.create('manual', {})
  expect(await fire(id, body, headers)).toMatchObject({ status, body: { code } })
  expect(await hooks.countExecutions(id)).toBe(0)
})

test('a fire that its policy skips says so', async () => {
  const { id } = await hooks.create('manual', { cooldown: '1h' })
  await fire(id)
  expect(await fire(id)).toMatchObject({
    status: 202,
    body: { status: 'skipped', reason: 'cooldown', execution_id: null },
  })
})
