// What the engine makes of whatever an executor does.
import { pino } from 'pino'
import { Type } from 'typebox'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type HttpClient, HttpClientError, type HttpRequest } from '../../../src/base/http-client.ts'
import type { Json } from '../../../src/base/json.ts'
import { MAX_OUTPUT_BYTES } from '../../../src/base/json-limits.ts'
import { ExpressionError } from '../../../src/expression/expression.ts'
import { defineNodeType, failed, type NodeContext, type NodeType, type Outcome } from '../../../src/node/node-type.ts'
import { transform } from '../../../src/node/types/transform.ts'
import { attemptOf } from '../../support/attempt-of.ts'

const SECRET = 'sk-1234567890'

function typeThat(execute: (context: NodeContext) => Promise<Outcome>): NodeType {
  return defineNodeType({
    type: 'acme/probe',
    summary: 'Does what the test says.',
    configSchema: Type.Object({}),
    expressions: [],
    execute: (_, context) => execute(context),
  })
}

const gives = (output: Json): NodeType => typeThat(async () => ({ kind: 'completed', output }))

test('an output of the largest size is taken, and one byte more fails the node', async () => {
  const text = 'ü'.repeat((MAX_OUTPUT_BYTES - 2) / 2)
  expect(await attemptOf(gives(text), {})).toEqual({ kind: 'completed', output: text })
  expect(await attemptOf(gives(`${text}x`), {})).toEqual(
    failed('OUTPUT_TOO_LARGE', 'the output has 1048577 bytes as JSON, more than the limit of 1048576'),
  )
})

test('a secret that was asked for does not get into an output, a failure or the details of one', async () => {
  const tells = typeThat(async ({ secret }) => ({ kind: 'completed', output: { key: `is ${await secret('api')}` } }))
  expect(await attemptOf(tells, {}, { secret: SECRET })).toEqual({
    kind: 'completed',
    output: { key: 'is [secret api]' },
  })
  const fails = typeThat(async ({ secret }) => {
    const key = await secret('api')
    return failed('REFUSED', `the key ${key} is wrong`, { details: { key } })
  })
  expect(await attemptOf(fails, {}, { secret: SECRET })).toEqual(
    failed('REFUSED', 'the key [secret api] is wrong', { details: { key: '[secret api]' } }),
  )
})

test('a secret within something thrown gets neither into the failure nor into the log', async () => {
  const lines: string[] = []
  const throws = typeThat(async ({ secret }) => {
    throw new Error(`cannot use ${await secret('api')}`)
  })
  const log = pino({}, { write: line => void lines.push(line) })
  expect(await attemptOf(throws, {}, { secret: SECRET, log })).toEqual(
    failed('NODE_CRASHED', 'cannot use [secret api]'),
  )
  expect(lines.join()).toContain('cannot use [secret api]')
  expect(lines.join()).not.toContain(SECRET)
})

test('a secret does not get into the log, however it is logged', async () => {
  const lines: string[] = []
  const logs = typeThat(async ({ secret, log }) => {
    log.info('before')
    const key = await secret('api')
    log.info({ key, deep: [{ key }], basic: Buffer.from(`bob:${key}`).toString('base64') }, `is ${key}`)
    log.child({ key }).warn({ err: new Error(key) })
    return { kind: 'completed', output: null }
  })
  const log = pino({}, { write: line => void lines.push(line) })
  await attemptOf(logs, {}, { secret: SECRET, log })
  expect(lines.map(line => JSON.parse(line))).toMatchObject([
    { node: 'it', msg: 'before' },
    { node: 'it', key: '[secret api]', deep: [{ key: '[secret api]' }], msg: 'is [secret api]' },
    { node: 'it', key: '[secret api]', err: { message: '[secret api]' } },
  ])
  expect(lines.join()).not.toContain(Buffer.from(SECRET).toString('base64').slice(2, -4))
})

