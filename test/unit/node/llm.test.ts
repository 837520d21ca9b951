// The llm node against servers that speak as the providers do.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createHttpClient, type GuardedHttpClient } from '../../../src/base/http-guard.ts'
import type { JsonObject } from '../../../src/base/json.ts'
import type { NodeError } from '../../../src/node/node-type.ts'
import { llm } from '../../../src/node/types/llm.ts'
import { attemptOf, type Given } from '../../support/attempt-of.ts'
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

const KEY = 'sk-the-key-of-this-test'
const schema = {
  type: 'object',
  properties: { mood: { enum: ['good', 'bad'] }, score: { type: 'integer', minimum: 0 } },
  required: ['mood'],
  additionalProperties: false,
}

const run = (path: string, config: JsonObject = {}, given: Given = {}) =>
  attemptOf(
    llm,
    {
      ...{
        provider: path.startsWith('anthropic') ? 'anthropic' : 'openai',
        model: 'm',
        base_url: `${server.url}/${path}`,
      },
      ...('messages' in config ? {} : { prompt: 'hi' }),
      ...config,
    },
    { http: client, secret: KEY, ...given },
  )

async function output(path: string, config?: JsonObject): Promise<JsonObject> {
  const outcome = await run(path, config)
  if (outcome.kind !== 'completed') throw new Error(JSON.stringify(outcome))
  return outcome.output as JsonObject
}

async function error(path: string, config?: JsonObject, given?: Given): Promise<NodeError> {
  const outcome = await run(path, config, given)
  if (outcome.kind !== 'failed') throw new Error(`it ${outcome.kind}`)
  return outcome.error
}

async function sent(
  path: string,
  config: JsonObject = {},
): Promise<{ url: string; headers: unknown; body: JsonObject }> {
  const { length } = server.requests
  await output(path, config)
  const { url = '', headers, body = '' } = server.requests[length] ?? {}
  return { url, headers, body: JSON.parse(body) }
}

const answering = (text: string): string => `openai?text=${encodeURIComponent(text)}`

test.each(['openai', 'anthropic'])(
  '%s: the output is the text, who gave it, why it ended and what it cost',
  async provider => {
    expect(await output(`${provider}?text=Hello!`)).toEqual({
      text: 'Hello!',
      model: 'm-2026',
      finish_reason: 'stop',
      usage: { input_tokens: 11, output_tokens: 7 },
    })
  },
)

test.each([
  ['openai?finish=length', 'length'],
  ['anthropic?finish=max_tokens', 'length'],
  ['anthropic?finish=stop_sequence', 'stop'],
  ['anthropic?finish=pause_turn', 'pause_turn'],
])('%s: the reason is %s', async (path, finish_reason) => {
  expect(await output(path)).toMatchObject({ finish_reason })
})

test('OpenAI is asked for a chat completion', async () => {
  const messages = [
    { role: 'user', content: 'hi' },
    { role: 'assistant', content: 'hello' },
    { role: 'user', content: 'bye' },
  ]
  const config = { messages, system: 'be brief', temperature: 0.5, max_tokens: 9, secret: 'key' }
  expect(await sent('openai', config)).toEqual({
    url: '/openai/chat/completions',
    headers: expect.objectContaining({ 'content-type': 'application/json', authorization: `Bearer ${KEY}` }),
    body: {
      model: 'm',
      messages: [{ role: 'system', content: 'be brief' }, ...messages],
      temperature: 0.5,
      max_tokens: 9,
    },
  })
})

test('Anthropic is asked for a message', async () => {
  const config = { system: 'be brief', temperature: 0.5, max_tokens: 9, secret: 'key' }
  expect(await sent('anthropic', config)).toEqual({
    url: '/anthropic/messages',
    headers: expect.objectContaining({ 'anthropic-version': '2023-06-01', 'x-api-key': KEY }),
    body: {
      model: 'm',
      messages: [{ role: 'user', content: 'hi' }],
      system: 'be brief',
      temperature: 0.5,
      max_tokens: 9,
    },
  })
})

