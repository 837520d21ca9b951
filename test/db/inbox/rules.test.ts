// What the config of a hook, and the state of things, makes of requests that are well signed.
import { createHmac } from 'node:crypto'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { createAddressRanges } from '../../../src/base/address-ranges.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { type Logger, silentLogger } from '../../../src/base/log.ts'
import { SecretError } from '../../../src/base/secrets.ts'
import { createPool, type Pool } from '../../../src/db/pool.ts'
import { type Statement, sql } from '../../../src/db/sql.ts'
import { disableTrigger, editTrigger } from '../../../src/trigger/arm.ts'
import { triggerHistory } from '../../../src/trigger/look-back.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine } from '../../support/engine.ts'
import { createTestHooks, SECRETS, type TestHooks } from '../../support/hooks.ts'

const { pool } = await createTestDatabase()
const engine = await createTestEngine(pool)
const hooks = await createTestHooks(engine)
afterAll(async () => {
  await hooks.stop()
  await engine.stop()
})

const OPEN = { auth: { scheme: 'none' } }
const ID = { delivery_id: { header: 'x-id' } }

async function otherHooks(overrides: Parameters<typeof createTestHooks>[1]): Promise<TestHooks> {
  const others = await createTestHooks(engine, overrides)
  onTestFinished(() => others.stop())
  return others
}

const codeOf = async (response: Response) => [response.status, ((await response.json()) as { code: string }).code]

/** Right after a minute has begun no other one begins while the test runs. */
async function earlyInMinute(): Promise<void> {
  const [row] = await pool.rows<{ left: number }>(sql('test.minute')`
    select (60 - extract(second from clock_timestamp()))::float8 as left`)
  if ((row?.left ?? 0) < 10) await systemClock.sleep((row?.left ?? 0) * 1000 + 50)
}

test('no more than max_per_minute are recorded, whichever daemon is asked; the others are told when to come', {
  timeout: 30_000,
}, async () => {
  await earlyInMinute()
  const { trigger, post, url } = await hooks.hook({ ...OPEN, max_per_minute: 10 })
  const second = await otherHooks({})
  const elsewhere = () => fetch(url.replace(hooks.url, second.url), { method: 'POST' })
  const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => (i % 2 === 0 ? post('{}') : elsewhere())))
  expect(answers.filter(({ status }) => status === 202)).toHaveLength(10)
  const limited = answers.filter(({ status }) => status === 429)
  expect(limited).toHaveLength(20)
  for (const { headers } of limited) expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(60)
  expect(await hooks.countExecutions(trigger.id)).toBe(10)
})

test('a repeated delivery costs nothing of max_per_minute', async () => {
  await earlyInMinute()
  const { post } = await hooks.hook({ ...OPEN, ...ID, max_per_minute: 1 })
  await post('{}', { 'x-id': 'a' })
  expect((await post('{}', { 'x-id': 'a' })).status).toBe(202)
  expect(await codeOf(await post('{}', { 'x-id': 'b' }))).toEqual([429, 'RATE_LIMITED'])
})

test('what overlap forbids is recorded as skipped, and the sender is told so', async () => {
  const { trigger, post } = await hooks.hook({ ...OPEN, ...ID, overlap: 'skip' })
  const answers = await Promise.all(['a', 'b', 'c'].map(id => post('{}', { 'x-id': id })))
  const bodies = (await Promise.all(answers.map(one => one.json()))) as { status: string; reason: string | null }[]
  expect(answers.map(({ status }) => status)).toEqual([202, 202, 202])
  expect(bodies.map(({ status }) => status).sort()).toEqual(['accepted', 'skipped', 'skipped'])
  expect(bodies.find(({ status }) => status === 'skipped')).toMatchObject({ reason: 'overlap', execution_id: null })
  const history = await triggerHistory(pool, trigger.id, { limit: 10 })
  expect(history.map(({ fireKey }) => fireKey).sort()).toEqual(['dlv:a', 'dlv:b', 'dlv:c'])
})

test('what waits for room is told to be buffered', async () => {
  const { trigger, post } = await hooks.hook({ ...OPEN, overlap: 'buffer_one' })
  const answers = [await post('{}'), await post('{}'), await post('{}')]
  const statuses = await Promise.all(answers.map(async one => ((await one.json()) as { status: string }).status))
  expect(statuses).toEqual(['accepted', 'buffered', 'skipped'])
  expect(await hooks.countExecutions(trigger.id)).toBe(1)
})

test('a request is judged by the rule that holds when it is recorded', async () => {
  const asked = Promise.withResolvers<void>()
  const edited = Promise.withResolvers<void>()
  // The secret is looked up once the hook is found; meanwhile somebody replaces it.
  const slow = await otherHooks({
    secrets: {
      async find(name) {
        asked.resolve()
        await edited.promise
        return SECRETS[name]
      },
    },
  })
  const { trigger, post } = await slow.hook({ auth: { scheme: 'api_key', secrets: ['older'], header: 'x-key' } })
  const answer = post('{}', { 'x-key': SECRETS.older ?? '' })
  await asked.promise
  const config = { auth: { scheme: 'api_key', secrets: ['shared'], header: 'x-key' } }
  await pool.transaction(tx => editTrigger(tx, slow.arm, { id: trigger.id, change: { config } }))
  edited.resolve()
  const refusal = await answer
  expect(await codeOf(refusal)).toEqual([401, 'CREDENTIALS_WRONG'])
  expect(refusal.headers.get('www-authenticate')).toBe('api_key realm="hook"')
  expect(await slow.countExecutions(trigger.id)).toBe(0)
})

