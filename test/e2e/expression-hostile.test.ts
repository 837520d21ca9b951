// Expressions that mean harm: each must be refused, or come to nothing, within its limits, while others are evaluated on.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Json, JsonObject } from '../../src/base/json.ts'
import { silentLogger } from '../../src/base/log.ts'
import { createEvaluator } from '../../src/expression/evaluator.ts'

const evaluator = createEvaluator({ log: silentLogger, size: 2, timeoutMs: 600 })
beforeAll(evaluator.start)
afterAll(evaluator.stop)

const scope: JsonObject = {
  input: {
    items: [{ price: 1 }, { price: 2 }],
    backtracks: `${'a'.repeat(35)}!`,
    spaces: `${' '.repeat(60_000)}x`,
    lambda: { _jsonata_lambda: true, arguments: [], body: { type: 'string', value: 'x' } },
    native: { _jsonata_function: true, implementation: 'x', signature: null },
    proto: JSON.parse('{"__proto__": {"polluted": true}}') as Json,
  },
}

const doubled = '($d := function($v, $n) { $n = 0 ? $v : $d({"l": $v, "r": $v}, $n - 1) };'
const refused: Readonly<Record<string, readonly string[]>> = {
  EXPRESSION_TIMEOUT: [
    '$match(input.backtracks, /^(a+)+$/)',
    '$match(input.backtracks, /^(a|aa)+$/)',
    '$replace(input.backtracks, /(a+a+)+b/, "")',
    '$split(input.backtracks, /(a*)*b/)',
    '$match($pad("a", 40, "a"), /^(a+)\\1*(a+)\\2*(a+)*b$/)', // no linear engine knows back references
    '$match(input.spaces, /\\s+$/)',
    '$eval("$match(input.backtracks, /^(a+)+$/)")',
    'input.items[$contains($$.input.backtracks, /^(a+)+$/)]',
    '($f := function() { $f() }; $f())',
    '($a := function($n) { $b($n + 1) }; $b := function($n) { $a($n) }; $a(0))',
    '(function($f) { $f($f) })(function($f) { $f($f) })',
    '$eval("($f := function() { $eval(\\"$f()\\") }; $f())")',
    '$sort([1..50000], function($a, $b) { $sum([1..1000]) > 0 })',
  ],
  EXPRESSION_TOO_LARGE: [
    '[1..1e7]',
    '$pad("x", 5e8)',
    '$pad("x", -5e8)',
    '$pad("x", 1e12)',
    '($d := function($s, $n) { $n = 0 ? $s : $d($s & $s, $n - 1) }; $d("xxxxxxxxxx", 60))',
    '$ ~> |$|{"self": $}|',
    `${'('.repeat(30)}a${'??b)'.repeat(30)}`,
    `${'['.repeat(65)}${']'.repeat(65)}`,
    '"x" & '.repeat(700),
  ],
  // Which limit is met first depends on how fast the machine is.
  'EXPRESSION_TOO_LARGE or EXPRESSION_TIMEOUT': [
    '[1..99999].[1..99999].[1..99999]',
    '$map([1..99999], function($a) { $map([1..99999], function($b) { $a * $b }) })',
    '$reduce([1..99999], $append)', // no step of jsonata's own in between
    '$distinct([1..90000].{"a": $})',
    `${doubled} $d(1, 60) = $d(1, 60))`,
    `${doubled} $string($d(1, 60)))`,
    '$fromMillis(0, $pad("[Y]", 3000000, "[Y]"))',
    `$eval("${'('.repeat(30)}a${'??b)'.repeat(30)}")`, // the parser doubles the tree
    '($f := function($n) { 1 + $f($n) }; $f(0))',
    '$reduce([1..99999], function($a, $b) { $append($a, [1..1000]) })',
    '($d := function($a, $n) { $n = 0 ? $a : $d($append($a, $a), $n - 1) }; $d([1], 60))',
    `${doubled} $d(1, 60))`,
    `${doubled} $d(1, 900))`,
    '$clone([1..99999])',
    '$uppercase($pad("x", 5e8))',
    '$length($pad("x", 3e8))',
    '$split($pad("x", 3e8), "")',
    '$base64encode($pad("x", 2e8))',
    '$join([1..99999].$pad("x", 10000))',
    '($d := function($s, $n) { $n = 0 ? $length($s) : $d($s & $s, $n - 1) }; $d("xxxxxxxxxx", 25))',
  ],
  EXPRESSION_NOT_JSON: [
    '1 / 0',
    '-1 / 0',
    '0 / 0',
    '$sum',
    '/a/',
    'function($x) { $x }',
    '$substring("a", ?)',
    '[1, [2, {"f": $sum}]]',
    '{"f": function() { 1 }}',
    '$map([1, 2], function() { $sum })',
    '$spread($sum)',
    'input.lambda',
    'input.native',
  ],
  EXPRESSION_FAILED: [
    '[1..1e15]',
    '[-1e15..1e15]',
    '$power(10, 400)',
    'input.toString()',
    'require("fs")',
    '$require("fs")',
    'import("fs")',
    'step()',
    'eval("1")',
    'Function("return 1")()',
    '$Function("return 1")()',
    'input.lambda()',
    'input.native()',
    '$map([1], input.lambda)',
    '$each($sum, function($v, $k) { $k })',
    '$sift($sum, function() { true })',
    '$clone($sum)',
    '{"_jsonata_lambda": true}',
    '{"_jsonata_function": true, "implementation": 1}',
    '$eval($pad("(", 5000, "("))',
    '$error($pad("x", 1e6))',
    '$assert(false, $pad("x", 1e6))',
    '$decodeUrl("%")',
    '$encodeUrl("\\ud800")',
  ],
  EXPRESSION_SYNTAX: ['%.%', '1e999', '$match("a", /(/)', '`a', 'function($x)<s"(((">{1}'],
}