test('what is not given is not sent, but Anthropic is told a most of tokens', async () => {
  const messages = [{ role: 'user', content: 'hi' }]
  expect((await sent('openai')).body).toEqual({ model: 'm', messages })
  expect((await sent('anthropic')).body).toEqual({ model: 'm', messages, max_tokens: 4096 })
})

test('a request carries the trace of the attempt, and no idempotency key', async () => {
  const { headers } = await sent('openai')
  expect(headers).toMatchObject({ traceparent: expect.stringMatching(/^00-/) })
  expect(headers).not.toHaveProperty('idempotency-key')
})

test('the base URL may end in a slash and hold a query', async () => {
  expect((await sent('openai/v1/?text=x')).url).toBe('/openai/v1/chat/completions?text=x')
})

/** Where the node sends its request and with what, without a server. */
async function destination(config: JsonObject): Promise<{ url: string; headers: unknown; body: JsonObject }> {
  const seen: { url: string; headers: unknown; body: JsonObject }[] = []
  const http: Given['http'] = {
    async request({ url, headers, body }) {
      seen.push({ url, headers, body: JSON.parse(String(body)) })
      return { status: 500, headers: {}, body: Buffer.from('') }
    },
  }
  await attemptOf(llm, { model: 'm', prompt: 'hi', ...config }, { http, secret: KEY })
  return seen[0] ?? { url: '', headers: {}, body: {} }
}

test('without a base URL the provider itself is asked, with the key that has its name', async () => {
  const asked = await destination({ provider: 'openai', max_tokens: 5 })
  expect(asked.url).toBe('https://api.openai.com/v1/chat/completions')
  expect(asked.headers).toMatchObject({ authorization: `Bearer ${KEY}` })
  expect(asked.body).toMatchObject({ max_completion_tokens: 5 })
  expect((await destination({ provider: 'anthropic' })).url).toBe('https://api.anthropic.com/v1/messages')
})

test('another server gets no key unless the config names one', async () => {
  for (const provider of ['openai', 'anthropic']) {
    const { headers } = await destination({ provider, base_url: 'https://llm.example/v1' })
    expect(JSON.stringify(headers)).not.toContain(KEY)
  }
})

test('a key that is not there fails the node before anything is sent', async () => {
  const before = server.requests.length
  expect(await error('openai', { secret: 'crm' }, { secret: undefined })).toEqual({
    code: 'SECRET_MISSING',
    message:
      'there is no secret "crm": store it (mbflow secret set crm), or set MBFLOW_SECRET_CRM where the daemon runs',
    retryable: false,
  })
  expect(server.requests).toHaveLength(before)
})

test('a key that comes back is hidden, in an answer and in an error', async () => {
  const { text } = await output('openai?leak', { secret: 'crm' })
  expect(text).toContain('"authorization":"Bearer [secret crm]"')
  const { message } = await error('tattling/401', { secret: 'crm' })
  expect(message).toContain('Bearer [secret crm]')
  expect(message).not.toContain(KEY.slice(0, 6))
})

test.each([
  ['status/429?retry-after-ms=1500&retry-after=9', 'HTTP_STATUS', { retryable: true, retryAfter: 1500 }],
  ['status/529?retry-after=2', 'HTTP_STATUS', { retryable: true, retryAfter: 2000 }],
  ['status/500?body=oops', 'HTTP_STATUS', { retryable: true, message: expect.stringContaining('answered 500: oops') }],
  ['status/401', 'HTTP_STATUS', { retryable: false }],
  ['redirect', 'HTTP_STATUS', { retryable: false }],
  ['half-closed', 'HTTP_PROTOCOL', { retryable: true }],
  ['invalid-json', 'HTTP_INVALID_JSON', { retryable: false }],
  ['gzip-bomb?bytes=5000000', 'HTTP_TOO_LARGE', { retryable: false }],
  ['status/200?body=welcome', 'LLM_RESPONSE_INVALID', { retryable: true, message: expect.stringContaining('welcome') }],
  ['echo', 'LLM_RESPONSE_INVALID', { retryable: true }],
])('a server of mode %s fails the node with %s', async (mode, code, more) => {
  for (const provider of ['openai', 'anthropic'])
    expect(await error(mode, { provider })).toMatchObject({ code, ...more })
})

