import fc from 'fast-check'
import jsonata from 'jsonata'
import { expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json.ts'
import type { AstNode } from '../../../src/expression/ast.ts'
import { pick, type References, referencesOf } from '../../../src/expression/references.ts'

const references = (expression: string): References => referencesOf(jsonata(expression).ast() as AstNode)

function named(expression: string): Record<string, unknown> | 'all' {
  const found = references(expression)
  if (found === 'all') return found
  return Object.fromEntries([...found].map(([name, keys]) => [name, keys === 'all' ? keys : [...keys].sort()]))
}

test('a path names its first step and of that the second', () => {
  expect(named('nodes.fetch.output.items + nodes.parse.output = vars.limit')).toEqual({
    nodes: ['fetch', 'parse'],
    vars: ['limit'],
  })
})

test('a name used as a whole is needed as a whole', () => {
  expect(named('$count(nodes) + nodes.a.output')).toEqual({ nodes: 'all' })
  expect(named('nodes[status = "failed"].output')).toEqual({ nodes: 'all' })
  expect(named('nodes.*')).toEqual({ nodes: 'all' })
})

test('names within a predicate, a later step or a sort are names of the data, not of the scope', () => {
  expect(named('input.items[price > 3 and $ != 7].(vars)^(trigger)')).toEqual({ input: ['items'] })
})

test('names within functions, blocks, conditions and constructors are names of the scope', () => {
  expect(named('($x := input.a; $map([1], function($i) { vars.b ? {"k": trigger.c} : [execution.d] }))')).toEqual({
    input: ['a'],
    vars: ['b'],
    trigger: ['c'],
    execution: ['d'],
  })
})

for (const expression of [
  '$',
  '$$.input',
  '*',
  '**.id',
  'input.%',
  '$keys()',
  '$lookup("input")',
  '$eval("input")',
  '$map([1], $string)',
  'input@$i.nodes.a',
  '[1].($$)',
  'function($x)<o-:o>{$x}()',
  '$ ~> |input|{"a":1}|',
]) {
  test(`${expression} can see everything`, () => {
    expect(named(expression)).toBe('all')
  })
}

test('what is named but not there stays missing', () => {
  expect(pick({ input: { a: 1 } }, references('input.b + vars.c'))).toEqual({ input: {} })
})

test('a name whose data is not an object is sent as it is', () => {
  expect(pick({ input: [{ a: 1 }, { a: 2 }] }, references('input.a'))).toEqual({ input: [{ a: 1 }, { a: 2 }] })
})

const root = fc.constantFrom('input', 'nodes', 'vars')
const { expression } = fc.letrec<{ expression: string }>(tie => ({
  expression: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.tuple(root, fc.constantFrom('a', 'b', 'nodes', 'input', '*', '%', '(a)', '$')).map(steps => steps.join('.')),
    fc.constantFrom('input', 'nodes', 'vars', '1', '"a"', '$', '$$', '*', '**', 'input[0].a', 'input[a=1].b'),
    fc
      .tuple(tie('expression'), fc.constantFrom('.', '&', '=', ' and ', '??', ' in ', '~>'), tie('expression'))
      .map(parts => parts.join('')),
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `(${a})[${b}]`),
    fc.tuple(root, tie('expression')).map(([a, b]) => `${a}^(${b})`),
    fc.tuple(root, tie('expression')).map(([a, b]) => `${a}.{"k": ${b}}`),
    fc.tuple(root, tie('expression')).map(([a, b]) => `${a}{$string(a): ${b}}`),
    fc.tuple(root, tie('expression')).map(([a, b]) => `${a}@$v.(${b})`),
    fc.tuple(root, tie('expression')).map(([a, b]) => `${a}#$v.(${b})`),
    fc
      .tuple(fc.constantFrom('$keys', '$string', '$exists', '$count', '$not', '$spread'), tie('expression'))
      .map(([f, a]) => `${f}(${a})`),
    fc
      .tuple(
        fc.constantFrom('$keys', '$string', '$spread', '$lookup', '$each', '$sift'),
        fc.constantFrom('', '"a"', 'function($v){$v}'),
      )
      .map(([f, a]) => `${f}(${a})`),
    tie('expression').map(a => `$map([1, 2], function($v) { ${a} })`),
    tie('expression').map(a => `($f := function() { ${a} }; vars.$f())`),
    fc.tuple(tie('expression'), tie('expression'), tie('expression')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    fc.tuple(tie('expression'), root).map(([a, b]) => `(${a} ~> |${b}|{"z": vars.a}|)`),
    fc.array(tie('expression'), { minLength: 1, maxLength: 3 }).map(items => `[${items.join(', ')}]`),
  ),
}))

async function outcome(text: string, scope: JsonObject): Promise<string> {
  try {
    return (
      JSON.stringify(
        await jsonata(text, { timeout: 10_000, stack: 100, sequence: 1000 }).evaluate(structuredClone(scope)),
      ) ?? 'nothing'
    )
  } catch (error) {
    return `failed ${(error as { code?: string }).code}`
  }
}

test('an expression yields the same over the parts it names as over the whole scope', async () => {
  const scope = {
    input: { a: 1, b: [{ a: 2 }, { a: 3 }], nodes: { a: 4 } },
    nodes: { a: { output: { a: 5 } }, b: { output: [6] }, input: 7 },
    vars: { a: 'x', b: { a: 'y' } },
  }
  let picked = 0
  await fc.assert(
    fc.asyncProperty(expression, async text => {
      let found: References
      try {
        found = references(text)
      } catch {
        return // not an expression
      }
      if (found !== 'all') picked++
      expect(await outcome(text, pick(scope, found))).toBe(await outcome(text, scope))
    }),
    { numRuns: 800 },
  )
  expect(picked).toBeGreaterThan(80)
})