for (const [codes, expressions] of Object.entries(refused)) {
  for (const expression of expressions) {
    test.concurrent(`refused as ${codes}: ${expression.slice(0, 80)}`, async () => {
      const [outcome, neighbour] = await Promise.allSettled([
        evaluator.evaluate(expression, scope),
        evaluator.evaluate('$sum(input.items.price)', scope),
      ])
      expect(codes.split(' or ')).toContain((outcome as { reason?: { code: string } }).reason?.code)
      expect(neighbour).toEqual({ status: 'fulfilled', value: 3 })
    })
  }
}

const nothing = [
  ...[
    'input.__proto__',
    'input.constructor',
    'input.toString',
    '"a".constructor',
    '$sum.constructor',
    '$sum.implementation',
  ],
  ...[
    'input.constructor.constructor("return process")()',
    '$lookup(input, "__proto__")',
    '$lookup(input, "constructor")',
  ],
  ...['$lookup($sum, "implementation")', '$keys($sum)', '$keys(function() { 1 })', '(function() { 1 }).environment'],
  ...[
    '($f := function() { 1 }; $f.environment.bind)',
    '$merge([{"a": $sum}]).a.implementation',
    '{"__proto__": {"a": 1}}.a',
  ],
  ...[
    'input.proto.polluted',
    'process',
    'process.exit()',
    'process.env',
    '$process',
    'globalThis',
    '$globalThis',
    'this',
  ],
  ...['global.process', 'window', '$window.btoa', 'module', 'exports', 'request', 'response', 'arguments.callee'],
  ...['$eval("process.exit(1)")', '$eval("globalThis")'],
]
test('the list of hostile expressions is as long as it claims', () => {
  expect(new Set([...Object.values(refused).flat(), ...nothing]).size).toBeGreaterThanOrEqual(100)
})

for (const expression of nothing) {
  test.concurrent(`yields nothing: ${expression}`, async () => {
    expect(await evaluator.evaluate(expression, scope)).toBeUndefined()
  })
}

test('a key __proto__ made by an expression is a key like any other', async () => {
  for (const expression of [
    '{"__proto__": {"polluted": true}}',
    '$merge([{"__proto__": {"polluted": true}}])',
    'input.proto',
  ]) {
    const made = (await evaluator.evaluate(expression, scope)) as JsonObject
    expect(Object.keys(made)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(made)).toBe(Object.prototype)
  }
  await evaluator.evaluate(
    '$ ~> |input|{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}|',
    scope,
  )
  expect(await evaluator.evaluate('$map([{}], function($o) { $o.polluted })', scope)).toBeUndefined()
})

test('an expression that redefines a function does so for itself alone', async () => {
  const redefined = Array.from({ length: 4 }, () => evaluator.evaluate('($sum := function() { 42 }; $sum([1]))', scope))
  expect(await Promise.all(redefined)).toEqual([42, 42, 42, 42])
  const after = Array.from({ length: 4 }, () => evaluator.evaluate('$sum([1, 2])', scope))
  expect(await Promise.all(after)).toEqual([3, 3, 3, 3])
})

test('an error message of an expression is cut to a length that can be shown', async () => {
  const failure = await evaluator.evaluate('$error($pad("x", 1e6))', scope).catch((error: Error) => error.message)
  expect(String(failure).length).toBeLessThan(600)
})
