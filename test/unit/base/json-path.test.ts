import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseJsonPath, valueAt } from '../../../src/base/json-path.ts'
import { childPath } from '../../../src/base/schema.ts'

test.each([
  ['id', ['id']],
  ['data.object.id', ['data', 'object', 'id']],
  ['entry[0].id', ['entry', 0, 'id']],
  ['[1][2]', [1, 2]],
  ['["a \\"b\\""].c', ['a "b"', 'c']],
  ['a-b.$c', ['a-b', '$c']],
])('%s is a path', (text, path) => {
  expect(parseJsonPath(text)).toEqual(path)
})

test.each([
  '',
  '.',
  '.a',
  'a.',
  'a..b',
  'a b',
  'a[',
  'a[b]',
  'a[-1]',
  "a['b']",
  'a.[0]',
  '$.[x]',
  '1',
  'a["\\x"]',
  '[0]a',
])('%j is no path', text => {
  expect(parseJsonPath(text)).toBeUndefined()
})

test('a path is read as problems write it', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.nat(1_000)), { minLength: 1 }), keys => {
      expect(parseJsonPath(keys.reduce<string>(childPath, ''))).toEqual(keys)
    }),
  )
})

test('a value is found where it stands', () => {
  const value = { a: [{ b: 1 }], c: null }
  expect(valueAt(value, ['a', 0, 'b'])).toBe(1)
  expect(valueAt(value, ['c'])).toBeNull()
})

test.each([
  [['b']],
  [['a', 1]],
  [['a', 'length']],
  [[0]],
  [['c', 'd']],
  [['toString']],
  [['__proto__']],
  [['a', 0, 'b', 'toFixed']],
])('there is nothing at %j', path => {
  expect(valueAt({ a: [{ b: 1 }], c: null }, path)).toBeUndefined()
})
