// Redirects, if they are asked for, between two real servers.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createHttpClient, type GuardedHttpClient } from '../../../src/base/http-guard.ts'
import type { JsonObject } from '../../../src/base/json.ts'
import { leadTo } from '../../../src/node/http-hop.ts'
import type { Outcome } from '../../../src/node/node-type.ts'
import { http } from '../../../src/node/types/http.ts'
import { nodeContext } from '../../support/node-context.ts'
import { type StubServer, startStubServer } from '../../support/stub-server.ts'

let server: StubServer
let other: StubServer
let client: GuardedHttpClient

beforeAll(async () => {
  server = await startStubServer()
  other = await startStubServer()
  client = createHttpClient({ allowPrivate: ['127.0.0.1'], userAgent: 'mbflow/test' })
})
afterAll(async () => {
  await client.close()
  await Promise.all([server.close(), other.close()])
})

const run = (path: string, config: JsonObject = {}): Promise<Outcome> =>
  http.execute(
    { url: `${server.url}/${path}`, max_redirects: 3, ...config },
    nodeContext({ http: client, secret: async () => 'sk-1234567890' }),
  )

/** What the last server was sent. */
async function arrived(path: string, config?: JsonObject): Promise<JsonObject> {
  const outcome = await run(path, config)
  if (outcome.kind !== 'completed') throw new Error(JSON.stringify(outcome))
  return (outcome.output as { body: JsonObject }).body
}

const to = (...urls: string[]): string => urls.reduceRight((rest, url) => `${url}?to=${encodeURIComponent(rest)}`)

test('as many redirects as allowed are followed, to relative targets too', async () => {
  expect(await arrived(to('redirect', '/redirect', '/redirect', '/echo?a=1'))).toMatchObject({ url: '/echo?a=1' })
})

test('one redirect more fails the node', async () => {
  expect(await run(to('redirect', '/redirect', '/redirect', '/redirect', '/echo'))).toMatchObject({
    kind: 'failed',
    error: { code: 'HTTP_STATUS', message: expect.stringMatching(/ is not followed: the limit is 3 redirects\)$/) },
  })
})

test.each([
  [301, 'POST', { method: 'GET', body: '' }],
  [302, 'POST', { method: 'GET', body: '' }],
  [303, 'PUT', { method: 'GET', body: '' }],
  [302, 'PUT', { method: 'PUT', body: 'x' }],
  [307, 'POST', { method: 'POST', body: 'x' }],
  [308, 'PATCH', { method: 'PATCH', body: 'x' }],
])('after %i a %s goes on as %j', async (status, method, expected) => {
  const { headers, ...rest } = await arrived(`redirect/${status}?to=/echo`, { method, body: 'x' })
  expect(rest).toEqual({ url: '/echo', ...expected })
  expect('content-type' in (headers as JsonObject)).toBe(expected.body !== '')
})

test('the same origin gets all headers, another one none that may hold credentials', async () => {
  const headers = { Authorization: 'Bearer x', Cookie: 'a=b', 'X-Api-Key': 'x', Accept: 'a/b' }
  expect((await arrived('redirect?to=/echo', { headers })).headers).toMatchObject({
    authorization: 'Bearer x',
    cookie: 'a=b',
    'x-api-key': 'x',
  })
  const elsewhere = (await arrived(to('redirect', `${other.url}/echo`), { headers })).headers as JsonObject
  expect(elsewhere).toMatchObject({ accept: 'a/b', 'idempotency-key': nodeContext().idempotencyKey })
  expect(['authorization', 'cookie', 'x-api-key'].filter(name => name in elsewhere)).toEqual([])
})

test.each([
  ['basic', { scheme: 'basic', username: 'bob', secret: 'crm' }, 'authorization'],
  ['bearer', { scheme: 'bearer', secret: 'crm' }, 'authorization'],
  ['api_key', { scheme: 'api_key', secret: 'crm' }, 'x-api-key'],
])('the same origin gets what auth %s makes, another one does not', async (_, auth, header) => {
  expect((await arrived('redirect?to=/echo', { auth })).headers).toHaveProperty(header)
  expect((await arrived(to('redirect', `${other.url}/echo`), { auth })).headers).not.toHaveProperty(header)
})

test('headers that were left out do not come back on the way back', async () => {
  const way = to('redirect', `${other.url}/redirect`, `${server.url}/echo`)
  const { headers } = await arrived(way, { headers: { Authorization: 'Bearer x' } })
  expect(headers).not.toHaveProperty('authorization')
})

test.each([
  ['http://169.254.169.254/latest', 'HTTP_ADDRESS_REFUSED', '169.254.169.254 is the address of a metadata service'],
  ['http://2852039166/', 'HTTP_ADDRESS_REFUSED', '169.254.169.254 is the address of a metadata service'],
  ['http://[::1]/', 'HTTP_ADDRESS_REFUSED', '::1'],
  ['file:///etc/passwd', 'HTTP_URL_INVALID', 'must begin with http: or https:'],
  ['http://user:pass@127.0.0.1/', 'HTTP_URL_INVALID', 'must not hold credentials'],
  ['http://', 'HTTP_STATUS', 'it leads to what is no URL'],
])('a redirect to %s is judged like a request: %s', async (target, code, message) => {
  expect(await run(to('redirect', target))).toMatchObject({
    kind: 'failed',
    error: { code, message: expect.stringContaining(message) },
  })
})

test('a name that is public first and private after the redirect is refused', async () => {
  const answers = ['127.0.0.1', '10.0.0.7']
  const guarded = createHttpClient({
    allowPrivate: ['127.0.0.1'],
    userAgent: 'mbflow/test',
    resolve: async () => [{ address: answers.shift() ?? '', family: 4 }],
  })
  const config = { url: `http://rebind.example:${server.port}/redirect?to=http://rebind.example:1/`, max_redirects: 1 }
  expect(await http.execute(config, nodeContext({ http: guarded }))).toMatchObject({
    kind: 'failed',
    error: { code: 'HTTP_ADDRESS_REFUSED' },
  })
  await guarded.close()
})

test('what was asked over TLS is not asked without it', () => {
  const message = { method: 'GET', url: 'https://example.com/a', headers: {} }
  expect(leadTo(message, 'http://example.com/b')).toEqual({ problem: 'it leads from https to http' })
  expect(leadTo(message, '//other.example/b')).toMatchObject({ url: 'https://other.example/b' })
})

test('a redirect that says nothing of its target is an answer like any other', async () => {
  expect(await run('status/302')).toMatchObject({ error: { message: expect.stringMatching(/answered 302$/) } })
})
