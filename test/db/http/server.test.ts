import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import { createMetrics } from '../../../src/base/metrics.ts'
import type { Readiness } from '../../../src/http/health.ts'
import { createHttpServer, type HttpServer, type HttpServerOptions } from '../../../src/http/server.ts'
import type { Receiver } from '../../../src/inbox/receive.ts'
import { hookNotFound } from '../../../src/inbox/refusal.ts'

const PROBLEM = /^application\/problem\+json/

function httpServer(options: Partial<HttpServerOptions> = {}): HttpServer {
  const server = createHttpServer({
    host: '127.0.0.1',
    port: 0,
    portChosen: true,
    drainTimeout: 10_000,
    log: silentLogger,
    metrics: createMetrics(),
    health: { ready: async () => ({ ready: true, checks: { database: 'ok' } }) },
    receiver: { receive: async () => hookNotFound },
    acceptEvents: async () => [],
    fireTrigger: async () => Promise.reject(new Error('no trigger is fired here')),
    acceptEventsOf: 'loopback',
    callbackAt: async () => undefined,
    callBack: async () => {},
    ...options,
  })
  onTestFinished(() => server.stop())
  return server
}

async function running(options: Partial<HttpServerOptions> = {}): Promise<HttpServer> {
  const server = httpServer(options)
  await server.start()
  return server
}

/** A server on which `/readyz` does not answer before it is told to. */
async function withSlowRequest(options: Partial<HttpServerOptions> = {}) {
  const asked = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<Readiness>()
  const ready = (): Promise<Readiness> => {
    asked.resolve()
    return answer.promise
  }
  const server = await running({ ...options, health: { ready } })
  const response = fetch(`${server.url()}/readyz`)
  await asked.promise
  return { server, response, answer: () => answer.resolve({ ready: true, checks: {} }) }
}

/** What the server says to bytes that are not a proper request. */
async function exchange(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.write(bytes)
  return text(socket)
}

test('/healthz answers as long as the process lives', async () => {
  const server = await running({ health: { ready: () => Promise.reject(new Error('database down')) } })
  const response = await fetch(`${server.url()}/healthz`)
  expect([response.status, await response.json()]).toEqual([200, { status: 'alive' }])
})

test('/readyz answers 200 with its checks when ready', async () => {
  const response = await fetch(`${(await running()).url()}/readyz`)
  expect([response.status, await response.json()]).toEqual([200, { ready: true, checks: { database: 'ok' } }])
})

test('/readyz answers 503 with its checks when not ready', async () => {
  const readiness = { ready: false, checks: { database: 'no answer within 3s' } }
  const server = await running({ health: { ready: async () => readiness } })
  const response = await fetch(`${server.url()}/readyz`)
  expect([response.status, await response.json()]).toEqual([503, readiness])
})

test('/metrics shows what was counted', async () => {
  const metrics = createMetrics()
  metrics.fires.inc({ type: 'cron', disposition: 'fired' })
  const response = await fetch(`${(await running({ metrics })).url()}/metrics`)
  expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4')
  expect(await response.text()).toContain('mbflow_fires_total{type="cron",disposition="fired"} 1')
})

test('every path the first page names exists', async () => {
  const url = (await running()).url()
  const page = await (await fetch(url)).text()
  const paths = page.match(/^ {2}\/\w+/gm)?.map(path => path.trim()) ?? []
  const statuses = await Promise.all(paths.map(async path => (await fetch(url + path)).status))
  expect([paths.length, ...statuses]).toEqual([3, 200, 200, 200])
})

test('an unknown path is a problem document', async () => {
  const response = await fetch(`${(await running()).url()}/nothing?secret=1`)
  expect(response.headers.get('content-type')).toMatch(PROBLEM)
  expect(await response.json()).toEqual({
    title: 'Not Found',
    status: 404,
    code: 'NOT_FOUND',
    detail: 'there is nothing at /nothing',
  })
})

test('a known path asked with the wrong method names the right ones', async () => {
  const response = await fetch(`${(await running()).url()}/healthz`, { method: 'DELETE' })
  expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  expect(await response.json()).toMatchObject({ status: 405, code: 'METHOD_NOT_ALLOWED' })
})

