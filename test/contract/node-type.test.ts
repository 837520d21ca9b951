import { afterAll, expect, test } from 'vitest'
import { messageOf } from '../../src/base/errors.ts'
import { createHttpClient } from '../../src/base/http-guard.ts'
import type { JsonObject } from '../../src/base/json.ts'
import { ExpressionError } from '../../src/expression/expression.ts'
import type { NodeType } from '../../src/node/node-type.ts'
import { nodeTypes } from '../../src/node/registry.ts'
import { evaluate } from '../support/node-context.ts'
import { startStubServer } from '../support/stub-server.ts'
import { type Fixtures, type NodeTypeFixtures, nodeTypeSuite } from './node-type-suite.ts'

const server = await startStubServer()
const http = createHttpClient({ allowPrivate: ['127.0.0.1'], userAgent: 'mbflow/test' })
afterAll(async () => {
  await http.close()
  await server.close()
})

const ask = (name: string, path: string, config: JsonObject = {}) => ({
  name,
  config: { url: `${server.url}/${path}`, ...config },
  context: { http },
})
/** Asks with a secret, which the server may give back. */
const askWith = (name: string, path: string, config: JsonObject) => {
  const { context, ...rest } = ask(name, path, config)
  return { ...rest, context: { ...context, secret: 'the key of this test' } }
}
/** What fails says with which value, as in the sandbox. */
const quoting: typeof evaluate = (expression, scope) =>
  evaluate(expression, scope).catch(error => {
    throw new ExpressionError('EXPRESSION_FAILED', messageOf(error))
  })
const bearer = { auth: { scheme: 'bearer', secret: 'key' } }
const consult = (name: string, path: string, config: JsonObject = {}) => ({
  name,
  config: {
    ...{ provider: 'openai', model: 'm', prompt: 'hi', base_url: `${server.url}/${path}`, secret: 'key' },
    ...config,
  },
  context: { http, secret: 'the key of this test' },
})
const notify = (name: string, path: string, config: JsonObject = {}) => ({
  name,
  config: { url: `${server.url}/${path}`, secret: 'key', ...config },
  context: { http, secret: 'whsec_c2VjcmV0IG9mIHRoaXMgdGVzdA==' },
})
const schema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }
const taken = [
  { key: 'a', output: { x: 1, deep: { one: 1 } } },
  { key: 'b', output: { y: 2, deep: { two: 2 } } },
]
const mixed = [...taken, { key: 'c', output: [1, 2] }]
/** An attempt whose expression never ends. */
function thinks(): Required<NodeTypeFixtures>['hangs'] {
  const begun = Promise.withResolvers<void>()
  const evaluate = (): Promise<never> => {
    begun.resolve()
    return new Promise(() => {})
  }
  return { name: 'an expression', config: { expression: 'input' }, context: { evaluate }, waiting: () => begun.promise }
}
const noSyntax = async (): Promise<never> => {
  throw new ExpressionError('EXPRESSION_FAILED', 'the expression ends too early')
}

