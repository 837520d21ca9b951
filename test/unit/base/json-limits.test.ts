import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkStorable, MAX_DEPTH, parseJsonWithin } from '../../../src/base/json-limits.ts'

const limits = { depth: 4, keys: 3 }
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

test('text within the limits gives its value', () => {
  expect(parseJsonWithin('{"a":[{"b":1}],"c":null}', limits)).toEqual({ value: { a: [{ b: 1 }], c: null } })
})

test('the depth limit lets pass what is as deep and refuses what is deeper', () => {
  expect(parseJsonWithin(nested(4), limits)).toEqual({ value: [[[[]]]] })
  expect(parseJsonWithin(nested(5), limits)).toEqual({ problem: 'is nested more than 4 levels deep' })
})

test('the key limit counts the names of all objects together', () => {
  expect(parseJsonWithin('[{"a":1},{"a":1,"b":2}]', limits)).toHaveProperty('value')
  expect(parseJsonWithin('[{"a":1,"b":1},{"a":1,"b":2}]', limits)).toEqual({
    problem: 'holds more than 3 named values',
  })
})

test('brackets and colons inside strings do not count', () => {
  const text = JSON.stringify(['[[[[[[', '{:::::', 'quote " and \\', '\\\\"[[[[['])
  expect(parseJsonWithin(text, limits)).toEqual({ value: JSON.parse(text) })
})

test('a bomb of a million brackets is refused before it is parsed', () => {
  expect(parseJsonWithin('['.repeat(1_000_000), limits)).toEqual({ problem: 'is nested more than 4 levels deep' })
})

test.each(['', '{', '"', '"\\', 'nul', '[1,]', '{"a" 1}', '\u0000', 'NaN'])('%j is not JSON', text => {
  expect(parseJsonWithin(text, limits)).toEqual({ problem: expect.stringMatching(/JSON/) })
})

test('all JSON there is passes generous limits unchanged', () => {
  fc.assert(
    fc.property(fc.json(), text => {
      expect(parseJsonWithin(text, { depth: 1000, keys: 1e6 })).toEqual({ value: JSON.parse(text) })
    }),
  )
})

test('whatever JSON text holds can be stored, unless it holds what PostgreSQL refuses', () => {
  const deep = (value: unknown): number =>
    typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(deep)) : 0
  fc.assert(
    fc.property(fc.jsonValue(), json => {
      const value = JSON.parse(JSON.stringify(json))
      const text = JSON.stringify(value)
      const poison = text.includes('\\u0000') || text.includes('"__proto__":') || deep(value) > MAX_DEPTH
      fc.pre(!poison)
      expect(checkStorable(value)).toBeNull()
    }),
  )
})

const holding = (depth: number): unknown => Array.from({ length: depth }).reduce(value => [value], 1)
class Invoice {
  readonly total = 1
}

test.each([
  ['a\u0000b', 'it holds the character U+0000, which PostgreSQL cannot store'],
  [{ user: { name: '\u0000' } }, 'user.name holds the character U+0000, which PostgreSQL cannot store'],
  [{ '\u0000': 1 }, '["\\u0000"] holds the character U+0000, which PostgreSQL cannot store'],
  [['ok', '\ud800'], '[1] holds half of a surrogate pair, which PostgreSQL cannot store'],
  [['\udc00\ud800'], '[0] holds half of a surrogate pair, which PostgreSQL cannot store'],
  [{ rate: Number.POSITIVE_INFINITY }, 'rate is Infinity, which JSON cannot hold'],
  [{ rate: Number.NaN }, 'rate is NaN, which JSON cannot hold'],
  [{ items: [{ price: undefined }] }, 'items[0].price is undefined, which JSON cannot hold'],
  [[() => 1], '[0] is a function, which JSON cannot hold'],
  [{ big: 1n }, 'big is a bigint, which JSON cannot hold'],
  [{ at: new Date(0) }, 'at is a Date, not a plain object'],
  [[new Map()], '[0] is a Map, not a plain object'],
  [new Invoice(), 'it is a Invoice, not a plain object'],
  [JSON.parse('{"a":{"__proto__":{"admin":true}}}'), 'a has a key "__proto__", which is refused'],
  [undefined, 'it is undefined, which JSON cannot hold'],
])('%o cannot be stored, and why is said with where', (value, problem) => {
  expect(checkStorable(value)).toBe(problem)
})

test('a value may be as deep as the limit and no deeper', () => {
  expect(checkStorable(holding(MAX_DEPTH))).toBeNull()
  expect(checkStorable(holding(MAX_DEPTH + 1))).toMatch(/^\[0\]\[0\].* is nested more than 64 levels deep$/)
})

test('a value that holds itself is refused like any that is too deep', () => {
  const loop: { self?: unknown } = {}
  loop.self = loop
  expect(checkStorable(loop)).toMatch(/nested more than 64 levels deep$/)
})

test('a proper surrogate pair, a null prototype and numbers beyond 2^53 are fine', () => {
  expect(checkStorable(['😀', Object.create(null), 1e300, -0])).toBeNull()
})
