// The providers' own code signs, and a hook takes what it signed, over a real connection. What was changed, held back, cut
// off, blown up or written otherwise on its way is refused, and leaves nothing behind.
import { createHmac } from 'node:crypto'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { sign as signLikeGitHub } from '@octokit/webhooks-methods'
import { Webhook } from 'standardwebhooks'
import Stripe from 'stripe'
import { afterAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json.ts'
import { sql } from '../../../src/db/sql.ts'
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

type Headers = Record<string, string>

interface Signer {
  readonly name: string
  readonly config: JsonObject & { readonly auth: JsonObject & { readonly secrets: readonly string[] } }
  readonly body: string
  readonly contentType: string
  readonly fireKey: string
  /** `at`: epoch milliseconds. */
  sign(body: string, signed: { secret: string; at: number }): Promise<Headers> | Headers
}

const JSON_TYPE = 'application/json'
const seconds = (at: number): number => Math.floor(at / 1000)
const hmac = (secret: string, signed: string, encoding: 'hex' | 'base64' = 'hex'): string =>
  createHmac('sha256', secret).update(signed).digest(encoding)

const signers: readonly Signer[] = [
  {
    name: 'standardwebhooks',
    config: { auth: { scheme: 'standard_webhooks', secrets: ['standard', 'standard_older'] } },
    body: '{"type":"user.created","data":{"name":"Zoë"}}',
    contentType: JSON_TYPE,
    fireKey: 'dlv:msg_1',
    sign: (body, { secret, at }) => ({
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(seconds(at)),
      'webhook-signature': new Webhook(secret).sign('msg_1', new Date(at), body),
    }),
  },
  {
    name: '@octokit/webhooks-methods',
    config: { auth: { scheme: 'github', secrets: ['shared', 'older'] } },
    body: '{"ref":"refs/heads/main"}',
    contentType: JSON_TYPE,
    fireKey: 'dlv:72d3162e-cc78',
    sign: async (body, { secret }) => ({
      'x-hub-signature-256': await signLikeGitHub(secret, body),
      'x-github-delivery': '72d3162e-cc78',
    }),
  },
  {
    name: 'stripe',
    config: { auth: { scheme: 'stripe', secrets: ['shared', 'older'] } },
    body: '{"id":"evt_1","object":"event"}',
    contentType: `${JSON_TYPE}; charset=utf-8`,
    fireKey: 'dlv:evt_1',
    sign: (payload, { secret, at }) => ({
      'stripe-signature': new Stripe('sk_test_none').webhooks.generateTestHeaderString({
        payload,
        secret,
        timestamp: seconds(at),
      }),
    }),
  },
  {
    name: "slack's documented scheme",
    config: { auth: { scheme: 'slack', secrets: ['shared', 'older'] } },
    body: '{"type":"event_callback","event_id":"Ev1","event":{"type":"app_mention"}}',
    contentType: JSON_TYPE,
    fireKey: 'dlv:Ev1',
    sign: (body, { secret, at }) => ({
      'x-slack-request-timestamp': String(seconds(at)),
      'x-slack-signature': `v0=${hmac(secret, `v0:${seconds(at)}:${body}`)}`,
    }),
  },
  {
    name: 'an hmac of time and form, in base64',
    config: {
      auth: {
        scheme: 'hmac',
        secrets: ['shared', 'older'],
        header: 'X-Signature',
        encoding: 'base64',
        timestamp: { header: 'X-Time', unit: 'milliseconds' },
      },
      delivery_id: { path: 'order' },
    },
    body: 'order=4711&note=a+b',
    contentType: 'application/x-www-form-urlencoded',
    fireKey: 'dlv:4711',
    sign: (body, { secret, at }) => ({ 'x-time': String(at), 'x-signature': hmac(secret, `${at}.${body}`, 'base64') }),
  },
]

const secretOf = ({ config }: Signer, which = 0): string => SECRETS[config.auth.secrets[which] ?? ''] ?? ''

async function countStored(triggerId: string): Promise<number> {
  const [row] = await pool.rows<{ stored: number }>(sql('test.stored')`
    select (select count(*) from public.trigger_fires where trigger_id = ${triggerId})
      + (select count(*) from public.executions where trigger_id = ${triggerId}) as stored`)
  return row?.stored ?? -1
}

describe.each(signers)('$name', signer => {
  const { config, body, contentType, fireKey, sign } = signer
  const signed = async (given: { secret?: string; at?: number; body?: string } = {}): Promise<Headers> => ({
    'content-type': contentType,
    ...(await sign(given.body ?? body, { secret: secretOf(signer), at: Date.now(), ...given })),
  })

  test('is taken, with the present secret and with the one before it', async () => {
    const hook = await hooks.hook(config)
    const first = await hook.post(body, await signed())
    const again = await hook.post(body, await signed({ secret: secretOf(signer, 1) }))
    expect([first.status, again.status]).toEqual([202, 202])
    expect(await hooks.ledger(hook.trigger.id)).toMatchObject([{ key: fireKey, disposition: 'fired' }])
    expect(await hooks.countExecutions(hook.trigger.id)).toBe(1)
  })

  const hostile: readonly (readonly [what: string, status: number, code: string, send: Hostile])[] = [
    ['tampered with', 401, 'SIGNATURE_WRONG', async post => post(body.replace(/.$/, ' '), await signed())],
    ['signed with another secret', 401, 'SIGNATURE_WRONG', async post => post(body, await signed({ secret: OTHER }))],
    ['not signed', 401, 'SIGNATURE_MISSING', post => post(body, { 'content-type': contentType })],
    ['signed in another way', 401, 'SIGNATURE_MALFORMED', async post => post(body, mangled(await signed()))],
    ['of a type that is not taken', 415, 'MEDIA_TYPE_UNSUPPORTED', async post =>
      post(body, { ...(await signed()), 'content-type': 'application/octet-stream' })],
    ['multipart', 415, 'MEDIA_TYPE_UNSUPPORTED', async post =>
      post(body, { ...(await signed()), 'content-type': 'multipart/form-data; boundary=a' })],
    ['compressed', 415, 'MEDIA_TYPE_UNSUPPORTED', async post =>
      post(body, { ...(await signed()), 'content-encoding': 'gzip' })],
    ['of a charset nobody knows', 415, 'MEDIA_TYPE_UNSUPPORTED', async post =>
      post(body, { ...(await signed()), 'content-type': `${contentType.split(';')[0]}; charset=ebcdic` })],
    ['larger than anything that is taken', 413, 'REQUEST_TOO_LARGE', async post =>
      post(' '.repeat(1024 * 1024 + 1), await signed())],
  ] // biome-ignore format: a table

  test.each(hostile)('%s is refused with %i %s, and nothing is stored', async (...[, status, code, send]) => {
    const hook = await hooks.hook(config)
    const response = await send(hook.post)
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([status, code])
    expect(await countStored(hook.trigger.id)).toBe(0)
  })

  test('what breaks off is nobody, and nothing is stored', async () => {
    const hook = await hooks.hook(config)
    const { hostname, port, pathname } = new URL(hook.url)
    const headers = { ...(await signed()), host: hostname, 'content-length': String(Buffer.byteLength(body)) }
    const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    const socket = connect(Number(port), hostname)
    socket.end(`POST ${pathname} HTTP/1.1\r\n${head.join('')}\r\n${body.slice(0, -3)}`)
    expect(await text(socket)).not.toMatch(/^HTTP\/1.1 2/)
    expect(await countStored(hook.trigger.id)).toBe(0)
  })

  const { scheme } = config.auth
  test.skipIf(scheme === 'github')('what was held back for longer than the tolerance is refused', async () => {
    const hook = await hooks.hook(config)
    const late = await hook.post(body, await signed({ at: Date.now() - 301_000 }))
    const early = await hook.post(body, await signed({ at: Date.now() + 310_000 }))
    expect([late.status, early.status]).toEqual([401, 401])
    expect(await countStored(hook.trigger.id)).toBe(0)
  })
})

type Hostile = (post: (body: string, headers: Headers) => Promise<Response>) => Promise<Response>

const OTHER = `whsec_${Buffer.from('what the hook does not know of').toString('base64')}`

/** The signature in the wrong encoding. */
const mangled = (headers: Headers): Headers =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      name.endsWith('signature') || name.endsWith('256') ? '!' : value,
    ]),
  )
