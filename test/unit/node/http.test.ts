// The http node against a real server, through the guarded client.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createHttpClient, type GuardedHttpClient } from '../../../src/base/http-guard.ts'
import type { JsonObject } from '../../../src/base/json.ts'
import { checkStorable } from '../../../src/base/json-limits.ts'
import type { NodeError, Outcome } from '../../../src/node/node-type.ts'
import { http } from '../../../src/node/types/http.ts'
import { type GivenContext, nodeContext } from '../../support/node-context.ts'
import { type StubServer, startStubServer } from '../../support/stub-server.ts'

let server: StubServer
let client: GuardedHttpClient

beforeAll(async () => {
  server = await startStubServer()
  client = createHttpClient({ allowPrivate: ['127.0.0.1'], userAgent: 'mbflow/1.2.3' })
})
afterAll(async () => {
  await client.close()
  await server.close()
})

const run = (path: string, config: JsonObject = {}, given: GivenContext = {}): Promise<Outcome> =>
  http.execute({ url: `${server.url}/${path}`, ...config }, nodeContext({ http: client, ...given }))

async function output(path: string, config: JsonObject = {}): Promise<JsonObject> {
  const outcome = await run(path, config)
  if (outcome.kind !== 'completed') throw new Error(JSON.stringify(outcome))
  return outcome.output as JsonObject
}

async function error(path: string, config: JsonObject = {}): Promise<NodeError> {
  const outcome = await run(path, config)
  if (outcome.kind !== 'failed') throw new Error(`it ${outcome.kind}`)
  return outcome.error
}

const sent = async (config: JsonObject, path = 'echo') => (await output(path, config)).body as JsonObject
const reply = (type: string, body: string): string =>
  `status/200?type=${encodeURIComponent(type)}&body=${encodeURIComponent(body)}`

test('the output is status, headers and the parsed body', async () => {
  expect(await output(reply('application/json', '{"a":1}'))).toMatchObject({
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: { a: 1 },
  })
})

test('GET is the method unless another is given', async () => {
  expect(await sent({})).toMatchObject({ method: 'GET', body: '' })
  expect(await sent({ method: 'DELETE' })).toMatchObject({ method: 'DELETE' })
})

test('query parameters join those of the URL, and lists repeat their name', async () => {
  const { url } = await sent({ query: { q: 'a&b ü', tag: ['x', 'y'], page: 2, all: true } }, 'echo?old=1')
  expect(url).toBe('/echo?old=1&q=a%26b+%C3%BC&tag=x&tag=y&page=2&all=true')
})

test('a URL without query parameters is sent as it was written', async () => {
  expect(await sent({}, 'echo?a=%20b&c')).toMatchObject({ url: '/echo?a=%20b&c' })
})

test('every method carries the idempotency key of the node, its trace and the user agent of the program', async () => {
  const { idempotencyKey, traceparent } = nodeContext()
  for (const method of ['GET', 'POST'])
    expect(await sent({ method })).toMatchObject({
      headers: { 'idempotency-key': idempotencyKey, traceparent, 'user-agent': 'mbflow/1.2.3' },
    })
})

test('a later attempt carries the same idempotency key', async () => {
  const before = server.requests.length
  await run('echo', {}, { attempt: 1 })
  await run('echo', {}, { attempt: 2 })
  const [first, second] = server.requests.slice(before).map(({ headers }) => headers['idempotency-key'])
  expect(second).toBe(first)
})

test('headers of the config win, whatever their case', async () => {
  const headers = {
    'IDEMPOTENCY-KEY': 'mine',
    'user-agent': 'me',
    'Content-Type': 'application/vnd.api+json',
    'X-N': 1,
  }
  expect(await sent({ method: 'POST', body: {}, headers })).toMatchObject({
    headers: { 'idempotency-key': 'mine', 'user-agent': 'me', 'content-type': 'application/vnd.api+json', 'x-n': '1' },
  })
})

test.each([
  ['an object is sent as JSON', { body: { a: [1] } }, ['{"a":[1]}', 'application/json']],
  ['null is sent as JSON', { body: null }, ['null', 'application/json']],
  ['a string is sent as text', { body: 'häy' }, ['häy', 'text/plain; charset=utf-8']],
  ['a string can be sent as JSON', { body: 'a', body_type: 'json' }, ['"a"', 'application/json']],
  [
    'an object can be sent as a form',
    { body: { a: 'x y', b: [1, true] }, body_type: 'form' },
    ['a=x+y&b=1&b=true', 'application/x-www-form-urlencoded'],
  ],
])('%s', async (_, config, [body, type]) => {
  expect(await sent({ method: 'POST', ...config })).toMatchObject({ body, headers: { 'content-type': type } })
})

