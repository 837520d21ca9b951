import { performance } from 'node:perf_hooks'
import { expect, test } from 'vitest'
import {
  checkExpression,
  compile,
  ExpressionError,
  evaluateHere,
  expressionLimits,
} from '../../../src/expression/expression.ts'
import { handOver } from '../../../src/expression/fast-path.ts'

const problem = (expression: string): string | undefined => checkExpression(expression)?.message

test('an expression that compiles is no problem', () => {
  expect(checkExpression('$sum(input.items[price > 3].(price * amount)) >= vars.limit')).toBeNull()
})

for (const [expression, message] of [
  ['', 'the expression is empty'],
  [' \n ', 'the expression is empty'],
  ['input.', 'it ends where a value is expected (character 7, near `input.`)'],
  ['input.items[0', '"]" is missing at the end (character 14, near `input.items[0`)'],
  ['input.items[0}.id', 'expected "]" but found "}" (character 14, near `input.items[0}.id`)'],
  ['input foo', '"foo" is not expected here (character 7, near `input foo`)'],
  ['input.0', '0 cannot be a step of a path (character 7, near `input.0`)'],
  ['"open', 'a string is not closed by its quote (character 6, near `"open`)'],
  ['`open', 'a quoted name is not closed by its backquote (character 6, near ``open`)'],
  ['"\\q"', 'the escape \\q does not exist (character 3, near `"\\q"`)'],
  ['$match(a, /(/)', 'a regular expression is not closed by / (character 15, near `$match(a, /(/)`)'],
  ['$match(a, /+/)', 'Invalid regular expression: /+/g: Nothing to repeat'],
  ['/* never ends', 'a comment is not closed by */ (character 1, near `/* never ends`)'],
  ['1e999', 'the number 1e999 is out of range (character 1, near `1e999`)'],
  ['input := 1', 'only a variable ($name) can be assigned to, not "input" (character 1, near `input := 1`)'],
  ['%', '"%" has no parent to refer to here'],
  ['a == b', 'a value is expected before "=" (character 4, near `a == b`); equality is written with a single ='],
  ['a && b', 'a value is expected before "&" (character 4, near `a && b`); logical and is written: and'],
  ['a || b', '"|" is not expected here (character 3, near `a || b`); logical or is written: or'],
  ['!a', 'there is no operator "!" (character 1, near `!a`); negation is written $not(…), inequality !='],
] as const) {
  test(`${JSON.stringify(expression)}: ${message}`, () => {
    expect(problem(expression)).toBe(message)
  })
}

test('a problem far into an expression of many lines is shown with what is near it', () => {
  expect(problem(`input.items\n  [price > 3]\n  ${'.next'.repeat(20)}\n  [)`)).toMatch(
    /^a value is expected before "\)" \(character 133, near `…t.next.next \[\)`\)$/,
  )
})

test('an error carries the offset of what is wrong', () => {
  expect(() => compile('a = "x" b')).toThrow(expect.objectContaining({ code: 'EXPRESSION_SYNTAX', position: 8 }))
})

test('an expression may be as long as the limit and not longer', () => {
  const longest = `"${'x'.repeat(expressionLimits.source - 2)}"`
  expect(problem(longest)).toBeUndefined()
  expect(() => compile(`${longest} `)).toThrow(expect.objectContaining({ code: 'EXPRESSION_TOO_LARGE' }))
  expect(problem(`${longest} `)).toBe(
    'the expression is 4097 characters long, at most 4096 are allowed; divide the work over several nodes',
  )
})

test('brackets may be nested as deep as the limit and not deeper', () => {
  const nested = (depth: number): string => `${'('.repeat(depth)}a${')'.repeat(depth)}`
  expect(problem(nested(expressionLimits.depth))).toBeUndefined()
  expect(problem(nested(expressionLimits.depth + 1))).toMatch('brackets nested 65 deep, at most 64')
})

test('defaults within the left side of defaults are refused before they are copied, which doubles the tree each time', () => {
  const nested = (depth: number): string => `${'('.repeat(depth)}a${'??b)'.repeat(depth)}`
  expect(problem(nested(7))).toBeUndefined()
  expect(problem(nested(8))).toMatch('?? and ?: nested 8 deep within left sides')
  expect(problem(nested(60))).toMatch('?? and ?: nested 60 deep within left sides')
})

test('a long chain of defaults is fine', () => {
  expect(problem(Array(500).fill('a').join(' ?? '))).toBeUndefined()
})

test('operators without brackets cannot exhaust the stack', () => {
  for (const expression of [
    `${'-'.repeat(4090)}a`,
    'a?'.repeat(2000),
    `a${'.a'.repeat(2000)}`,
    `a${'~>a'.repeat(1300)}`,
  ]) {
    expect(problem(expression) ?? 'the expression is nested').toMatch(/the expression is nested|it ends where/)
  }
})

test('no text within the limits takes long to check', () => {
  const costly = [
    `([${'1,'.repeat(1900)}1]??1)??1`.slice(0, 4096),
    `(((a${'.a'.repeat(480)}??1)??1)??1)`,
    `a${'.a'.repeat(700)}${'.%'.repeat(700)}`,
    `a${'.(%.a)'.repeat(600)}`,
    `/${'\\'.repeat(2000)}/${'\\'.repeat(2000)}/`,
    `a${'^(a)'.repeat(1000)}`,
    `$f(${'/[(]/,'.repeat(600)}1)`,
  ]
  for (const expression of costly) {
    const start = performance.now()
    checkExpression(expression)
    expect(performance.now() - start).toBeLessThan(2000) // milliseconds in fact; the limit is for a machine under load
  }
})

test('a path and what compares paths is evaluated in-process', () => {
  const scope = { nodes: { fetch: { output: { items: [{ id: 7 }], status: 200 } } } }
  expect(evaluateHere('nodes.fetch.output.items[0].id', scope)).toBe(7)
  expect(evaluateHere('nodes.fetch.output.status in [200, 204] and $not(nodes.fetch.error)', scope)).toBe(false)
  expect(evaluateHere('nodes.fetch.output.`items`[-1].name ?? "none"', scope)).toBe('none')
  expect(evaluateHere('{"id": nodes.fetch.output.items[0].id, "no": input.x}', scope)).toEqual({ id: 7 })
})

test('anything that calls, computes or meets an array on its way is handed to the sandbox', () => {
  const scope = { input: { items: [{ id: 7 }], a: { b: 1 } } }
  for (const expression of [
    '$sum(input.items.id)',
    '1 + 1',
    'input.items.id',
    'input.*',
    'input.a = input.a',
    'input.a > 1',
    '$now()',
  ]) {
    expect(evaluateHere(expression, scope)).toBe(handOver)
  }
})

test('names of the prototype are no data', () => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    expect(evaluateHere(`input.${name}`, { input: { a: 1 } })).toBeUndefined()
  }
})

test('evaluating what does not compile throws the same as checking it', () => {
  expect(() => evaluateHere('a ==', {})).toThrow(ExpressionError)
})
