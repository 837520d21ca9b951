import fc from 'fast-check'
import jsonata from 'jsonata'
import { expect, test } from 'vitest'
import type { Json, JsonObject } from '../../../src/base/json.ts'
import { refuseMissing, strictly, whatIsMissing } from '../../../src/expression/missing.ts'

const scope = {
  input: { total: 3, lines: [{ price: 1 }], customer: { name: 'Ada' }, empty: {}, nothing: null, 'odd key': { x: 1 } },
  vars: Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`v${i}`, i])),
}

test.each([
  ['input.totl', 'input has no "totl"; did you mean "total"?'],
  [' input.customer.age ', 'input.customer has no "age"; it has name'],
  ['input.customer.address.street', 'input.customer has no "address"; it has name'],
  ['input.lines[0].cost', 'input.lines[0] has no "cost"; it has price'],
  ['input.lines[-1].cost', 'input.lines[-1] has no "cost"; it has price'],
  ['input.lines[7]', 'input.lines has no [7]; it is a list of 1'],
  ['input.`odd key`.y', 'input["odd key"] has no "y"; it has x'],
  ['input.empty.x', 'input.empty has no "x"; it is empty'],
  ['input.nothing.x', 'input.nothing has no "x"; it is null'],
  ['input.customer.name.first', 'input.customer.name has no "first"; it is a string'],
  ['vars.limit', 'vars has no "limit"; it has v0, v1, v2, v3, v4, v5, v6, v7 …'],
  ['total', 'there is no "total"; it has input, vars'],
  ['input.constructor', 'input has no "constructor"; it has total, lines, customer, empty, nothing, odd key'],
  ['$sum(input.totl) * 2', 'input has no "totl"; did you mean "total"?'],
  ['input.total + vars.limit', 'vars has no "limit"; it has v0, v1, v2, v3, v4, v5, v6, v7 …'],
  ['input.customer[name = "Ada"].x & input.customer.age', 'input.customer has no "age"; it has name'],
  ['$map(input.lines, function($line) { $line.price * input.totl })', 'input has no "totl"; did you mean "total"?'],
  ['$$.input.totl', 'input has no "totl"; did you mean "total"?'],
  ['input.lines.(price * $$.vars.rate)', 'vars has no "rate"; it has v0, v1, v2, v3, v4, v5, v6, v7 …'],
  ['input.totl > 3 ? "much" : "little"', 'input has no "totl"; did you mean "total"?'],
  ['input.total > 3 ? input.totl : 0', 'input has no "totl"; did you mean "total"?'],
  ['{"total": input.totl}', 'input has no "totl"; did you mean "total"?'],
  ['$exists(input.customer) ? input.customer.nmae : ""', 'input.customer has no "nmae"; did you mean "name"?'],
])('%s: %s', (expression, why) => {
  expect(whatIsMissing(expression, scope)).toBe(why)
})

test.each([
  ['what is there', 'input.total'],
  ['null', 'input.nothing'],
  ['what a list holds', 'input.lines.cost'],
  ['names of what is found', 'input.lines[cost > 3].(cost * cost)^(cost)'],
  ['a variable', '($x := {"a": 1}; $x.b)'],
  ['what has another value instead', 'input.total + (vars.limit ?? 10)'],
  ['what is replaced when it is false', 'input.totl ?: input.total'],
  ['what is asked for', '$exists(input.cart) and input.cart.lines[0].price > 3'],
  ['what lies behind what is asked for', '$exists(input.cart.lines) ? $count(input.cart.lines) : input.cart.size'],
  ['what is replaced with all that is around it', '(input.cart.size * 2) ?? 0'],
])('of %s it tells nothing', (_, expression) => {
  expect(whatIsMissing(expression, scope)).toBeUndefined()
})

test('what is strict is refused with the place of the name', () => {
  expect(() => refuseMissing('input.total > 0 and input.totl > 1', scope)).toThrow(
    expect.objectContaining({
      code: 'EXPRESSION_MISSING',
      message: 'input has no "totl"; did you mean "total"?; write `… ?? …` or ask `$exists(…)` if it may be missing',
      position: 26,
    }),
  )
})

test.each([
  ['input.total > 0 and input.totl > 1', 26, 'totl'],
  ['input.`odd key`.`an other` = 1', 17, 'an other'],
  ['1 + input.lines[7].price', 15, '[7]'],
])('in %s the place is that of the key: %i', (expression, position, there) => {
  expect(() => refuseMissing(expression, scope)).toThrow(expect.objectContaining({ position }))
  expect(expression.slice(position, position + there.length)).toBe(there)
})

test('a strict evaluator evaluates what names nothing that is missing', async () => {
  const evaluator = strictly({ evaluate: async expression => `evaluated ${expression}` })
  expect(await evaluator.evaluate('input.total = 3', scope)).toBe('evaluated input.total = 3')
  await expect(evaluator.evaluate('input.totl = 3', scope)).rejects.toMatchObject({ code: 'EXPRESSION_MISSING' })
})

test('a path that meets no list is missing exactly when jsonata finds nothing at it', async () => {
  const key = fc.constantFrom('a', 'b', 'c')
  const data = fc.letrec<{ value: Json }>(tie => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom<Json>(null, 1, 'x', false),
      fc.dictionary(key, tie('value'), { noNullPrototype: true }),
    ),
  })).value
  const step = fc.oneof(
    key,
    key.map(name => `${name}[0]`),
    key.map(name => `${name}[1]`),
    key.map(name => `${name}[-1]`),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(key, data, { noNullPrototype: true }),
      fc.array(step, { minLength: 1, maxLength: 4 }),
      async (scope, steps) => {
        const path = steps.join('.')
        const found: unknown = await jsonata(path).evaluate(scope)
        expect(whatIsMissing(path, scope as JsonObject) === undefined).toBe(found !== undefined)
      },
    ),
  )
})
