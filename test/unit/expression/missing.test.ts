import { expect, test } from 'vitest'
import { whatIsMissing } from '../../../src/expression/missing.ts'

const scope = {
  input: { total: 3, lines: [{ price: 1 }], customer: { name: 'Ada' }, empty: {}, nothing: null, 'odd key': { x: 1 } },
  vars: Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`v${i}`, i])),
}

test.each([
  ['input.totl', 'input has no "totl"; did you mean "total"?'],
  [' input.customer.age ', 'input.customer has no "age"; it has name'],
  ['input.customer.address.street', 'input.customer has no "address"; it has name'],
  ['input.lines[0].cost', 'input.lines[0] has no "cost"; it has price'],
  ['input["odd key"].y', 'input["odd key"] has no "y"; it has x'],
  ['input.empty.x', 'input.empty has no "x"; it is empty'],
  ['vars.limit', 'vars has no "limit"; it has v0, v1, v2, v3, v4, v5, v6, v7 …'],
  ['total', 'there is no "total"; it has input, vars'],
  ['input.constructor', 'input has no "constructor"; it has total, lines, customer, empty, nothing, odd key'],
])('%s: %s', (expression, why) => {
  expect(whatIsMissing(expression, scope)).toBe(why)
})

test.each([
  ['what is there', 'input.total'],
  ['a list', 'input.lines.cost'],
  ['an index that is not there', 'input.lines[7]'],
  ['null', 'input.nothing.x'],
  ['a subtraction', 'input.a-b'],
  ['a function', '$sum(input.x)'],
  ['no path', 'input.a + 1'],
])('of %s it tells nothing', (_, expression) => {
  expect(whatIsMissing(expression, scope)).toBeUndefined()
})