test('while the database is away nothing is acknowledged, and senders are told to come again', async () => {
  const away = createPool({
    url: 'postgres://nobody@127.0.0.1:1/none',
    applicationName: 'a',
    max: 1,
    log: silentLogger,
  })
  onTestFinished(() => away.end())
  const others = await otherHooks({ pool: away })
  const { url } = await hooks.hook(OPEN)
  const response = await fetch(url.replace(hooks.url, others.url), { method: 'POST' })
  expect(response.headers.get('retry-after')).toBe('1')
  expect(await codeOf(response)).toEqual([503, 'DATABASE_UNAVAILABLE'])
})

/** Hooks whose questions, but for those of a fire, are listed. */
async function watchedHooks(): Promise<{ others: TestHooks; statements: string[] }> {
  const statements: string[] = []
  const watched: Pool = {
    ...pool,
    rows: <R>(statement: Statement) => {
      statements.push(statement.name)
      return pool.rows<R>(statement)
    },
  }
  return { others: await otherHooks({ pool: watched }), statements }
}

test('a hook in use is not looked up for every delivery', async () => {
  const { others, statements } = await watchedHooks()
  const { trigger, post } = await others.hook(OPEN)
  await post('{"a":1}')
  await post('{"a":2}')
  expect(statements).toEqual(['hook.load'])
  expect(await others.countExecutions(trigger.id)).toBe(2)
})

test('a hook that was in use a moment ago and is disabled takes nothing, and answers strangers as one that never was', async () => {
  const { trigger, post, url } = await hooks.hook({ auth: { scheme: 'api_key', header: 'x-key', secrets: ['shared'] } })
  const send = (key = ''): Promise<Response> => fetch(url, { method: 'POST', headers: { 'x-key': key } })
  expect((await send(SECRETS.shared)).status).toBe(202)
  await disableTrigger(hooks.arm, trigger.id)
  expect([(await send(SECRETS.shared)).status, (await send('wrong')).status, (await post('{}')).status]).toEqual([
    404, 404, 404,
  ])
  expect(await hooks.countExecutions(trigger.id)).toBe(1)
})

test('an unknown hook and a disabled one cost the same statements', async () => {
  const { others, statements } = await watchedHooks()
  const { trigger, post, url } = await others.hook({ auth: { scheme: 'github', secrets: ['shared'] } })
  await disableTrigger(others.arm, trigger.id)
  await post('{}')
  const disabled = statements.splice(0)
  await fetch(url.replace(/.{4}$/, 'AAAA'), { method: 'POST', body: '{}' })
  expect([disabled, statements]).toEqual([['hook.load'], ['hook.load']])
})

test('with respond: result the sender is given the output, also when it sends again', async () => {
  const runner = engine.runner()
  await runner.start()
  onTestFinished(() => runner.stop())
  const { post } = await hooks.hook({ ...OPEN, ...ID, respond: 'result', input: { greeting: 'hello' } })
  const answers = [await post('{}', { 'x-id': 'a' }), await post('{}', { 'x-id': 'a' })]
  expect(answers.map(({ status }) => status)).toEqual([200, 200])
  expect(await Promise.all(answers.map(one => one.json()))).toEqual([{ greeting: 'hello' }, { greeting: 'hello' }])
})

test('a result that takes longer than respond_within is answered as accepted', async () => {
  const { post } = await hooks.hook({ ...OPEN, respond: 'result', respond_within: '1s' })
  const response = await post('{}')
  expect([response.status, await response.json()]).toMatchObject([202, { status: 'accepted' }])
})

test('an execution that failed is told to be ours to mend', async () => {
  const { trigger, post } = await hooks.hook({ ...OPEN, ...ID, respond: 'result', respond_within: '1s' })
  await post('{}', { 'x-id': 'a' })
  await pool.run(sql('test.fail')`
    update public.executions set status = 'failed', error = 'the key is 4711', completed_at = now()
    where trigger_id = ${trigger.id}`)
  const response = await post('{}', { 'x-id': 'a' })
  expect([response.status, await response.text()]).toEqual([500, expect.not.stringContaining('4711')])
})

test('behind a proxy, the address that counts is the one the proxy names', async () => {
  const local = createAddressRanges(['127.0.0.1'])
  const behind = await otherHooks({ proxies: { addresses: local, header: 'x-forwarded-for' } })
  const config = { ...OPEN, allow_from: ['192.0.2.0/24'] }
  const hook = await behind.hook(config)
  expect((await hook.post('{}', { 'x-forwarded-for': '198.51.100.1, 192.0.2.7' })).status).toBe(202)
  expect(await codeOf(await hook.post('{}', { 'x-forwarded-for': '192.0.2.7, 198.51.100.1' }))).toEqual([
    403,
    'ADDRESS_REFUSED',
  ])
  const direct = await hooks.hook(config)
  expect((await direct.post('{}', { 'x-forwarded-for': '192.0.2.7' })).status).toBe(403)
})

