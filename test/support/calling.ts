// An execution whose first node asks somebody and waits to be called back, under a real worker and a real HTTP server; who
// is asked is the test's.
import { expect } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { HttpClient, HttpRequest } from '../../src/base/http-client.ts'
import type { Json, JsonObject } from '../../src/base/json.ts'
import { silentLogger } from '../../src/base/log.ts'
import { createMetrics } from '../../src/base/metrics.ts'
import type { Pool } from '../../src/db/pool.ts'
import { callBack, callbackAt, createCallbacks } from '../../src/execution/callbacks.ts'
import { type Command, control } from '../../src/execution/control.ts'
import { findExecution } from '../../src/execution/find.ts'
import { createHttpServer } from '../../src/http/server.ts'
import type { Runner } from '../../src/queue/runner.ts'
import type { NodePolicy } from '../../src/workflow/workflow.ts'
import { createTestEngine, documentOf, type TestEngine } from './engine.ts'

const KEY = `whsec_${Buffer.from('a key of thirty-two random bytes').toString('base64')}`

export interface Calling {
  readonly engine: TestEngine
  readonly id: string
  readonly runner: Runner
  /** What was sent so far: where to call back, and the id of the message. */
  readonly asked: { readonly url: string; readonly id: string }[]
  post(url: string, body: Json, headers?: Record<string, string>): Promise<{ status: number; body: JsonObject }>
  ask(verb: 'cancel' | 'pause' | 'resume' | 'retry' | { verb: 'rerun'; node: string }): Promise<void>
  types(): Promise<string[]>
  /** Resolves when `type` was recorded for the `count`th time. */
  comesTo(type: string, count?: number): Promise<void>
  parked(): Promise<void>
  end(): Promise<void>
}

interface Options {
  readonly wait?: JsonObject
  readonly lines?: readonly string[]
  readonly policy?: NodePolicy
  /** Answers the one that is asked; 204 unless it says otherwise. */
  readonly answer?: (url: string, request: HttpRequest) => Promise<number>
  /** Begins at once unless told otherwise. */
  readonly idle?: true
}

/** The node `ask` is the first; all others pass their input on. */
export async function calling(pool: Pool, options: Options = {}): Promise<Calling> {
  const { wait = {}, lines = ['ask -> after'], policy = {}, answer = async () => 204 } = options
  const asked: { url: string; id: string }[] = []
  const http: HttpClient = {
    async request(request) {
      const { callback } = JSON.parse(String(request.body))
      asked.push({ url: callback.url, id: request.headers?.['webhook-id'] ?? '' })
      return { status: await answer(callback.url, request), headers: {}, body: Buffer.alloc(0) }
    },
  }
  const origin = Promise.withResolvers<string>()
  const engine = await createTestEngine(pool, {
    http,
    secrets: { find: async () => KEY },
    callbacks: createCallbacks({ pool, origin: origin.promise }),
  })
  const deps = { ...engine.deps, ids: engine.ids }
  const server = createHttpServer({
    ...{ host: '127.0.0.1', port: 0, portChosen: true, drainTimeout: 1_000, log: silentLogger },
    metrics: createMetrics(),
    receiver: { receive: () => Promise.reject(new Error('no hooks in this test')) },
    acceptEvents: async () => [],
    fireTrigger: async () => Promise.reject(new Error('no trigger is fired here')),
    acceptEventsOf: 'loopback',
    callbackAt: token => callbackAt(pool, token),
    callBack: (found, output) => callBack(deps, found, { output, by: 'callback' }),
    health: { ready: async () => ({ ready: true, checks: {} }) },
  })
  await server.start()
  origin.resolve(server.url())
  const document = documentOf(lines, { policies: { ask: policy } })
  const config = { url: 'https://approvals.test/', secret: 'key', wait_for_callback: wait }
  const nodes = document.nodes.map(node => (node.key === 'ask' ? { ...node, type: 'webhook', config } : node))
  const [id = ''] = await engine.begin(await engine.publish({ ...document, nodes }), [{ n: 1 }])
  const runner = engine.runner()
  if (!options.idle) await runner.start()
  const types = async (): Promise<string[]> => (await engine.eventLog.read(id)).map(({ body }) => body.type)
  const until = async (holds: () => Promise<boolean>): Promise<void> => {
    for (const patience = AbortSignal.timeout(20_000); !(await holds()); await systemClock.sleep(10))
      if (patience.aborted) throw new Error(`it came to ${await types()}`)
  }
  return {
    engine,
    id,
    runner,
    asked,
    async post(url, body, headers = {}) {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      })
      runner.wake()
      await engine.commands.look()
      return { status: response.status, body: (await response.json()) as JsonObject }
    },
    async ask(verb) {
      const command = { by: 'test', ...(typeof verb === 'string' ? { verb } : verb) } as Command
      await control(deps, command, [id])
      runner.wake()
      await engine.commands.look()
    },
    types,
    comesTo: (type, count = 1) => until(async () => (await types()).filter(one => one === type).length >= count),
    parked: () => until(async () => (await findExecution(pool, id)).wake_at !== null),
    async end() {
      await runner.stop()
      await server.stop()
      expect(await engine.violations()).toEqual([])
      await engine.stop()
    },
  }
}
