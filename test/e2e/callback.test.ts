// An approval as its approver meets it: a request with a URL in it, which leads through a proxy to the daemon's own port.
import { createServer, request as forward } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { Json, JsonObject } from '../../src/base/json.ts'
import { notify } from '../../src/db/listener.ts'
import { findExecution } from '../../src/execution/find.ts'
import { createTestDatabase } from '../support/database.ts'
import { createTestEngine, documentOf, type TestEngine } from '../support/engine.ts'
import { type Running, startMbflow } from '../support/processes.ts'
import { startStubServer } from '../support/stub-server.ts'

const YES = { approved: true }
const PATH = '/flows'

interface Approval {
  readonly engine: TestEngine
  readonly id: string
  /** Where the approver was told to call. */
  readonly url: string
  readonly daemon: Running
  /** The daemon is gone, and there is another one. */
  replace(): Promise<void>
  types(): Promise<string[]>
}

async function approval(wait: JsonObject = {}): Promise<Approval> {
  const { pool, url } = await createTestDatabase()
  const engine = await createTestEngine(pool)
  onTestFinished(() => engine.stop())
  const stub = await startStubServer()
  onTestFinished(() => stub.close())
  const proxy = await startProxy()
  const start = async (): Promise<Running> => {
    const running = startMbflow(['start', '--no-migrate'], {
      env: {
        DATABASE_URL: url,
        PORT: '0',
        LOG_LEVEL: 'warn',
        MBFLOW_ALLOW_PRIVATE: '127.0.0.1',
        MBFLOW_POLL_INTERVAL: '100ms',
        MBFLOW_PUBLIC_URL: proxy.url,
        MBFLOW_SECRET_KEY: `whsec_${Buffer.alloc(32).toString('base64')}`,
      },
    })
    const [, port] = /http:\/\/[\d.]+:(\d+)/.exec(await running.line(/HTTP {2}/)) ?? []
    proxy.leadTo(Number(port))
    return running
  }
  const daemon = await start()
  const { nodes, edges } = documentOf(['ask -> after'])
  const ask = { type: 'webhook', config: { url: `${stub.url}/echo`, secret: 'key', wait_for_callback: wait } }
  const version = await engine.publish({
    nodes: nodes.map(node => (node.key === 'ask' ? { ...node, ...ask } : node)),
    edges,
  })
  const [id = ''] = await engine.begin(version, [{}])
  await notify(pool, 'jobs')
  const { body } = await stub.received(1)
  for (; (await findExecution(pool, id)).parked_reason === null; await systemClock.sleep(10));
  return {
    engine,
    id,
    url: JSON.parse(body).callback.url,
    daemon,
    replace: async () => void (await start()),
    types: async () => (await engine.eventLog.read(id)).map(event => event.body.type),
  }
}

/** What stands in front of the daemon, under a path of its own. */
async function startProxy(): Promise<{ url: string; leadTo(port: number): void }> {
  let port = 0
  const server = createServer((incoming, outgoing) => {
    const { method, headers, url = '' } = incoming
    if (!url.startsWith(`${PATH}/`)) return outgoing.writeHead(502).end()
    const onward = forward({ port, method, headers, path: url.slice(PATH.length) }, answer => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    onward.on('error', () => outgoing.destroy())
    return incoming.pipe(onward)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${PATH}`
  return {
    url,
    leadTo(other) {
      port = other
    },
  }
}

async function post(url: string, body: Json): Promise<{ status: number; code: string | undefined }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, code: ((await response.json()) as { code?: string }).code }
}

const ACCEPTED = { status: 200, code: undefined }

test('what is posted to the URL goes on; it is good for one answer, which may be sent again', async () => {
  const { engine, id, url, types } = await approval()
  expect(await post(url, YES)).toEqual(ACCEPTED)
  expect(await engine.ended(id)).toMatchObject({ status: 'completed', output: YES })
  const before = await types()
  expect(await post(url, YES)).toEqual(ACCEPTED)
  expect(await post(url, { approved: false })).toEqual({ status: 409, code: 'CALLBACK_USED' })
  expect(await types()).toEqual(before)
  expect(await engine.violations()).toEqual([])
})

test('a URL with another token leads nowhere, and the node waits on', async () => {
  const { engine, id, url } = await approval()
  const wrong = `${url.slice(0, -1)}${url.endsWith('A') ? 'B' : 'A'}`
  expect((await post(wrong, YES)).status).toBe(404)
  expect((await post(`${url}/`, YES)).status).toBe(404)
  expect(await post(url, YES)).toEqual(ACCEPTED)
  expect(await engine.ended(id)).toMatchObject({ status: 'completed' })
})

test('after its time nobody waits for the call any more', async () => {
  const { engine, id, url, types } = await approval({ timeout: '2s' })
  expect(await engine.ended(id)).toMatchObject({ status: 'failed', error: expect.stringMatching(/CALLBACK_TIMEOUT/) })
  const before = await types()
  expect(await post(url, YES)).toEqual({ status: 410, code: 'CALLBACK_GONE' })
  expect(await types()).toEqual(before)
})

test('what does not fit the schema is refused, and the node waits on', async () => {
  const schema = { type: 'object', required: ['approved'], properties: { approved: { type: 'boolean' } } }
  const { engine, id, url, types } = await approval({ schema })
  const before = await types()
  expect(await post(url, { approved: 'yes' })).toEqual({ status: 422, code: 'CALLBACK_INVALID' })
  expect(await types()).toEqual(before)
  expect(await post(url, YES)).toEqual(ACCEPTED)
  expect(await engine.ended(id)).toMatchObject({ status: 'completed', output: YES })
})

test('what was acknowledged counts, though the daemon dies with its answer', async () => {
  const { engine, id, url, daemon, replace } = await approval()
  expect(await post(url, YES)).toEqual(ACCEPTED)
  await daemon.stop('SIGKILL')
  await replace()
  expect(await engine.ended(id)).toMatchObject({ status: 'completed', output: YES })
  expect(await engine.violations()).toEqual([])
})