test('a secret that was sent to one origin goes to no other', async () => {
  const requests: string[] = []
  const http: HttpClient = {
    async request({ url }) {
      requests.push(url)
      return { status: 200, headers: {}, body: new Uint8Array() }
    },
  }
  const sends = (second: Partial<HttpRequest>) =>
    typeThat(async ({ secret, http, signal }) => {
      const key = await secret('api')
      const terms = { method: 'GET', signal, maxBytes: 1 }
      await http.request({ url: 'https://a.example/1', headers: { authorization: key }, ...terms })
      await http.request({ url: 'https://a.example/2', headers: { authorization: key }, ...terms })
      const failure = await http.request({ url: 'https://b.example/', ...terms, ...second }).catch(error => error)
      return { kind: 'completed', output: failure instanceof HttpClientError ? failure.code : 'sent' }
    })
  for (const second of [
    { headers: { accept: SECRET } },
    { body: `key=${SECRET}` },
    { body: Buffer.from(SECRET) },
    { url: `https://b.example/?key=${Buffer.from(`x:${SECRET}`).toString('base64url')}` },
  ]) {
    expect(await attemptOf(sends(second), {}, { secret: SECRET, http })).toMatchObject({ output: 'HTTP_SECRET_ASTRAY' })
  }
  expect(requests.some(url => url.includes('b.example'))).toBe(false)
  expect(await attemptOf(sends({}), {}, { secret: SECRET, http })).toMatchObject({ output: 'sent' })
})

test('an output that is too large once its secrets have their names fails the node', async () => {
  const repeats = typeThat(async ({ secret }) => ({
    kind: 'completed',
    output: (await secret('a_name_that_is_longer')).repeat(MAX_OUTPUT_BYTES / 16),
  }))
  expect(await attemptOf(repeats, {}, { secret: SECRET })).toMatchObject({ error: { code: 'OUTPUT_TOO_LARGE' } })
})

test('a secret nobody has fails the node, and says where it could be put', async () => {
  const asks = typeThat(async ({ secret }) => ({ kind: 'completed', output: await secret('api') }))
  expect(await attemptOf(asks, {})).toEqual(
    failed(
      'SECRET_MISSING',
      'there is no secret "api": store it (mbflow secret set api), or set MBFLOW_SECRET_API where the daemon runs',
    ),
  )
})

test('an expression that does not end ends with the signal', async () => {
  const controller = new AbortController()
  const begun = Promise.withResolvers<void>()
  const evaluate = (): Promise<never> => {
    begun.resolve()
    return new Promise(() => {})
  }
  const thinks = typeThat(async context => ({ kind: 'completed', output: (await context.evaluate('x')) ?? null }))
  const attempt = attemptOf(thinks, {}, { evaluate, signal: controller.signal })
  await begun.promise
  controller.abort()
  expect(await attempt).toEqual(failed('NODE_ABORTED', 'the attempt was aborted', { retryable: true }))
})

/** Ends with its signal, as executors must. */
const waits = typeThat(
  ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
)

test('an attempt that takes too long is aborted, and worth another one', async () => {
  expect(await attemptOf(waits, {}, { timeout_ms: 20 })).toEqual(
    failed('NODE_TIMEOUT', 'took longer than 20 ms', { retryable: true }),
  )
})

test('an attempt that outlasts the time of all attempts is aborted, and worth none', async () => {
  const total = { ms: 1_000, begun: 980 }
  expect(await attemptOf(waits, {}, { timeout_ms: 500, total })).toEqual(
    failed('NODE_TIMEOUT', 'took longer than 1000 ms in all its attempts'),
  )
})

test('when the time of all attempts is up before one can begin, nothing is executed', async () => {
  let ran = false
  const type = typeThat(async () => {
    ran = true
    return { kind: 'completed', output: null }
  })
  const total = { ms: 1_000, begun: 2_000 }
  expect(await attemptOf(type, {}, { total })).toMatchObject({ error: { code: 'NODE_TIMEOUT', retryable: false } })
  expect(ran).toBe(false)
})

test('when the time is up before the templates are filled in, nothing is executed', async () => {
  const echo = defineNodeType<{ text: string }>({
    type: 'acme/echo',
    summary: 'Gives its config.',
    configSchema: Type.Object({ text: Type.String() }),
    expressions: [],
    execute: async ({ text }) => ({ kind: 'completed', output: text }),
  })
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const evaluate = async (): Promise<Json> => {
    vi.advanceTimersByTime(20)
    return 'late'
  }
  expect(await attemptOf(echo, { text: '{{ $string(1) }}' }, { evaluate, timeout_ms: 20 })).toMatchObject({
    error: { code: 'NODE_TIMEOUT' },
  })
})

test('an executor that does not heed its signal is not waited for', async () => {
  const deaf = typeThat(() => new Promise(() => {}))
  expect(await attemptOf(deaf, {}, { timeout_ms: 20 })).toMatchObject({ error: { code: 'NODE_TIMEOUT' } })
})

