import jsonata from 'jsonata'
import { expect, test } from 'vitest'
import type { AstNode } from '../../../src/expression/ast.ts'
import { isBounded } from '../../../src/expression/bounded.ts'

const bounded = (expression: string): boolean => isBounded(jsonata(expression).ast() as AstNode)

for (const expression of [
  '$sum(input.items.price) > vars.limit * 2',
  'input.items[price > 3 and $ != null]^(>price)[0].name',
  '$count(input.items[status = "open"]) > 0 ? "some" : "none"',
  '{"total": $sum(input.items.price), "names": [input.items.name], "rest": [1..5]}',
  '"Hello " & $uppercase(input.name) & $string(-input.n)',
  'input.items.($string(price) & name)',
  '$count(input.**.id)',
]) {
  test(`jsonata can stop ${expression}`, () => {
    expect(bounded(expression)).toBe(true)
  })
}

for (const [what, expression] of [
  ['a regular expression', '$contains(input.a, /^(a+)+$/)'],
  ['one in a predicate', 'input.items[$contains(name, /a/)]'],
  ['a function that is not linear', '$distinct(input.items)'],
  ['a function passed on', '$reduce(input.items, $append)'],
  ['a function chained', 'input.items ~> $sum'],
  ['a function under another name', '($f := $distinct; $f(input.items))'],
  ['evaluated text', '$eval(input.text)'],
  ['a picture', '$now(input.text)'],
  ['a lambda', '$map(input.items, function($i) { $i })'],
  ['a variable', '($x := input.a; $x = $x)'],
  ['values shared by each step of a path', 'input.a.[$, $].[$, $].[$, $]'],
  ['values shared by each step of a path, within brackets', 'input.({"l": $, "r": $})'],
  ['values shared by a predicate', 'input.a[[$, $] = [$, $]]'],
  ['groups', 'input.items{name: $}'],
  ['a transformation', '$ ~> |input|{"a": $}|'],
  ['the parent', 'input.items.%.b'],
  ['a binding', 'input.items@$i.a'],
] as const) {
  test(`jsonata cannot stop ${what}: ${expression}`, () => {
    expect(bounded(expression)).toBe(false)
  })
}
