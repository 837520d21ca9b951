import { createHash, createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { type Circumstances, createReception } from '../../../src/inbox/reception.ts'
import { headerOf, type InboundRequest } from '../../../src/inbox/request.ts'
import type { WebhookConfig } from '../../../src/trigger/webhook-config.ts'
import { requestWith } from './requests.ts'

const SECRET = 'a-secret-of-the-hook'
const NOW = Date.parse('2026-11-22T20:30:00.123Z')
const at: Circumstances = { secrets: [SECRET], now: NOW, client: '192.0.2.1' }

const github: WebhookConfig = { auth: { scheme: 'github', secrets: ['a'] } }

const sign = (body: string | Buffer, secret = SECRET): string => createHmac('sha256', secret).update(body).digest('hex')

const push = (body = '{"ref":"refs/heads/main"}', headers: InboundRequest['headers'] = {}): InboundRequest =>
  requestWith({
    query: 'team=a&team=b&key=1',
    body,
    headers: {
      'x-hub-signature-256': `sha256=${sign(body)}`,
      'x-github-delivery': '72d3162e-cc78',
      'x-github-event': 'push',
      ...headers,
    },
  })

const codeOf = (config: WebhookConfig, request: InboundRequest, change: Partial<Circumstances> = {}) => {
  const reception = createReception(config)(request, { ...at, ...change })
  return reception.kind === 'refused' ? reception.code : reception.kind
}

test('a signed request is a delivery, with what the execution is told of it', () => {
  expect(createReception(github)(push(), at)).toEqual({
    kind: 'delivery',
    fireKey: 'dlv:72d3162e-cc78',
    contentHash: createHash('sha256').update('{"ref":"refs/heads/main"}').digest('hex'),
    input: {
      body: { ref: 'refs/heads/main' },
      headers: { 'content-type': 'application/json', 'x-github-delivery': '72d3162e-cc78', 'x-github-event': 'push' },
      query: { team: ['a', 'b'], key: '1' },
      method: 'POST',
      received_at: '2026-11-22T20:30:00.123Z',
    },
  })
})

test('what proves where a request comes from, and cookies, are not handed on', () => {
  const sensitive = [
    ...['Authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'x-api-key', 'x-apikey', 'x-auth-token'],
    ...['x-gitlab-token', 'x-telegram-bot-api-secret-token', 'x-hub-signature', 'x-hub-signature-256'],
    ...['stripe-signature', 'webhook-signature', 'x-slack-signature', 'x-auth', 'x-my-password', 'api-key'],
  ]
  const kept = { 'user-agent': 'a', 'x-author': 'b', 'idempotency-key': 'c', 'x-tokens-used': 'd', accept: ['e', 'f'] }
  const headers = { ...Object.fromEntries(sensitive.map(name => [name, 'sensitive'])), ...kept }
  const reception = createReception({ auth: { scheme: 'none' } })({ ...push(), headers, body: Buffer.from('') }, at)
  expect(reception).toMatchObject({ input: { headers: { ...kept, accept: 'e, f' } } })
  expect(JSON.stringify(reception)).not.toContain('sensitive')
})

test('an API key is not handed on from wherever it came', () => {
  const inHeader: WebhookConfig = { auth: { scheme: 'api_key', secrets: ['a'], header: 'X-Pass' } }
  const inQuery: WebhookConfig = { auth: { scheme: 'api_key', secrets: ['a'], query: 'pass' } }
  const byHeader = createReception(inHeader)(requestWith({ headers: { 'x-pass': SECRET } }), at)
  const byQuery = createReception(inQuery)(requestWith({ query: `pass=${SECRET}&a=1` }), at)
  expect(byHeader).toMatchObject({ kind: 'delivery', fireKey: null })
  expect(byQuery).toMatchObject({ kind: 'delivery', input: { query: { a: '1' } } })
  expect(JSON.stringify([byHeader, byQuery])).not.toContain(SECRET)
})

test('what is not proven is refused before anything of it is read', () => {
  expect(codeOf(github, push('{"broken', { 'x-hub-signature-256': `sha256=${sign('else')}` }))).toBe('SIGNATURE_WRONG')
  expect(codeOf(github, push('{"broken'))).toBe('BODY_INVALID')
})

test('a method the hook does not take is answered as if there were no hook', () => {
  expect(createReception(github)({ ...push(), method: 'GET' }, at)).toEqual({
    kind: 'refused',
    code: 'HOOK_NOT_FOUND',
    message: 'there is no such hook',
  })
  expect(codeOf({ ...github, methods: ['PUT', 'GET'] }, { ...push(), method: 'GET' })).toBe('delivery')
})

test('a body beyond the limit is refused, one at the limit is taken', () => {
  expect(codeOf({ ...github, max_bytes: 25 }, push())).toBe('delivery')
  expect(codeOf({ ...github, max_bytes: 24 }, push())).toBe('REQUEST_TOO_LARGE')
  expect(codeOf(github, push(`"${'a'.repeat(1024 * 1024 - 1)}"`))).toBe('REQUEST_TOO_LARGE')
})

test('a kind of body the hook does not take is refused', () => {
  expect(codeOf({ ...github, body: ['form'] }, push())).toBe('MEDIA_TYPE_UNSUPPORTED')
})

test.each([
  ['192.0.2.1', 'delivery'],
  ['::ffff:192.0.2.1', 'delivery'],
  ['192.0.3.1', 'ADDRESS_REFUSED'],
  [null, 'ADDRESS_REFUSED'],
])('a hook that takes requests from 192.0.2.0/24 decides on %s: %s', (client, code) => {
  expect(codeOf({ ...github, allow_from: ['192.0.2.0/24'] }, push(), { client })).toBe(code)
})

test('a query that is not percent-encoded is refused', () => {
  expect(codeOf(github, { ...push(), query: 'a=%' })).toBe('QUERY_INVALID')
  expect(codeOf(github, { ...push(), query: 'a=%00' })).toBe('QUERY_INVALID')
})

test('a delivery without the id its config speaks of is refused', () => {
  expect(codeOf({ ...github, delivery_id: { path: 'id' } }, push())).toBe('DELIVERY_ID_MISSING')
})

function slackRequest(body: string, signedWith = SECRET): InboundRequest {
  const stamp = String(Math.floor(NOW / 1_000))
  const signature = `v0=${sign(`v0:${stamp}:${body}`, signedWith)}`
  return requestWith({ body, headers: { 'x-slack-request-timestamp': stamp, 'x-slack-signature': signature } })
}

const slack: WebhookConfig = { auth: { scheme: 'slack', secrets: ['a'] } }
const question = '{"type":"url_verification","challenge":"abc"}'

test("slack's question is answered when it is signed, without being asked for", () => {
  expect(createReception(slack)(slackRequest(question), at)).toMatchObject({ kind: 'reply', body: 'abc' })
  expect(codeOf(slack, slackRequest(question, 'another'))).toBe('SIGNATURE_WRONG')
})

test("a question in the query is answered although it is not signed, and is not a hook's method", () => {
  const request = requestWith({ method: 'GET', query: 'challenge=abc' })
  expect(createReception({ ...github, challenge: 'dropbox' })(request, at)).toMatchObject({
    kind: 'reply',
    body: 'abc',
  })
  expect(codeOf(github, request)).toBe('HOOK_NOT_FOUND')
})

test("meta's question goes by the verify token, its deliveries by the signature", () => {
  const hook = createReception({ ...github, challenge: 'meta', challenge_secret: 'b' })
  const query = 'hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=meatyhamhock'
  const asked = requestWith({ method: 'GET', query })
  expect(hook(asked, { ...at, verifyToken: 'meatyhamhock' })).toMatchObject({ kind: 'reply', body: '1158201444' })
  expect(hook(asked, { ...at, verifyToken: 'another' })).toMatchObject({ code: 'CREDENTIALS_WRONG' })
  expect(hook(push(), { ...at, verifyToken: 'meatyhamhock' })).toMatchObject({ kind: 'delivery' })
})

test("zoom's question is answered with the secret that signed it", () => {
  const auth: WebhookConfig['auth'] = { scheme: 'hmac', secrets: ['a'], header: 'x-zm-signature', prefix: 'v0=' }
  const body = '{"event":"endpoint.url_validation","payload":{"plainToken":"abc"}}'
  const request = requestWith({ body, headers: { 'x-zm-signature': `v0=${sign(body)}` } })
  const circumstances = { ...at, secrets: ['the-next-secret', SECRET] }
  expect(createReception({ auth, challenge: 'zoom' })(request, circumstances)).toMatchObject({
    kind: 'reply',
    body: JSON.stringify({ plainToken: 'abc', encryptedToken: sign('abc') }),
  })
  expect(codeOf({ auth, challenge: 'zoom' }, request, { secrets: ['the-next-secret'] })).toBe('SIGNATURE_WRONG')
})

test('the name of a header may be written in any case', () => {
  expect(headerOf({ headers: { 'x-a': ' b ' } }, 'X-A')).toBe('b')
  expect(headerOf({ headers: { 'x-a': ' ' } }, 'x-a')).toBeUndefined()
})

test.each<[config: WebhookConfig['auth'], says: string]>([
  [{ scheme: 'basic', username: 'bob', secrets: ['a'] }, 'Basic realm="hook", charset="UTF-8"'],
  [{ scheme: 'api_key', secrets: ['a'], header: 'Authorization', prefix: 'Bearer ' }, 'Bearer realm="hook"'],
  [{ scheme: 'api_key', secrets: ['a'], header: 'x-key', prefix: 'Key ' }, 'api_key realm="hook"'],
  [{ scheme: 'api_key', secrets: ['a'], query: 'key' }, 'api_key realm="hook"'],
  [{ scheme: 'github', secrets: ['a'] }, 'github realm="hook"'],
])('who is not proven is told how to be: %o', (auth, authenticate) => {
  const unsigned = requestWith({ headers: { 'content-type': 'application/json' } })
  expect(createReception({ auth })(unsigned, at)).toMatchObject({ kind: 'refused', authenticate })
})

test('a refusal for another reason says nothing of how to be proven', () => {
  const refusal = createReception({ ...github, max_bytes: 1 })(push(), at)
  expect(refusal).not.toHaveProperty('authenticate')
})