test('a server that never answers fails the node when its time is up, and is hung up on', async () => {
  expect(await error('hanging', {}, { timeout_ms: 50 })).toMatchObject({ code: 'NODE_TIMEOUT', retryable: true })
  await server.requests.at(-1)?.over
})

test.each([
  ['openai?refusal=I cannot help with that', 'm-2026 refused to answer: I cannot help with that'],
  ['openai?finish=content_filter', 'm-2026 refused to answer: its content filter stepped in'],
  ['anthropic?finish=refusal', 'm-2026 refused to answer: it does not answer this'],
])('%s: a refusal fails the node, says what it cost, and is not tried again', async (path, message) => {
  expect(await error(path)).toEqual({
    code: 'LLM_REFUSED',
    message,
    retryable: false,
    details: expect.objectContaining({ usage: { input_tokens: 11, output_tokens: 7 } }),
  })
})

test.each([
  ['plain JSON', '{"mood":"good"}'],
  ['a code block', '```json\n{"mood":"good"}\n```'],
  ['a code block without a language', '\n```\n{"mood":"good"}```\n'],
])('with a schema the answer is parsed: %s', async (_, text) => {
  expect(await output(answering(text), { schema })).toMatchObject({ text, json: { mood: 'good' } })
})

test('the model is told the schema, after what the config tells it', async () => {
  const told = `be brief\n\nAnswer with a JSON object that fits this JSON Schema, and with nothing else: ${JSON.stringify(schema)}`
  const text = '{"mood":"bad"}'
  const openai = await sent(answering(text), { schema, system: 'be brief' })
  expect(openai.body).toMatchObject({
    messages: [{ role: 'system', content: told }, { role: 'user' }],
    response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } },
  })
  const anthropic = await sent(`anthropic?text=${text}`, { schema, system: 'be brief' })
  expect(anthropic.body).toMatchObject({ system: told })
})

test.each([
  ['Sure, here it is', /^the answer of m-2026 is not JSON \(.+\): Sure, here it is$/],
  [
    '{"mood":"fine"}',
    /does not fit the schema \(json\.mood must be one of "good", "bad"; is "fine"\): {"mood":"fine"}$/,
  ],
  [
    '{"score":-1,"x":1}',
    /\(json\.mood is required; json\.x is not a known field; json\.score must be at least 0, is -1\)/,
  ],
  [`{"mood":${'['.repeat(64)}`, /is not JSON \(is nested more than 63 levels deep\)/],
  [`{"mood":[${'1,'.repeat(60_000)}1]}`, /is too large to be checked/],
])('an answer that does not fit may be better the next time: %s', async (text, message) => {
  expect(await error('openai', { schema, base_url: `${server.url}/said` }, { http: saying(text) })).toEqual({
    code: 'LLM_ANSWER_INVALID',
    message: expect.stringMatching(message),
    retryable: true,
    details: { usage: { input_tokens: 1, output_tokens: 2 }, model: 'm-2026', finish_reason: 'stop' },
  })
})

/** A server that says what no URL can hold. */
function saying(text: string, finish_reason = 'stop'): NonNullable<Given['http']> {
  const choices = [{ message: { content: text }, finish_reason }]
  const body = JSON.stringify({ model: 'm-2026', choices, usage: { prompt_tokens: 1, completion_tokens: 2 } })
  return {
    request: async () => ({ status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from(body) }),
  }
}

test('an answer that was cut off says what to do', async () => {
  expect((await error('openai', { schema }, { http: saying('{"mood":', 'length') })).message).toContain(
    '(it was cut off: raise max_tokens)',
  )
})

test('a server that says nothing but its answer is no failure', async () => {
  const body = { choices: [{ message: { content: 'x' } }] }
  const http: Given['http'] = {
    request: async () => ({
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify(body)),
    }),
  }
  expect(await run('openai', {}, { http })).toMatchObject({
    output: {
      text: 'x',
      model: 'unknown',
      finish_reason: 'unknown',
      usage: { input_tokens: null, output_tokens: null },
    },
  })
})
