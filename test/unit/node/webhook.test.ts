import { Webhook } from 'standardwebhooks'
import { afterAll, expect, test } from 'vitest'
import { createHttpClient } from '../../../src/base/http-guard.ts'
import type { JsonObject } from '../../../src/base/json.ts'
import type { Outcome } from '../../../src/node/node-type.ts'
import { webhook } from '../../../src/node/types/webhook.ts'
import { attemptOf, type Given, TOKEN } from '../../support/attempt-of.ts'
import { startStubServer } from '../../support/stub-server.ts'

const SECRET = `whsec_${Buffer.from('a key of thirty-two random bytes').toString('base64')}`
const stub = await startStubServer()
const http = createHttpClient({ allowPrivate: ['127.0.0.1'], userAgent: 'mbflow/test' })
afterAll(async () => {
  await http.close()
  await stub.close()
})

function run(config: JsonObject, given: Given = {}, path = 'echo'): Promise<Outcome> {
  const whole = { url: `${stub.url}/${path}`, secret: 'key', ...config }
  return attemptOf(webhook, whole, { http, secret: SECRET, now: new Date(), ...given })
}

/** The request the last run has sent. */
function sent() {
  const request = stub.requests.at(-1)
  if (request === undefined) throw new Error('nothing was sent')
  return request
}

test('the official client accepts the signature', async () => {
  expect(await run({ body: { text: 'grüß Gott' } })).toMatchObject({ kind: 'completed', branches: ['sent'] })
  const { body, headers, method } = sent()
  expect(method).toBe('POST')
  expect(new Webhook(SECRET).verify(body, headers as Record<string, string>)).toEqual({ text: 'grüß Gott' })
})

test('the id is the same in every attempt, so that a receiver does the work once', async () => {
  await run({}, { attempt: 1 })
  const first = sent().headers['webhook-id']
  await run({}, { attempt: 2 })
  expect(sent().headers['webhook-id']).toBe(first)
})

test('without a body its input is sent, and with a callback where to call as well', async () => {
  await run({}, { input: { n: 1 } })
  expect(JSON.parse(sent().body)).toEqual({ n: 1 })
  await run({ wait_for_callback: {} }, { input: { n: 1 } })
  expect(JSON.parse(sent().body)).toEqual({
    input: { n: 1 },
    callback: { url: `https://mbflow.test/callbacks/${TOKEN}` },
  })
})

test('the URL can be told in the body, a header or the URL', async () => {
  const config = { body: { approve: '{{ callback.url }}' }, headers: { 'x-callback': '{{ callback.url }}' } }
  await run({ ...config, wait_for_callback: {} })
  expect(JSON.parse(sent().body)).toEqual({ approve: `https://mbflow.test/callbacks/${TOKEN}` })
  expect(sent().headers['x-callback']).toContain(TOKEN)
})

test('it waits for seven days, or as it is told, and then fails or takes a branch', async () => {
  expect(await run({ wait_for_callback: {} })).toEqual({
    kind: 'parked',
    until: 7 * 86_400_000,
    callback: true,
    end: {
      kind: 'failed',
      error: { code: 'CALLBACK_TIMEOUT', message: 'nobody called back within 7d', retryable: false },
    },
  })
  expect(await run({ wait_for_callback: { timeout: '{{ input }}', on_timeout: 'branch' } }, { input: '2h' })).toEqual({
    kind: 'parked',
    until: 7_200_000,
    callback: true,
    end: { kind: 'completed', output: null, branches: ['timed_out'] },
  })
})

test('a receiver that tells the URL on does not get it into the failure', async () => {
  const outcome = await run(
    { headers: { 'x-callback': '{{ callback.url }}' }, wait_for_callback: {} },
    {},
    'tattling/401',
  )
  expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'HTTP_STATUS' } })
  expect(JSON.stringify(outcome)).not.toContain(TOKEN)
})

const wait_for_callback = {}
test.each<[JsonObject, string[]]>([
  [{ body: {}, wait_for_callback }, ['body']],
  [{ body: '{{ callback.url }}', wait_for_callback }, []],
  [{ body: {}, headers: { x: '{{ callback.url }}' }, wait_for_callback }, []],
  [{ wait_for_callback }, []],
  [{ headers: { 'Webhook-Id': 'x' } }, ['headers.Webhook-Id']],
  [{ headers: { 'no name': 'x' } }, ['headers["no name"]']],
  [{ url: 'ftp://x' }, ['url']],
  [{ wait_for_callback: { schema: { type: 'text' } } }, ['wait_for_callback.schema.type']],
  [{ wait_for_callback: { schema: { type: '{{ input }}' } } }, ['wait_for_callback.schema']],
])('%j has problems at %j', (config, paths) => {
  const whole = { url: 'https://example.com', secret: 'key', ...config }
  expect(webhook.check?.(whole).map(({ path }) => path)).toEqual(paths)
})
