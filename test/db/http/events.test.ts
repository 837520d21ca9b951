import { once } from 'node:events'
import { type IncomingHttpHeaders, request as send } from 'node:http'
import { networkInterfaces } from 'node:os'
import { json } from 'node:stream/consumers'
import { CloudEvent, emitterFor, HTTP, httpTransport, Mode } from 'cloudevents'
import { expect, onTestFinished, test } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import { createMetrics } from '../../../src/base/metrics.ts'
import { createPool, type Pool } from '../../../src/db/pool.ts'
import { createHttpServer } from '../../../src/http/server.ts'
import { acceptEvents } from '../../../src/inbox/accept.ts'
import { hookNotFound } from '../../../src/inbox/refusal.ts'
import { createTestDatabase } from '../../support/database.ts'

const { pool } = await createTestDatabase()
const STRUCTURED = { 'content-type': 'application/cloudevents+json' }
const plain = { specversion: '1.0', id: '1', source: '/shop', type: 'order.paid' }

/** The URL of events of a server of its own. */
async function serve({
  on = pool,
  of = 'loopback',
  host = '127.0.0.1',
}: {
  on?: Pool
  of?: 'loopback' | 'anyone'
  host?: string
} = {}): Promise<string> {
  const server = createHttpServer({
    host,
    port: 0,
    portChosen: true,
    drainTimeout: 10_000,
    log: silentLogger,
    metrics: createMetrics(),
    health: { ready: async () => ({ ready: true, checks: {} }) },
    receiver: { receive: async () => hookNotFound },
    acceptEvents: events => acceptEvents(on, events),
    fireTrigger: async () => Promise.reject(new Error('no trigger is fired here')),
    acceptEventsOf: of,
    callbackAt: async () => undefined,
    callBack: async () => {},
  })
  onTestFinished(() => server.stop())
  await server.start()
  return `${server.url()}/api/v1/events`
}

interface Answer {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: unknown
}

/** Unlike fetch, any header may be sent. */
async function post(url: string, headers: Record<string, string>, body: unknown): Promise<Answer> {
  const outgoing = send(url, { method: 'POST', headers })
  outgoing.end(typeof body === 'string' ? body : JSON.stringify(body))
  const [answer] = await once(outgoing, 'response')
  return { status: answer.statusCode, headers: answer.headers, body: await json(answer) }
}

async function stored(id: string): Promise<unknown> {
  const { rows } = await pool.executeSql('select type, data from public.inbound_events where external_id = $1', [id])
  return rows[0]
}

test.each([Mode.STRUCTURED, Mode.BINARY])('the SDK of CloudEvents sends an event %s, and it is stored', async mode => {
  const emit = emitterFor(httpTransport(await serve()), { binding: HTTP, mode })
  const id = `sdk ${mode}`
  await emit(new CloudEvent({ id, source: '/sdk', type: 'sdk.sent', data: { mode } }))
  expect(await stored(id)).toEqual({ type: 'sdk.sent', data: { mode } })
})

test('a batch is stored whole, and a repeated event is answered as a duplicate', async () => {
  const url = await serve()
  const headers = { 'content-type': 'application/cloudevents-batch+json' }
  const batch = [
    { ...plain, id: 'b1' },
    { ...plain, id: 'b2' },
    { ...plain, id: 'b1' },
  ]
  expect(await post(url, headers, batch)).toMatchObject({
    status: 202,
    body: {
      events: [
        { source: '/shop', id: 'b1', duplicate: false },
        { source: '/shop', id: 'b2', duplicate: false },
        { source: '/shop', id: 'b1', duplicate: true },
      ],
    },
  })
  expect(await post(url, STRUCTURED, { ...plain, id: 'b2' })).toMatchObject({ body: { events: [{ duplicate: true }] } })
})

test('an event that is wrong is answered with each attribute that is, and nothing of its batch is stored', async () => {
  const headers = { 'content-type': 'application/cloudevents-batch+json' }
  const answer = await post(await serve(), headers, [
    { ...plain, id: 'good' },
    { ...plain, id: 'bad', type: '' },
  ])
  expect(answer).toMatchObject({
    status: 400,
    headers: { 'content-type': expect.stringContaining('application/problem+json') },
    body: { code: 'EVENT_INVALID', problems: [{ path: '[1].type', message: 'must not be empty' }] },
  })
  expect(await stored('good')).toBe(undefined)
})

test.each([
  ['a body of another kind', { 'content-type': 'text/plain' }, 'hello', 415, 'MEDIA_TYPE_UNSUPPORTED'],
  ['no body at all', {}, '', 415, 'MEDIA_TYPE_UNSUPPORTED'],
  ['what is no JSON', STRUCTURED, '{', 400, 'EVENT_INVALID'],
  ['more than 1 MiB', STRUCTURED, 'x'.repeat(1024 * 1024 + 1), 413, 'REQUEST_TOO_LARGE'],
])('%s is refused', async (...[, headers, body, status, code]) => {
  expect(await post(await serve(), headers, body)).toMatchObject({ status, body: { code } })
})

test('while the database is away nothing is acknowledged', async () => {
  const away = createPool({
    url: 'postgres://nobody@127.0.0.1:1/nothing',
    applicationName: 'mbflow:test',
    max: 1,
    log: silentLogger,
  })
  onTestFinished(() => away.end())
  expect(await post(await serve({ on: away }), STRUCTURED, plain)).toMatchObject({
    status: 503,
    headers: { 'retry-after': expect.any(String) },
    body: { code: 'DATABASE_UNAVAILABLE', hint: expect.stringContaining('send them again') },
  })
})

test.each([
  ['under a name that leads here but is not ours', { host: 'evil.example:7377' }],
  ['passed on by a proxy', { 'x-forwarded-for': '203.0.113.7' }],
  ['passed on by a proxy of the standard', { forwarded: 'for=203.0.113.7' }],
])('a request that comes %s is not of this machine', async (_, headers) => {
  const answer = await post(await serve(), { ...STRUCTURED, ...headers }, { ...plain, id: 'stranger' })
  expect(answer).toMatchObject({ status: 403, body: { code: 'EVENTS_CLOSED' } })
  expect(await stored('stranger')).toBe(undefined)
})

const outside = Object.values(networkInterfaces())
  .flat()
  .find(one => one?.family === 'IPv4' && !one.internal)?.address

test.runIf(outside)('a request that comes by an address of the network is not of this machine', async () => {
  const url = (await serve({ host: '0.0.0.0' })).replace('127.0.0.1', outside ?? '')
  expect(await post(url, STRUCTURED, plain)).toMatchObject({ status: 403, body: { code: 'EVENTS_CLOSED' } })
})

test.each(['localhost', '[::1]', '127.0.0.1'])('a request to %s is of this machine', async name => {
  const url = await serve()
  const host = `${name}:${new URL(url).port}`
  expect(await post(url, { ...STRUCTURED, host }, { ...plain, id: name })).toMatchObject({ status: 202 })
})

test('where anyone is welcome, a request of a proxy is taken', async () => {
  const headers = { ...STRUCTURED, 'x-forwarded-for': '203.0.113.7', host: 'events.example' }
  expect(await post(await serve({ of: 'anyone' }), headers, { ...plain, id: 'friend' })).toMatchObject({ status: 202 })
})
