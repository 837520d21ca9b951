// The secrets of hooks are compared with what senders show, by every scheme there is, and are nowhere afterwards: not in
// the database, not in the log, not in an answer.

import { createHmac } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json.ts'
import { type WebhookConfig, webhookConfigSchema } from '../../../src/trigger/webhook-config.ts'
import { formsOf } from '../../support/canary.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine } from '../../support/engine.ts'
import { createTestHooks } from '../../support/hooks.ts'
import { everyRow } from '../schema/rows.ts'

/** Also a key of Standard Webhooks. */
const CANARY = Buffer.from('a canary of thirty-three bytes…').toString('base64')
const forms = formsOf(CANARY)

const lines: string[] = []
const log = pino({ level: 'trace' }, { write: line => void lines.push(line) })
const { pool } = await createTestDatabase()
const engine = await createTestEngine(pool, { log })
const hooks = await createTestHooks(engine, { secrets: { find: async () => CANARY }, log })
const runner = engine.runner()
await runner.start()
afterAll(async () => {
  await runner.stop()
  await hooks.stop()
  await engine.stop()
})

const BODY = '{"id":"evt_1","event_id":"Ev1","name":"Ada"}'
const now = (): number => Math.floor(Date.now() / 1000)
const sign = (text: string, key: string | Buffer = CANARY) => createHmac('sha256', key).update(text)

interface Sent {
  readonly headers?: Record<string, string>
  readonly query?: string
}

/** How a hook tells senders apart, and how one that knows the secret proves itself. */
const cases: readonly (readonly [auth: WebhookConfig['auth'], prove: () => Sent])[] = [
  [{ scheme: 'none' }, () => ({})],
  [{ scheme: 'api_key', secrets: ['a'], header: 'x-pass' }, () => ({ headers: { 'x-pass': CANARY } })],
  [
    { scheme: 'api_key', secrets: ['a'], header: 'Authorization', prefix: 'Bearer ' },
    () => ({ headers: { authorization: `Bearer ${CANARY}` } }),
  ],
  [{ scheme: 'api_key', secrets: ['a'], query: 'pass' }, () => ({ query: `?pass=${encodeURIComponent(CANARY)}` })],
  [
    { scheme: 'basic', username: 'bob', secrets: ['a'] },
    () => ({ headers: { authorization: `Basic ${Buffer.from(`bob:${CANARY}`).toString('base64')}` } }),
  ],
  [
    { scheme: 'github', secrets: ['a'] },
    () => ({ headers: { 'x-hub-signature-256': `sha256=${sign(BODY).digest('hex')}`, 'x-github-delivery': '1' } }),
  ],
  [
    { scheme: 'standard_webhooks', secrets: ['a'] },
    () => {
      const signature = sign(`msg_1.${now()}.${BODY}`, Buffer.from(CANARY, 'base64')).digest('base64')
      return {
        headers: { 'webhook-id': 'msg_1', 'webhook-timestamp': `${now()}`, 'webhook-signature': `v1,${signature}` },
      }
    },
  ],
  [
    { scheme: 'stripe', secrets: ['a'] },
    () => ({ headers: { 'stripe-signature': `t=${now()},v1=${sign(`${now()}.${BODY}`).digest('hex')}` } }),
  ],
  [
    { scheme: 'slack', secrets: ['a'] },
    () => ({
      headers: {
        'x-slack-request-timestamp': `${now()}`,
        'x-slack-signature': `v0=${sign(`v0:${now()}:${BODY}`).digest('hex')}`,
      },
    }),
  ],
  [{ scheme: 'hmac', secrets: ['a'], header: 'x-mark' }, () => ({ headers: { 'x-mark': sign(BODY).digest('hex') } })],
]

test.each(cases)('a hook does not give its secret away: %o', async (auth, prove) => {
  const { url, trigger } = await hooks.hook({ auth, respond: 'result' } as JsonObject)
  const send = async (body: string, { headers = {}, query = '' }: Sent) => {
    const sent = { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } }
    const response = await fetch(`${url}${query}`, sent)
    return { status: response.status, said: `${JSON.stringify([...response.headers])}${await response.text()}` }
  }
  const answers = [await send(BODY, prove()), await send('{', prove()), await send(BODY, { query: '?pass=x' })]
  expect(answers[0]?.status).toBe(200)
  expect(answers[1]?.status).toBeGreaterThanOrEqual(400)
  expect(answers[2]?.status).toBe(auth.scheme === 'none' ? 200 : 401)
  expect(await hooks.countExecutions(trigger.id)).toBe(auth.scheme === 'none' ? 2 : 1)
  const seen = [await everyRow(pool), ...answers.map(({ said }) => said), ...lines].join('\n')
  for (const form of forms) expect(seen).not.toContain(form)
})

test('neither does the question of a provider that shows it', async () => {
  const { url } = await hooks.hook({ auth: { scheme: 'none' }, challenge: 'meta', challenge_secret: 'a' })
  const ask = async (token: string) => {
    const query = new URLSearchParams({ 'hub.mode': 'subscribe', 'hub.challenge': '42', 'hub.verify_token': token })
    return fetch(`${url}?${query}`)
  }
  const [right, wrong] = [await ask(CANARY), await ask('another')]
  expect([right.status, await right.text(), wrong.status]).toEqual([200, '42', 401])
  const seen = [await everyRow(pool), await wrong.text(), ...lines].join('\n')
  for (const form of forms) expect(seen).not.toContain(form)
})

test('every scheme is among these', () => {
  const { anyOf } = webhookConfigSchema.properties.auth
  const schemes = anyOf.map(one => one.properties.scheme.const)
  expect(schemes.sort()).toEqual([...new Set(cases.map(([{ scheme }]) => scheme))].sort())
})