const fixtures: Fixtures = {
  delay: {
    completes: [],
    parks: [
      { name: 'a while', config: { for: '1h30m' }, context: { input: { n: 1 } } },
      { name: 'a hundred years', config: { for: '36525d' } },
      { name: 'an instant', config: { until: '2031-01-01T00:00:00+01:00' } },
      { name: 'an instant that has passed', config: { until: '1970-01-01T00:00Z' } },
    ],
    fails: [],
  },
  http: {
    completes: [
      ask('a plain GET', 'echo'),
      ask('a POST of JSON', 'echo', { method: 'POST', body: { a: [1, null] }, query: { page: 2 } }),
      ask('a form with its own headers', 'echo', {
        method: 'PUT',
        body: { a: 1 },
        body_type: 'form',
        headers: { 'x-a': 'b' },
      }),
      ask('a missing page that is expected', 'status/404?body=gone', { success_codes: [404, '2xx', '200-204'] }),
      ask('bytes', 'status/200?type=image/png&body=png', { max_bytes: 3 }),
      ask('a redirect', 'redirect/307?to=/echo', { method: 'POST', body: 'x', max_redirects: 1 }),
      ask('pages', 'pages?of=3', { next_page: 'links.next', items: 'body.items', max_items: 5 }),
      askWith('a password that comes back', 'echo', { auth: { scheme: 'basic', username: 'bob', secret: 'key' } }),
      askWith('a token that comes back', 'echo', bearer),
      askWith('a key that comes back', 'echo', { auth: { scheme: 'api_key', secret: 'key', prefix: 'Key ' } }),
      askWith('secrets in templates', 'echo?in={{ secrets.key }}', {
        query: { q: '{{ secrets.key }}' },
        headers: { 'x-a': 'b {{ secrets.key }}' },
        method: 'POST',
        body: { deep: ['{{ secrets.key }}'] },
      }),
      askWith('secrets in a form', 'echo', { method: 'POST', body: { a: '{{ secrets.key }}' }, body_type: 'form' }),
      askWith('a token over several pages', 'pages?of=2&key={{ secrets.key }}', {
        ...bearer,
        ...{ next_page: 'links.next', items: '[links, headers]' },
      }),
    ],
    fails: [
      { ...ask('an error of the server', 'status/500?body=boom'), code: 'HTTP_STATUS' },
      { ...askWith('a server that tells the token', 'tattling/401', bearer), code: 'HTTP_STATUS' },
      { ...askWith('a path that is a secret', 'status/404/{{ secrets.key }}', {}), code: 'HTTP_STATUS' },
      { ...askWith('a redirect that is a secret', 'redirect?to=/{{ secrets.key }}', {}), code: 'HTTP_STATUS' },
      {
        ...askWith('an expression over what came back', 'echo', {
          ...bearer,
          next_page: '$number(body.headers.authorization)',
        }),
        context: { http, secret: 'the key of this test', evaluate: quoting },
        code: 'EXPRESSION_FAILED',
      },
      { ...askWith('a host that is a secret', '', { url: 'http://{{ secrets.key }}/' }), code: 'HTTP_URL_INVALID' },
      { ...askWith('a method that is a secret', 'echo', { method: '{{ secrets.key }}' }), code: 'NODE_CONFIG_INVALID' },
      {
        ...askWith('a secret that would go astray', '', {
          url: `${server.url}/redirect/307?to=${encodeURIComponent(server.url.replace('127.0.0.1', 'localhost'))}`,
          ...{ method: 'POST', body: '{{ secrets.key }}', max_redirects: 1 },
        }),
        code: 'HTTP_SECRET_ASTRAY',
      },
      { ...ask('a secret that is not there', 'echo', bearer), code: 'SECRET_MISSING' },
      { ...ask('a redirect', 'redirect'), code: 'HTTP_STATUS' },
      { ...ask('JSON that is none', 'invalid-json'), code: 'HTTP_INVALID_JSON' },
      { ...ask('a large body', 'huge?bytes=11', { max_bytes: 10 }), code: 'HTTP_TOO_LARGE' },
      { ...ask('an answer cut off', 'cut-off'), code: 'HTTP_PROTOCOL' },
      { ...ask('a list as a form', 'echo', { body: [1], body_type: 'form' }), code: 'HTTP_BODY_INVALID' },
      { ...ask('a bad header value', 'echo', { headers: { a: '\n' } }), code: 'HTTP_REQUEST_INVALID' },
      { ...ask('no URL', '', { url: 'nowhere' }), code: 'HTTP_URL_INVALID' },
      { ...ask('a forbidden address', '', { url: 'http://169.254.169.254/' }), code: 'HTTP_ADDRESS_REFUSED' },
      {
        ...ask('too many pages', 'pages?of=3', { next_page: 'links.next', max_pages: 2 }),
        code: 'HTTP_TOO_MANY_PAGES',
      },
      { ...ask('no page to go on to', 'pages?of=3', { next_page: '7' }), code: 'HTTP_PAGE_INVALID' },
    ],
    hangs: {
      ...ask('a server that never answers', 'hanging'),
      waiting: () => server.received(server.requests.length + 1),
    },
  },
  llm: {
    completes: [
      consult('OpenAI', 'openai?text=hi'),
      consult('Anthropic', 'anthropic?text=hi', { provider: 'anthropic', system: 'be brief', max_tokens: 9 }),
      consult('a model that tells the key', 'openai?leak'),
      consult('an object', 'anthropic?text={"n":1}', { provider: 'anthropic', schema }),
      { name: 'nobody', config: { provider: 'mock', model: 'm', messages: [{ role: 'user', content: 'hi' }] } },
      { name: 'nobody for an object', config: { provider: 'mock', model: 'm', prompt: 'hi', schema } },
    ],
    fails: [
      { ...consult('a busy server', 'status/429?retry-after=1'), code: 'HTTP_STATUS' },
      { ...consult('a server that tells the key', 'tattling/401'), code: 'HTTP_STATUS' },
      { ...consult('another kind of server', 'echo'), code: 'LLM_RESPONSE_INVALID' },
      { ...consult('a model that says no', 'openai?refusal=no'), code: 'LLM_REFUSED' },
      { ...consult('a model that chats', 'openai?text=Sure!', { schema }), code: 'LLM_ANSWER_INVALID' },
      { ...consult('a schema that is none', 'openai', { schema: {} }), code: 'LLM_SCHEMA_INVALID' },
      {
        ...consult('a server far away', '', { base_url: 'http://10.0.0.1/v1' }),
        code: 'HTTP_ADDRESS_REFUSED',
      },
      {
        name: 'a key that is not there',
        config: { provider: 'openai', model: 'm', prompt: 'hi' },
        code: 'SECRET_MISSING',
      },
    ],
    hangs: {
      ...consult('a server that never answers', 'hanging'),
      waiting: () => server.received(server.requests.length + 1),
    },
  },
  transform: {
    completes: [
      { name: 'an expression', config: { expression: '$sum(input.prices)' }, context: { input: { prices: [1, 2] } } },
      { name: 'a template', config: { template: { total: 3, of: ['a'] } } },
      { name: 'a template that is null', config: { template: null } },
      { name: 'a passthrough', config: {}, context: { input: { a: 1 } } },
    ],
    fails: [
      { name: 'an expression that finds nothing', config: { expression: 'input.missing' }, code: 'TRANSFORM_EMPTY' },
      {
        name: 'an expression that fails',
        config: { expression: '$sum(' },
        context: { evaluate: noSyntax },
        code: 'EXPRESSION_FAILED',
      },
    ],
    hangs: thinks(),
  },
  conditional: {
    completes: [
      { name: 'true or false', config: { expression: 'input.age >= 18' }, context: { input: { age: 20 } } },
      {
        name: 'a case',
        config: { expression: 'input.tier', cases: ['gold', 'basic'] },
        context: { input: { tier: 'gold' } },
      },
      {
        name: 'the default',
        config: { expression: 'input.tier', cases: ['gold'], default: 'other' },
        context: { input: { tier: 'tin' } },
      },
    ],
    fails: [
      { name: 'a number', config: { expression: '1 + 1' }, code: 'CONDITION_NOT_BOOLEAN' },
      { name: 'nothing', config: { expression: 'input.missing' }, code: 'CONDITION_NOT_BOOLEAN' },
      { name: 'an unknown case', config: { expression: '"tin"', cases: ['gold'] }, code: 'CONDITION_UNKNOWN_CASE' },
    ],
    hangs: thinks(),
  },
  merge: {
    completes: ['by_node', 'object', 'deep', 'concat', 'list', 'first'].map(combine => ({
      name: combine,
      config: { combine },
      context: { taken },
    })),
    fails: [
      {
        name: 'a list among objects',
        config: { combine: 'object' },
        context: { taken: mixed },
        code: 'MERGE_NOT_OBJECT',
      },
      {
        name: 'a list deep among objects',
        config: { combine: 'deep' },
        context: { taken: mixed },
        code: 'MERGE_NOT_OBJECT',
      },
      { name: 'the first of none', config: { combine: 'first' }, code: 'MERGE_EMPTY' },
    ],
  },
  split: {
    completes: [
      { name: 'an expression that gives an empty list', config: { items: '[]' } },
      { name: 'no items', config: { items: [] } },
    ],
    splits: [
      { name: 'an expression', config: { items: 'input.list' }, context: { input: { list: [1, null, { a: [2] }] } } },
      { name: 'a list', config: { items: ['a', 'b'], max_parallel: 1_000, on_item_error: 'collect' } },
      { name: 'as many items as may be', config: { items: 'input' }, context: { input: Array(10_000).fill(0) } },
    ],
    fails: [
      { name: 'one value', config: { items: 'input' }, context: { input: { a: 1 } }, code: 'SPLIT_NOT_A_LIST' },
      { name: 'nothing', config: { items: 'input.none' }, context: { input: {} }, code: 'SPLIT_NOT_A_LIST' },
      {
        name: 'too many items',
        config: { items: 'input' },
        context: { input: Array(10_001).fill(0) },
        code: 'SPLIT_TOO_MANY_ITEMS',
      },
      {
        name: 'items that are too large together',
        config: { items: 'input' },
        context: { input: ['x'.repeat(600_000), 'y'.repeat(600_000)] },
        code: 'OUTPUT_TOO_LARGE',
      },
    ],
    hangs: { ...thinks(), config: { items: 'input' } },
  },
  webhook: {
    completes: [
      notify('a call', 'echo', { body: { text: 'hi' }, headers: { 'X-A': 1 } }),
      notify('a call about its input', 'status/202'),
    ],
    parks: [
      notify('a call that is answered later', 'echo', { wait_for_callback: {} }),
      notify('a call that tells where to answer', 'echo', {
        body: { at: '{{ callback.url }}' },
        wait_for_callback: { timeout: '3d', on_timeout: 'branch', schema },
      }),
    ],
    fails: [
      { ...notify('an error of the server', 'status/500', { wait_for_callback: {} }), code: 'HTTP_STATUS' },
      { ...notify('a redirect', 'redirect'), code: 'HTTP_STATUS' },
      { ...notify('a forbidden address', '', { url: 'http://169.254.169.254/' }), code: 'HTTP_ADDRESS_REFUSED' },
      {
        ...notify('a secret that is no key', 'echo'),
        context: { http, secret: 'not base64!' },
        code: 'WEBHOOK_SECRET_INVALID',
      },
    ],
    hangs: {
      ...notify('a server that never answers', 'hanging'),
      waiting: () => server.received(server.requests.length + 1),
    },
  },
}

test('every registered node type has fixtures here, under its own name', () => {
  expect(Object.keys(fixtures).sort()).toEqual([...nodeTypes.keys()].sort())
  expect([...nodeTypes].filter(([name, { type }]) => name !== type)).toEqual([])
})

for (const [name, given] of Object.entries(fixtures)) nodeTypeSuite(nodeTypes.get(name) as NodeType, given)
