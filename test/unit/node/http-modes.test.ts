// The http node and servers on their bad days: each attempt ends as documented, and within its timeout.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createHttpClient, type GuardedHttpClient } from '../../../src/base/http-guard.ts'
import type { JsonObject } from '../../../src/base/json.ts'
import { http } from '../../../src/node/types/http.ts'
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

test.each([
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
  ['huge?bytes=1048570', 'OUTPUT_TOO_LARGE', false],
])('a server of mode %s fails the node with %s, worth another attempt: %s', async (mode, code, retryable) => {
  const outcome = await attemptOf(http, { url: `${server.url}/${mode}` }, { http: client, timeout_ms: PATIENT_MS })
  expect(outcome).toMatchObject({ kind: 'failed', error: { code, retryable } })
})

test.each<[mode: string, config?: JsonObject]>([
  ['hanging'],
  ['slow'],
  ['redirect?to=/hanging', { max_redirects: 1 }],
  ['pages?of=2', { next_page: '"/hanging"' }],
])('a server of mode %s fails the node when its time is up, and is hung up on', async (mode, config) => {
  const url = `${server.url}/${mode}`
  const outcome = await attemptOf(http, { url, ...config }, { http: client, timeout_ms: HASTY_MS })
  expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'NODE_TIMEOUT', retryable: true } })
  await server.requests.at(-1)?.over
})
