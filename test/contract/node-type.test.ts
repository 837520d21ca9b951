import { afterAll, expect, test } from 'vitest'
import { createHttpClient } from '../../src/base/http-guard.ts'
import type { JsonObject } from '../../src/base/json.ts'
import { ExpressionError } from '../../src/expression/expression.ts'
import type { NodeType } from '../../src/node/node-type.ts'
import { nodeTypes } from '../../src/node/registry.ts'
import { startStubServer } from '../support/stub-server.ts'
import { type NodeTypeFixtures, nodeTypeSuite } from './node-type-suite.ts'

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
const taken = [
  { key: 'a', output: { x: 1, deep: { one: 1 } } },
  { key: 'b', output: { y: 2, deep: { two: 2 } } },
]
const mixed = [...taken, { key: 'c', output: [1, 2] }]
const noSyntax = async (): Promise<never> => {
  throw new ExpressionError('EXPRESSION_FAILED', 'the expression ends too early')
}

const fixtures: { readonly [type: string]: NodeTypeFixtures } = {
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
    ],
    fails: [
      { ...ask('an error of the server', 'status/500?body=boom'), code: 'HTTP_STATUS' },
      { ...ask('a redirect', 'redirect'), code: 'HTTP_STATUS' },
      { ...ask('JSON that is none', 'invalid-json'), code: 'HTTP_INVALID_JSON' },
      { ...ask('a large body', 'huge?bytes=11', { max_bytes: 10 }), code: 'HTTP_TOO_LARGE' },
      { ...ask('an answer cut off', 'cut-off'), code: 'HTTP_PROTOCOL' },
      { ...ask('a list as a form', 'echo', { body: [1], body_type: 'form' }), code: 'HTTP_BODY_INVALID' },
      { ...ask('a bad header value', 'echo', { headers: { a: '\n' } }), code: 'HTTP_REQUEST_INVALID' },
      { ...ask('no URL', '', { url: 'nowhere' }), code: 'HTTP_URL_INVALID' },
      { ...ask('a forbidden address', '', { url: 'http://169.254.169.254/' }), code: 'HTTP_ADDRESS_REFUSED' },
    ],
    hangs: {
      ...ask('a server that never answers', 'hanging'),
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
  },
  merge: {
    completes: ['by_node', 'object', 'deep', 'concat', 'first'].map(combine => ({
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
}

test('every registered node type has fixtures here, under its own name', () => {
  expect(Object.keys(fixtures).sort()).toEqual([...nodeTypes.keys()].sort())
  expect([...nodeTypes].filter(([name, { type }]) => name !== type)).toEqual([])
})

for (const [name, given] of Object.entries(fixtures)) nodeTypeSuite(nodeTypes.get(name) as NodeType, given)