test('the trace is that of the execution in every attempt, the span is not', async () => {
  const shows = typeThat(async ({ traceparent }) => ({ kind: 'completed', output: traceparent }))
  const [first, second] = await Promise.all([1, 2].map(attempt => attemptOf(shows, {}, { attempt })))
  expect(first).toMatchObject({ output: expect.stringMatching(/^00-01890a5dac96774bbcceb302099a8057-/) })
  expect(second).toMatchObject({ output: expect.stringMatching(/^00-01890a5dac96774bbcceb302099a8057-/) })
  expect(second).not.toEqual(first)
})

test('an expression that fails names the field that holds it, and the place in it', async () => {
  const evaluate: NodeContext['evaluate'] = async () => {
    throw new ExpressionError('EXPRESSION_FAILED', 'no number (character 9)', 8)
  }
  const type: NodeType = {
    ...typeThat(async context => ({ kind: 'completed', output: (await context.evaluate('$number(x)')) ?? null })),
    expressions: ['total'],
  }
  expect(await attemptOf(type, { total: '$number(x)' }, { evaluate })).toEqual(
    failed('EXPRESSION_FAILED', 'total: no number (character 9)', { details: { field: 'total', character: 9 } }),
  )
})

test('a template that finds nothing names the field and the step that is not there', async () => {
  expect(
    await attemptOf(gives(null), { a: [{ b: '{{ input.customer.nmae }}' }] }, { input: { customer: { name: 'Ada' } } }),
  ).toEqual(
    failed(
      'EXPRESSION_MISSING',
      'a[0].b: {{ input.customer.nmae }} yields nothing (input.customer has no "nmae"; did you mean "name"?); `?? "…"` behind it says what to use instead',
      { details: { field: 'a[0].b' } },
    ),
  )
})

test('what the HTTP client throws is a failure of its own, and worth another attempt if it says so', async () => {
  const throws = typeThat(async () => {
    throw new HttpClientError('HTTP_UNREACHABLE', 'nobody there', { retryable: true })
  })
  expect(await attemptOf(throws, {})).toEqual(failed('HTTP_UNREACHABLE', 'nobody there', { retryable: true }))
})

test.each([
  ['a template', { template: { a: ['{{ input.totl = 3 }}'] } }, { field: 'template.a[0]', character: 7 }],
  ['an expression', { expression: 'input.totl > 3 ? 1 : 2' }, { field: 'expression', character: 7 }],
])('in a strict workflow %s that names what is not there fails the node', async (_, config, details) => {
  const outcome = await attemptOf(transform, config, { input: { total: 1 }, strict: true })
  expect(outcome).toMatchObject({
    kind: 'failed',
    error: { code: 'EXPRESSION_MISSING', retryable: false, details },
  })
  expect(outcome.kind === 'failed' && outcome.error.message).toContain(`input has no "totl"; did you mean "total"?`)
  expect((await attemptOf(transform, config, { input: { total: 1 } })).kind).toBe('completed')
})

test.each([
  ['output.paid', undefined],
  ['output.totl > 3', 'gave nothing (output has no "totl"; did you mean "total"?), not true or false'],
  ['output.total', 'gave 1, not true or false'],
])('an edge with the condition %s fails the node unless it holds or not', async (when, why) => {
  const outcome = await attemptOf(gives({ paid: true, total: 1 }), {}, { when })
  if (why === undefined) expect(outcome.kind).toBe('completed')
  else expect(outcome).toEqual(failed('EDGE_CONDITION_FAILED', `the condition on "it" → "next" ${why}`))
})

test('in a strict workflow an edge whose condition names what is not there fails the node', async () => {
  const outcome = await attemptOf(gives({ total: 1 }), {}, { when: 'output.totl = 3', strict: true })
  expect(outcome).toMatchObject({
    error: {
      code: 'EDGE_CONDITION_FAILED',
      message: expect.stringContaining('output has no "totl"; did you mean "total"?'),
    },
  })
})

test('details of the largest size are kept, and larger ones are left out of the failure', async () => {
  const fails = (bytes: number) =>
    attemptOf(
      typeThat(async () => failed('BROKEN', 'it broke', { details: { a: 'x'.repeat(bytes - '{"a":""}'.length) } })),
      {},
    )
  expect(await fails(65_536)).toMatchObject({ error: { message: 'it broke', details: { a: expect.any(String) } } })
  expect(await fails(65_537)).toEqual(
    failed('BROKEN', 'it broke (its details cannot be stored: they have 65537 bytes as JSON, more than 65536)'),
  )
})
