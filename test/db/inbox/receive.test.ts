import { createHmac } from 'node:crypto'
import { afterAll, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json.ts'
import { sql } from '../../../src/db/sql.ts'
import { disableTrigger, editTrigger, enableTrigger } from '../../../src/trigger/arm.ts'
import { rotateToken } from '../../../src/trigger/hooks.ts'
import { pauseTrigger, resumeTrigger } from '../../../src/trigger/pause.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine } from '../../support/engine.ts'
import { createTestHooks, SECRETS } from '../../support/hooks.ts'

const { pool } = await createTestDatabase()
const engine = await createTestEngine(pool)
const hooks = await createTestHooks(engine)
afterAll(async () => {
  await hooks.stop()
  await engine.stop()
})

const GITHUB = { auth: { scheme: 'github', secrets: ['shared'] } }
const OPEN = { auth: { scheme: 'none' } }

function signed(body: string, delivery: string): Record<string, string> {
  const digest = createHmac('sha256', SECRETS.shared ?? '')
    .update(body)
    .digest('hex')
  return { 'x-hub-signature-256': `sha256=${digest}`, 'x-github-delivery': delivery }
}

const answer = async (response: Response) => ({ status: response.status, ...((await response.json()) as object) })

test('a delivery is answered 202 with the execution it has started', async () => {
  const { trigger, post } = await hooks.hook(GITHUB)
  const response = await post('{"ref":"main"}', signed('{"ref":"main"}', 'one'))
  const [row] = await hooks.ledger(trigger.id)
  expect(await response.json()).toEqual({
    status: 'accepted',
    reason: null,
    execution_id: row?.execution,
    repeated: false,
  })
  expect([response.status, response.headers.get('mbflow-execution-id')]).toEqual([202, row?.execution])
  expect(row).toMatchObject({ key: 'dlv:one', disposition: 'fired', from: null })
})

test('the execution is told what came, and nothing that proves where from', async () => {
  const { trigger, post, url } = await hooks.hook(GITHUB)
  await post('{"ref":"main"}', { ...signed('{"ref":"main"}', 'two'), cookie: 'a=b', 'x-team': 'b' })
  const [{ input } = {}] = await pool.rows<{ input: unknown }>(
    sql('test.input')`select input_data as input from public.executions where trigger_id = ${trigger.id}`,
  )
  expect(input).toMatchObject({
    body: { ref: 'main' },
    method: 'POST',
    query: {},
    headers: { 'x-team': 'b' },
  })
  const text = JSON.stringify(input)
  for (const hidden of ['sha256=', 'a=b', url.slice(-32), SECRETS.shared]) expect(text).not.toContain(hidden)
})

test('a delivery that comes again is answered with what came of it, and does not run again', async () => {
  const { trigger, post } = await hooks.hook(GITHUB)
  const first = await answer(await post('{}', signed('{}', 'one')))
  const second = await answer(await post('{}', signed('{}', 'one')))
  expect(second).toEqual({ ...first, repeated: true })
  expect(await hooks.countExecutions(trigger.id)).toBe(1)
})

test('the same delivery sent fifty times at once runs once', async () => {
  const { trigger, post } = await hooks.hook(GITHUB)
  const answers = await Promise.all(
    Array.from({ length: 50 }, async () => answer(await post('{}', signed('{}', 'one')))),
  )
  expect(new Set(answers.map(one => JSON.stringify({ ...one, repeated: null }))).size).toBe(1)
  expect(answers.filter(one => 'repeated' in one && one.repeated === false)).toHaveLength(1)
  expect(await hooks.countExecutions(trigger.id)).toBe(1)
})

test('the id of a delivery with another body is refused', async () => {
  const { trigger, post } = await hooks.hook(GITHUB)
  await post('{"n":1}', signed('{"n":1}', 'one'))
  expect(await answer(await post('{"n":2}', signed('{"n":2}', 'one')))).toMatchObject({
    status: 409,
    code: 'DELIVERY_CONFLICT',
  })
  expect(await hooks.countExecutions(trigger.id)).toBe(1)
})

test('without an id every request is a delivery of its own', async () => {
  const { trigger, post } = await hooks.hook(OPEN)
  const answers = await Promise.all([1, 2, 3].map(async () => answer(await post('{}'))))
  expect(answers.map(({ status }) => status)).toEqual(['accepted', 'accepted', 'accepted'])
  expect(await hooks.countExecutions(trigger.id)).toBe(3)
})

test('two triggers may be sent deliveries of the same id', async () => {
  const [one, other] = [await hooks.hook(GITHUB), await hooks.hook(GITHUB)]
  const answers = await Promise.all(
    [one, other].map(async ({ post }) => (await post('{}', signed('{}', 'one'))).status),
  )
  expect(answers).toEqual([202, 202])
  expect(await hooks.countExecutions(other.trigger.id)).toBe(1)
})

test('a disabled hook answers as one that never was, until it is enabled again', async () => {
  const { trigger, post, url } = await hooks.hook(OPEN)
  await disableTrigger(hooks.arm, trigger.id)
  const unknown = await fetch(url.replace(/.{4}$/, 'AAAA'), { method: 'POST' })
  const disabled = await post('{}')
  expect([disabled.status, await disabled.json()]).toEqual([404, await unknown.json()])
  expect(headersOf(disabled)).toEqual(headersOf(unknown))
  await enableTrigger(hooks.arm, trigger.id)
  expect((await post('{}')).status).toBe(202)
})

test('a paused hook answers as a disabled one', async () => {
  const { trigger, post } = await hooks.hook(OPEN)
  await pauseTrigger(hooks.arm, { id: trigger.id, by: 'test', note: null })
  expect((await post('{}')).status).toBe(404)
  await resumeTrigger(hooks.arm, trigger.id)
  expect((await post('{}')).status).toBe(202)
})

test('a delivery within the cooldown is recorded as skipped', async () => {
  const { trigger, post } = await hooks.hook({ ...OPEN, cooldown: '1h' })
  await Promise.all([post('{"a":1}'), post('{"a":2}')])
  expect((await hooks.ledger(trigger.id)).map(line => line.reason).sort()).toEqual(['cooldown', null])
})

const headersOf = ({ headers }: Response) => [...headers].filter(([name]) => name !== 'date')

test('a trigger of another type has no hook, and is given its old one when it becomes a webhook again', async () => {
  const { trigger, post, url } = await hooks.hook(OPEN)
  const edit = (type: 'manual' | 'webhook', config: JsonObject) =>
    pool.transaction(tx => editTrigger(tx, hooks.arm, { id: trigger.id, change: { type, config } }))
  await edit('manual', {})
  expect((await post('{}')).status).toBe(404)
  await edit('webhook', OPEN)
  expect((await post('{}')).status).toBe(202)
  expect(await hooks.urlOf(trigger)).toBe(url)
})

test('a rotated token ends at once, or after its time', async () => {
  const { trigger, post, url } = await hooks.hook(OPEN)
  await rotateToken(pool, trigger, 60_000)
  const second = await hooks.urlOf(trigger)
  expect(second).not.toBe(url)
  expect([(await post('{}')).status, (await fetch(second, { method: 'POST' })).status]).toEqual([202, 202])
  await pool.run(sql('test.expire')`update public.hook_tokens set valid_until = now() where valid_until is not null`)
  expect([(await post('{}')).status, (await fetch(second, { method: 'POST' })).status]).toEqual([404, 202])
  await rotateToken(pool, trigger, 0)
  expect((await fetch(second, { method: 'POST' })).status).toBe(404)
  expect((await fetch(await hooks.urlOf(trigger), { method: 'POST' })).status).toBe(202)
})
