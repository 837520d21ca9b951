// Nodes that ask others, and servers on their bad days: each attempt ends as documented, and within its timeout.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHttpClient, type GuardedHttpClient } from '../../../src/base/http-guard.ts'
import type { JsonObject } from '../../../src/base/json.ts'
import type { NodeType, Outcome } from '../../../src/node/node-type.ts'
import { http } from '../../../src/node/types/http.ts'
import { llm } from '../../../src/node/types/llm.ts'
import { webhook } from '../../../src/node/types/webhook.ts'
import { attemptOf } from '../../support/attempt-of.ts'
import { type StubServer, startStubServer } from '../../support/stub-server.ts'

let server: StubServer
let client: GuardedHttpClient

beforeAll(async () => {
  server = await startStubServer()
  client = createHttpClient({ allowPrivate: ['127.0.0.1'], userAgent: 'mbflow/test' })
})
afterAll(async () => {
  await client.close()
  await server.close()
})

/** Long enough for every server that answers, on a busy machine too. */
const PATIENT_MS = 20_000
const HASTY_MS = 50

/** Each type that asks a server, asking this one. */
const types: { readonly [name: string]: (url: string) => [NodeType, JsonObject] } = {
  http: url => [http, { url }],
  llm: url => [llm, { provider: 'openai', model: 'm', prompt: 'hi', base_url: url }],
  webhook: url => [webhook, { url, secret: 'key' }],
}

const modes: readonly (readonly [mode: string, code: string, retryable: boolean])[] = [
  ['status/500', 'HTTP_STATUS', true],
  ['status/429', 'HTTP_STATUS', true],
  ['redirect', 'HTTP_STATUS', false],
  ['half-closed', 'HTTP_PROTOCOL', true],
  ['cut-off', 'HTTP_PROTOCOL', true],
  ['garbage', 'HTTP_PROTOCOL', false],
  ['invalid-json', 'HTTP_INVALID_JSON', false],
  ['huge?bytes=1048577', 'HTTP_TOO_LARGE', false],
  ['endless', 'HTTP_TOO_LARGE', false],
  ['gzip-bomb?bytes=50000000', 'HTTP_TOO_LARGE', false],
  ['many-headers', 'HTTP_TOO_LARGE', false],
]

describe.each(Object.entries(types))('%s', (_, asking) => {
  const ask = (mode: string, timeout_ms: number): Promise<Outcome> => {
    const [type, config] = asking(`${server.url}/${mode}`)
    return attemptOf(type, config, { http: client, timeout_ms, secret: 'c2VjcmV0IG9mIHRoaXMgdGVzdA==' })
  }

  test.each(modes)(
    'a server of mode %s fails the node with %s, worth another attempt: %s',
    async (mode, code, retryable) => {
      expect(await ask(mode, PATIENT_MS)).toMatchObject({ kind: 'failed', error: { code, retryable } })
    },
  )

  test.each(['hanging', 'slow'])(
    'a server of mode %s fails the node when its time is up, and is hung up on',
    async mode => {
      expect(await ask(mode, HASTY_MS)).toMatchObject({
        kind: 'failed',
        error: { code: 'NODE_TIMEOUT', retryable: true },
      })
      await server.requests.at(-1)?.over
    },
  )

  test('a busy server says when to come again', async () => {
    const outcome = await ask('status/429?retry-after=7', PATIENT_MS)
    expect(outcome).toMatchObject({ kind: 'failed', error: { retryable: true, retryAfter: 7_000 } })
  })
})

test('an answer that is no larger than allowed may be too large an output', async () => {
  const outcome = await attemptOf(http, { url: `${server.url}/huge?bytes=1048570` }, { http: client })
  expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'OUTPUT_TOO_LARGE', retryable: false } })
})

test.each<[mode: string, config?: JsonObject]>([
  ['redirect?to=/hanging', { max_redirects: 1 }],
  ['pages?of=2', { next_page: '"/hanging"' }],
])('an http node is hung up on by its timeout behind a server of mode %s too', async (mode, config) => {
  const outcome = await attemptOf(
    http,
    { url: `${server.url}/${mode}`, ...config },
    { http: client, timeout_ms: HASTY_MS },
  )
  expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'NODE_TIMEOUT', retryable: true } })
  await server.requests.at(-1)?.over
})
