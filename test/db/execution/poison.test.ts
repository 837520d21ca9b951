// What no database can store, or not as it was: the node that gives it fails with a code that says so, and nobody else.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { HttpClientError } from '../../../src/base/http-client.ts'
import type { Json } from '../../../src/base/json.ts'
import { sql } from '../../../src/db/sql.ts'
import { failed, type Outcome } from '../../../src/node/node-type.ts'
import type { Runner } from '../../../src/queue/runner.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, documentOf, scripted, type TestEngine } from '../../support/engine.ts'

const outputs: { readonly [poison: string]: () => unknown } = {
  'the character U+0000': () => ({ name: 'a\0b' }),
  'a key with U+0000': () => ({ 'a\0b': 1 }),
  'half of a surrogate pair': () => ['\ud800'],
  '1e400': () => JSON.parse('{"rate": 1e400}'),
  'a number that is none': () => [Number.NaN],
  'a hundred thousand lists within each other': () => JSON.parse('['.repeat(1e5) + ']'.repeat(1e5)),
  'a value within itself': () => {
    const loop: { self?: unknown } = {}
    loop.self = loop
    return loop
  },
  'a key called __proto__': () => JSON.parse('{"__proto__": {"admin": true}}'),
  'too many named values': () => Object.fromEntries(Array.from({ length: 100_001 }, (_, i) => [i, 0])),
  'what is no JSON': () => ({ at: new Date(0) }),
  nothing: () => undefined,
}
const outcomes: { readonly [poison: string]: readonly [code: string, () => Outcome] } = {
  'a code with U+0000': ['NODE_CRASHED', () => failed('A\0B', 'it broke')],
  'a message with U+0000': ['BROKEN', () => failed('BROKEN', 'it broke: a\0b \ud800')],
  'details with U+0000': ['BROKEN', () => failed('BROKEN', 'it broke', { details: { a: '\0' } })],
  'details of a megabyte': ['BROKEN', () => failed('BROKEN', 'it broke', { details: { a: 'x'.repeat(2 ** 20) } })],
  'a branch with U+0000': ['OUTPUT_NOT_STORABLE', () => ({ kind: 'completed', output: 1, branches: ['\0'] })],
  'an error with U+0000': ['NODE_CRASHED', () => crash(new Error('it broke: a\0b \ud800'))],
  'an HTTP error with U+0000': [
    'HTTP_PROTOCOL',
    () => crash(new HttpClientError('HTTP_PROTOCOL', 'it broke: a\0b', { retryable: false })),
  ],
  'a string with U+0000': ['NODE_CRASHED', () => crash('it broke: a\0b')],
  'what is no outcome': ['NODE_CRASHED', () => null as unknown as Outcome],
  'an outcome of no kind': ['NODE_CRASHED', () => ({ kind: 'a\0b' }) as unknown as Outcome],
  'a failure without an error': ['NODE_CRASHED', () => ({ kind: 'failed' }) as unknown as Outcome],
  'an end that is none': ['NODE_CRASHED', () => ({ kind: 'parked', until: 0, end: {} }) as unknown as Outcome],
  'a time that never comes': ['NODE_CRASHED', () => ({ kind: 'parked', until: 'a\0b' })],
}
const cases: { readonly [poison: string]: readonly [code: string, () => Outcome] } = {
  ...Object.fromEntries(
    Object.entries(outputs).map(([poison, make]) => [
      poison,
      ['OUTPUT_NOT_STORABLE', () => ({ kind: 'completed', output: make() as Json })],
    ]),
  ),
  ...outcomes,
}

function crash(thrown: unknown): never {
  throw thrown
}

let engine: TestEngine
let runner: Runner
let workflowId: string
beforeAll(async () => {
  const { pool } = await createTestDatabase()
  engine = await createTestEngine(pool, {
    nodeTypes: scripted(async ({ scope }) => {
      const made = cases[String(scope.input)]
      return made === undefined ? { kind: 'completed', output: scope.input } : made[1]()
    }),
  })
  workflowId = await engine.publish(documentOf(['a']))
  runner = engine.runner()
  await runner.start()
})
afterAll(async () => {
  await runner.stop()
  await engine.stop()
})

test.each(Object.keys(cases))('%s fails its node, and the executions beside it complete', async poison => {
  const ids = await engine.begin(workflowId, ['before', poison, 'after'])
  const ends = await Promise.all(ids.map(id => engine.ended(id)))
  expect(ends.map(({ status }) => status)).toEqual(['completed', 'failed', 'completed'])
  expect(ends[1]?.error).toMatch(new RegExp(`^a: ${cases[poison]?.[0]}: .{6}`))
})

test('of none of them there is more than one attempt', async () => {
  const [most] = await engine.pool.rows<{ most: number }>(
    sql('test.mostAttempts')`select max(retry_count)::int as most from public.node_executions`,
  )
  expect(most).toEqual({ most: 0 })
  expect(await engine.violations()).toEqual([])
})