test.each([
  [{ body: { a: 1 }, body_type: 'text' }, 'the body must be a string to be sent as text'],
  [{ body: { a: { b: 1 } }, body_type: 'form' }, 'the body must be an object of strings'],
  [{ body: [1], body_type: 'form' }, 'the body must be an object of strings'],
])('%j cannot be sent', async (config, message) => {
  expect(await error('echo', { method: 'POST', ...config })).toMatchObject({
    code: 'HTTP_BODY_INVALID',
    message: expect.stringContaining(message),
    retryable: false,
  })
})

test.each([
  ['application/json', '[1]', [1]],
  ['application/problem+json; charset=utf-8', '{"a":1}', { a: 1 }],
  ['text/json', '"x"', 'x'],
  ['text/html; charset=utf-8', '<p>', '<p>'],
  ['application/xml', '<a/>', '<a/>'],
  ['image/svg+xml', '<svg/>', '<svg/>'],
  ['application/x-www-form-urlencoded', 'a=1', 'a=1'],
  ['TEXT/PLAIN', 'x', 'x'],
  ['text/plain; charset=no-such', 'x', { base64: 'eA==', bytes: 1 }],
  ['application/octet-stream', 'x', { base64: 'eA==', bytes: 1 }],
  ['', 'x', { base64: 'eA==', bytes: 1 }],
  ['application/json', '', null],
])('a body of type %j and text %j becomes %j', async (type, text, body) => {
  expect((await output(reply(type, text))).body).toEqual(body)
})

test('text is decoded by the charset the server names', async () => {
  expect((await output('status/200?type=text/plain;%20charset%3D%22utf-16le%22&body=a%00b%00')).body).toBe('ab')
})

test.each([
  ['{"truth": tru', /^GET http:\/\/127.0.0.1:\d+\/status\/200 answered 200 with invalid JSON: .+/],
  ['['.repeat(64), /invalid JSON: is nested more than 63 levels deep$/],
])('JSON that is none fails and is not tried again: %s', async (text, message) => {
  expect(await error(reply('application/json', text))).toEqual({
    code: 'HTTP_INVALID_JSON',
    message: expect.stringMatching(message),
    retryable: false,
  })
})