test('a failing route answers 500 without its details', async () => {
  const server = await running({ health: { ready: () => Promise.reject(new Error('user anna')) } })
  const response = await fetch(`${server.url()}/readyz`)
  expect(response.status).toBe(500)
  expect(response.headers.get('content-type')).toMatch(PROBLEM)
  expect(await response.text()).not.toContain('anna')
})

test.each([
  ['a path that cannot be decoded', 'GET /%ZZ HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n', 400],
  ['what is not HTTP', 'hello\r\n\r\n', 400],
  ['headers without end', `GET / HTTP/1.1\r\nhost: x\r\na: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
])('%s is answered with a problem document', async (_, bytes, status) => {
  const answer = await exchange((await running()).url(), bytes)
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  expect(answer).toContain('content-type: application/problem+json')
  expect(answer).toContain(`"status":${status}`)
})

test.each(['/', '/healthz', '/readyz', '/metrics', '/nothing', '/%ZZ'])(
  '%s carries the security headers',
  async path => {
    const { headers } = await fetch((await running()).url() + path)
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('x-powered-by')).toBeNull()
  },
)

test('a port in use is a clear error', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  onTestFinished(() => void other.close())
  const { port } = other.address() as AddressInfo
  await expect(httpServer({ port }).start()).rejects.toMatchObject({
    code: 'LISTEN_FAILED',
    message: `port ${port} of 127.0.0.1 is in use`,
  })
})

test('two daemons started without asking for a port listen on two', async () => {
  const first = await running()
  const port = Number(new URL(first.url()).port)
  const second = await running({ port, portChosen: false })
  expect(Number(new URL(second.url()).port)).toBeGreaterThan(port)
})

test('an address of another machine is a clear error', async () => {
  await expect(httpServer({ host: '192.0.2.1' }).start()).rejects.toMatchObject({
    code: 'LISTEN_FAILED',
    message: '192.0.2.1 is not an address of this machine',
  })
})

test('the URL of a server on all addresses can be opened on this machine', async () => {
  const server = await running({ host: '0.0.0.0' })
  expect(server.url()).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
})

test('stopping lets a request in flight end', async () => {
  const { server, response, answer } = await withSlowRequest()
  const stopped = server.stop()
  answer()
  expect((await response).status).toBe(200)
  await stopped
})

test('stopping cuts what has not ended after the drain timeout', async () => {
  const { server, response } = await withSlowRequest({ drainTimeout: 1 })
  const failed = expect(response).rejects.toThrow()
  await server.stop()
  await failed
})

test('stopping does not wait for idle connections', async () => {
  const server = await running()
  const agent = new Agent({ keepAlive: true })
  const [response] = (await once(get(`${server.url()}/healthz`, { agent }), 'response')) as [IncomingMessage]
  await text(response)
  await server.stop()
  agent.destroy()
})

test('a stopped server refuses connections', async () => {
  const server = await running()
  const url = server.url()
  await server.stop()
  await expect(fetch(url)).rejects.toThrow()
})

test('stopping twice, or without having started, does nothing', async () => {
  const server = httpServer()
  await server.stop()
  await server.start()
  await server.stop()
  await server.stop()
})

test('a stopped server can be started again', async () => {
  const server = await running()
  await server.stop()
  await server.start()
  expect((await fetch(`${server.url()}/healthz`)).status).toBe(200)
})

/** Hooks whose answers take as long as their senders wait for them. */
function patient() {
  const asked = Promise.withResolvers<void>()
  const gone = Promise.withResolvers<void>()
  const receive: Receiver['receive'] = async (_, signal) => {
    asked.resolve()
    if (!signal.aborted) await once(signal, 'abort')
    gone.resolve()
    return hookNotFound
  }
  return { receiver: { receive }, asked: asked.promise, gone: gone.promise }
}

test('nobody waits on behalf of a sender that has gone', async () => {
  const { receiver, asked, gone } = patient()
  const server = await running({ receiver })
  const leaving = new AbortController()
  const answer = fetch(`${server.url()}/hooks/a`, { method: 'POST', signal: leaving.signal })
  await asked
  leaving.abort()
  await expect(answer).rejects.toThrow()
  await gone
})

test('a sender that waits is answered when the server stops', async () => {
  const { receiver, asked } = patient()
  const server = await running({ receiver })
  const answer = fetch(`${server.url()}/hooks/a`, { method: 'POST' })
  await asked
  await server.stop()
  expect((await answer).status).toBe(404)
})