test('bytes that are not of their charset are refused, signed or not', async () => {
  const body = Buffer.from([0x22, 0xff, 0xfe, 0x22])
  const digest = createHmac('sha256', SECRETS.shared ?? '')
    .update(body)
    .digest('hex')
  const { trigger, post } = await hooks.hook({ auth: { scheme: 'github', secrets: ['shared'] } })
  expect(await codeOf(await post(body, { 'x-hub-signature-256': `sha256=${digest}` }))).toEqual([400, 'BODY_INVALID'])
  expect(await hooks.ledger(trigger.id)).toEqual([])
})

test('a body of exactly max_bytes is taken, one byte more is not', async () => {
  const { post } = await hooks.hook({ ...OPEN, max_bytes: 4 })
  expect([(await post('1234')).status, (await post('12345')).status]).toEqual([202, 413])
})

test('a question in the query is answered in plain text, and fires nothing', async () => {
  const { trigger, url } = await hooks.hook({ ...OPEN, challenge: 'dropbox' })
  const response = await fetch(`${url}?challenge=%3Cb%3Ehi`)
  expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
    200,
    'text/plain; charset=utf-8',
    '<b>hi',
  ])
  expect(response.headers.get('x-content-type-options')).toBe('nosniff')
  expect(await hooks.ledger(trigger.id)).toEqual([])
})

test('a request without a body, and one by GET, may fire', async () => {
  const { trigger, url } = await hooks.hook({ ...OPEN, methods: ['GET', 'DELETE'] })
  const answers = [
    await fetch(`${url}?a=1`),
    await fetch(url, { method: 'DELETE' }),
    await fetch(url, { method: 'PUT' }),
  ]
  expect(answers.map(({ status }) => status)).toEqual([202, 202, 404])
  expect(await hooks.countExecutions(trigger.id)).toBe(2)
})

test('a body without a type is refused', async () => {
  const { url } = await hooks.hook(OPEN)
  const response = await fetch(url, { method: 'POST', body: new Blob(['{}']) })
  expect(await codeOf(response)).toEqual([415, 'MEDIA_TYPE_UNSUPPORTED'])
})

test('a hook whose secrets cannot be had refuses everything, and asks to come later', async () => {
  const locked = await otherHooks({
    secrets: { find: () => Promise.reject(new SecretError('SECRET_LOCKED', 'the master key is another')) },
  })
  const { post } = await locked.hook({ auth: { scheme: 'api_key', secrets: ['shared'], header: 'x-key' } })
  const response = await post('{}', { 'x-key': SECRETS.shared ?? '' })
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await codeOf(response)).toEqual([503, 'SECRET_UNUSABLE'])
})

test('no log line holds the token, a secret or what the sender wrote', async () => {
  const lines: unknown[] = []
  const write = (...line: unknown[]): void => void lines.push(line)
  const log = { ...silentLogger, info: write, warn: write, error: write, debug: write } as unknown as Logger
  const logged = await otherHooks({ log })
  const { trigger, post, url } = await logged.hook({
    auth: { scheme: 'api_key', secrets: ['shared'], header: 'x-key' },
  })
  await post('{"card":"4711"}', { 'x-key': 'a-key-of-somebody' })
  await post('{"card":"4711"}', { 'x-key': SECRETS.shared ?? '' })
  expect(lines).toMatchObject([
    [{ evt: 'hook.refused', key: trigger.key, code: 'CREDENTIALS_WRONG' }, expect.anything()],
  ])
  for (const hidden of [url.slice(-32), '4711', 'a-key-of-somebody', SECRETS.shared])
    expect(JSON.stringify(lines)).not.toContain(hidden)
})

test('what waits to be recorded is bounded, and what comes then is told to come later', async () => {
  const held = Promise.withResolvers<undefined>()
  const asked = Promise.withResolvers<void>()
  let waiting = 0
  const find = (): Promise<undefined> => {
    if (++waiting === 2_000) asked.resolve()
    return held.promise
  }
  const { receiver, hook } = await otherHooks({ secrets: { find } })
  const { url } = await hook({ auth: { scheme: 'api_key', secrets: ['shared'], header: 'x-key' } })
  const request = { method: 'POST', headers: {}, query: '', body: Buffer.alloc(0) }
  const receive = () =>
    receiver.receive({ token: url.slice(-32), peer: '127.0.0.1', request }, new AbortController().signal)
  const answers = Array.from({ length: 2_000 }, receive)
  await asked.promise
  expect(await receive()).toMatchObject({ code: 'OVERLOADED', retryAfter: 1 })
  held.resolve(undefined)
  await Promise.all(answers)
  expect(await receive()).toMatchObject({ code: 'CREDENTIALS_MISSING' })
})