test('a status that is no success fails with the beginning of the body, on one line, and no query', async () => {
  const body = `{"error":\t"no\n${'x'.repeat(300)}"}`
  const url = `status/422?type=application/json&secret=s3cret&body=${encodeURIComponent(body)}`
  const { code, message, details } = await error(url)
  expect(code).toBe('HTTP_STATUS')
  expect(message).toMatch(/^GET http:\/\/127.0.0.1:\d+\/status\/422 answered 422: {"error": "no x+…$/)
  expect(message.replace(/^.*answered 422: /, '')).toHaveLength(200)
  expect(details).toEqual({ status: 422 })
})

test('what a failure quotes can be stored, whatever the server sent', async () => {
  const poison = encodeURIComponent(`\u0000${'😀'.repeat(300)}`)
  for (const path of [`status/500?body=${poison}`, `status/200?type=application/json&body=${poison}`])
    expect(checkStorable((await error(path)).message)).toBeNull()
})

test('of a body that is not text a failure shows nothing', async () => {
  expect((await error('status/500?type=image/png&body=x')).message).toMatch(/answered 500$/)
})

test('a redirect fails and says where it leads', async () => {
  expect((await error('redirect?to=https://example.com/new?token=1')).message).toMatch(
    /answered 302 \(the redirect to https:\/\/example.com\/new is not followed: the limit is 0 redirects\)$/,
  )
})

test.each([
  [400, false],
  [401, false],
  [404, false],
  [408, true],
  [409, false],
  [425, true],
  [429, true],
  [500, true],
  [503, true],
  [599, true],
  [302, false],
])('status %i is worth another attempt: %s', async (status, retryable) => {
  expect(await error(`status/${status}`)).toMatchObject({ code: 'HTTP_STATUS', retryable })
})

test.each([
  [[404], 404],
  [['3xx'], 302],
  [['200-204', 410], 410],
  [['200-204', 410], 204],
])('with success_codes %j the status %i completes', async (success_codes, status) => {
  expect(await output(`status/${status}`, { success_codes })).toMatchObject({ status })
})

test('with success_codes a status outside of them fails, 200 too', async () => {
  expect(await error('status/200', { success_codes: [201] })).toMatchObject({ code: 'HTTP_STATUS' })
})

test('a server that asks to wait is asked again and answers', async () => {
  expect(await error('rate-limited?after=7')).toMatchObject({ retryable: true, retryAfter: 7000 })
  expect(await output('rate-limited?after=7')).toMatchObject({ status: 200 })
})

test.each([
  ['retry-after=7', 7000],
  ['retry-after=Sun,%2006%20Nov%201994%2012:00:30%20GMT&date=Sun,%2006%20Nov%201994%2012:00:00%20GMT', 30_000],
])('%s is honoured', async (headers, retryAfter) => {
  expect((await error(`status/503?${headers}`)).retryAfter).toBe(retryAfter)
})

test('Retry-After means nothing where another attempt is useless', async () => {
  expect(await error('status/404?retry-after=7')).not.toHaveProperty('retryAfter')
})

test('what the client refuses fails with its code', async () => {
  expect(await error('', { url: 'http://169.254.169.254/latest/meta-data' })).toMatchObject({
    code: 'HTTP_ADDRESS_REFUSED',
    retryable: false,
  })
  expect(await error('half-closed')).toMatchObject({ code: 'HTTP_PROTOCOL', retryable: true })
  expect(await error('huge?bytes=20', { max_bytes: 19 })).toMatchObject({ code: 'HTTP_TOO_LARGE', retryable: false })
})

test.each([
  [{ scheme: 'basic', username: 'bob', secret: 'crm' }, { authorization: 'Basic Ym9iOnPDqWNyZXQ=' }],
  [{ scheme: 'bearer', secret: 'crm' }, { authorization: 'Bearer sécret' }],
  [{ scheme: 'api_key', secret: 'crm' }, { 'x-api-key': 'sécret' }],
  [{ scheme: 'api_key', secret: 'crm', header: 'Authorization', prefix: 'Token ' }, { authorization: 'Token sécret' }],
])('%j is sent as %j', async (auth, headers) => {
  const secret = async (name: string): Promise<string> => (name === 'crm' ? 'sécret' : '')
  const outcome = await run('echo', { auth }, { secret })
  expect(outcome).toMatchObject({ output: { body: { headers } } })
})

test('a proper config has no problems', () => {
  const config = {
    url: 'https://example.com/{{ input.id }}',
    headers: { a: 'b', 'X-C': 'd' },
    success_codes: ['2xx', 404],
  }
  expect(http.check?.(config)).toEqual([])
})

test.each([
  [{ url: 'example.com' }, 'url', 'must be an absolute URL'],
  [{ url: 'ftp://example.com' }, 'url', 'must begin with http: or https:'],
  [{ url: 'https://user:pass@example.com' }, 'url', 'must not hold credentials'],
  [{ headers: { 'bad name': 'x' } }, 'headers["bad name"]', 'is not a header name'],
  [{ headers: { Accept: 'a', accept: 'b' } }, 'headers.accept', 'is there twice'],
  [
    { auth: { scheme: 'bearer', secret: 'a' }, headers: { AUTHORIZATION: 'x' } },
    'headers.AUTHORIZATION',
    'is set by auth already',
  ],
  [{ auth: { scheme: 'api_key', secret: 'a' }, headers: { 'x-api-key': 'x' } }, 'headers.x-api-key', 'is set by auth'],
  [{ body_type: 'form' }, 'body_type', 'needs a body'],
  [{ body: 'a=1', body_type: 'form' }, 'body', 'must be an object'],
  [{ body: { a: 1 }, body_type: 'text' }, 'body', 'must be a string'],
  [{ success_codes: [200, '204-200'] }, 'success_codes[1]', 'is empty: 204 comes after 200'],
])('%j has a problem at %s', (config, path, message) => {
  expect(http.check?.({ url: 'https://example.com', ...config })).toEqual([
    { path, message: expect.stringContaining(message) },
  ])
})

test('what holds templates is not judged before it is rendered', () => {
  expect(http.check?.({ url: '{{ vars.base }}/x', body: '{{ input }}', body_type: 'form' })).toEqual([])
})

test('values of the wrong type are left to the schema', () => {
  expect(http.check?.({ url: 1, headers: [1], body: 1, body_type: 2, success_codes: [null, {}] })).toEqual([])
})
