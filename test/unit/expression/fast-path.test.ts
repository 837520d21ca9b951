import fc from 'fast-check'
import jsonata from 'jsonata'
import { expect, test } from 'vitest'
import type { Json, JsonObject } from '../../../src/base/json.ts'
import type { AstNode } from '../../../src/expression/ast.ts'
import { compileFastPath, handOver } from '../../../src/expression/fast-path.ts'

function run(expression: string, scope: JsonObject): unknown {
  const fastPath = compileFastPath(jsonata(expression).ast() as AstNode)
  if (fastPath === null) return 'not compiled'
  try {
    return fastPath(scope)
  } catch (thrown) {
    if (thrown === handOver) return 'handed over'
    throw thrown
  }
}

// The same few names everywhere, so that paths meet data.
const name = fc.constantFrom('a', 'b', 'c', '`a b`', 'and')
const key = fc.constantFrom('a', 'b', 'c', 'a b', 'and', '_jsonata_function')
const scalar = fc.oneof(
  fc.constantFrom<Json>(null, true, false, 0, 1, -1, 2.5, '', 'x', 'y', '1'),
  fc.integer({ min: -3, max: 3 }),
)
const { json } = fc.letrec<{ json: Json }>(tie => ({
  json: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    scalar,
    fc.array(tie('json'), { maxLength: 3 }),
    fc.dictionary(key, tie('json'), { maxKeys: 3 }),
  ),
}))
const scopes = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'and'), json, { minKeys: 1, maxKeys: 4 })

const literal = scalar.map(value => JSON.stringify(value))
const index = fc.integer({ min: -3, max: 3 }).map(i => `[${i}]`)
const step = fc.tuple(name, fc.array(index, { maxLength: 2 })).map(([n, i]) => n + i.join(''))
const path = fc.array(step, { minLength: 1, maxLength: 4 }).map(steps => steps.join('.'))
const { expression } = fc.letrec<{ expression: string }>(tie => ({
  expression: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    path,
    literal,
    fc
      .tuple(
        tie('expression'),
        fc.constantFrom('=', '!=', '<', '<=', '>', '>=', 'and', 'or', 'in', '??', '?:'),
        tie('expression'),
      )
      .map(([l, o, r]) => `(${l}) ${o} ${r}`),
    fc.tuple(path, fc.constantFrom('=', '!=', '<', '>', 'in'), literal).map(([l, o, r]) => `${l} ${o} ${r}`),
    fc.tuple(fc.constantFrom('not', 'exists', 'boolean'), tie('expression')).map(([f, e]) => `$${f}(${e})`),
    fc.tuple(tie('expression'), tie('expression'), tie('expression')).map(([a, b, c]) => `${a} ? ${b} : ${c}`),
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `(${a}) ? ${b}`),
    fc.array(tie('expression'), { maxLength: 3 }).map(items => `[${items.join(', ')}]`),
    fc
      .array(tie('expression'), { maxLength: 3 })
      .map(items => `{${items.map((item, i) => `"k${i}": ${item}`).join(', ')}}`),
  ),
}))

test('whatever the fast path answers is what jsonata answers', async () => {
  let answered = 0
  let total = 0
  await fc.assert(
    fc.asyncProperty(expression, scopes, async (text, scope) => {
      total++
      const fast = run(text, scope)
      if (fast === 'not compiled' || fast === 'handed over') return
      answered++
      const slow = await jsonata(text).evaluate(scope)
      expect(JSON.stringify(fast)).toBe(JSON.stringify(slow))
    }),
    { numRuns: 1500 },
  )
  expect(answered / total).toBeGreaterThan(0.5)
})
