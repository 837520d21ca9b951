// Webhook triggers behind a real HTTP server, on a real database.
import { createAddressRanges } from '../../src/base/address-ranges.ts'
import { createDatabaseClock, systemClock } from '../../src/base/clock.ts'
import type { JsonObject } from '../../src/base/json.ts'
import { silentLogger } from '../../src/base/log.ts'
import { createMetrics } from '../../src/base/metrics.ts'
import { callBack, callbackAt } from '../../src/execution/callbacks.ts'
import { createHttpServer } from '../../src/http/server.ts'
import { createReceiver, type Receiver, type ReceiverDeps } from '../../src/inbox/receive.ts'
import { findTrigger } from '../../src/trigger/find.ts'
import { fireManually } from '../../src/trigger/fire-manually.ts'
import { hookPath, showHook } from '../../src/trigger/hooks.ts'
import type { Trigger } from '../../src/trigger/trigger.ts'
import type { TestEngine } from './engine.ts'
import { createTestTriggers, type TestTriggers } from './triggers.ts'

/** Long enough to be secrets, and one of them a key of Standard Webhooks. */
export const SECRETS: Readonly<Record<string, string>> = {
  shared: 'the-secret-of-a-test',
  older: 'the-secret-before-it',
  standard: `whsec_${Buffer.from('a key of thirty-two random bytes').toString('base64')}`,
  standard_older: `whsec_${Buffer.from('the key before it, also of 32 byt').toString('base64')}`,
}

export interface TestHook {
  readonly trigger: Trigger
  readonly url: string
  post(body: string | Buffer, headers?: Record<string, string>): Promise<Response>
}

export interface TestHooks extends TestTriggers {
  /** Of the server. */
  readonly url: string
  readonly receiver: Receiver
  hook(config: JsonObject): Promise<TestHook>
  /** The URL it has now. */
  urlOf(trigger: Trigger): Promise<string>
  stop(): Promise<void>
}

let made = 0

export async function createTestHooks(engine: TestEngine, overrides: Partial<ReceiverDeps> = {}): Promise<TestHooks> {
  const triggers = await createTestTriggers(engine)
  const metrics = createMetrics()
  const receiver = createReceiver({
    ...triggers.arm,
    clock: systemClock,
    databaseClock: createDatabaseClock(systemClock),
    secrets: { find: async name => SECRETS[name] },
    proxies: { addresses: createAddressRanges([]), header: 'x-forwarded-for' },
    ...overrides,
  })
  const server = createHttpServer({
    host: '127.0.0.1',
    port: 0,
    portChosen: true,
    drainTimeout: 1_000,
    log: silentLogger,
    metrics,
    receiver,
    acceptEvents: async () => [],
    callbackAt: token => callbackAt(engine.pool, token),
    callBack: (found, output) => callBack({ ...triggers.arm, pool: engine.pool }, found, { output, by: 'callback' }),
    async fireTrigger(word, request) {
      const { id: triggerId } = await findTrigger(engine.pool, word)
      return fireManually({ ...triggers.arm, pool: engine.pool }, { ...request, triggerId })
    },
    acceptEventsOf: 'loopback',
    health: { ready: async () => ({ ready: true, checks: {} }) },
  })
  await server.start()
  const urlOf = async (trigger: Trigger): Promise<string> =>
    `${server.url()}${hookPath((await showHook(engine.pool, trigger)).token)}`
  return {
    ...triggers,
    url: server.url(),
    receiver,
    urlOf,
    async hook(config) {
      const trigger = await triggers.create('webhook', config, `h${made++}`)
      const url = await urlOf(trigger)
      return {
        trigger,
        url,
        post: (body, headers = {}) =>
          fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } }),
      }
    },
    stop: () => server.stop(),
  }
}
