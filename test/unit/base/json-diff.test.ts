import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Json } from '../../../src/base/json.ts'
import { differences } from '../../../src/base/json-diff.ts'
import { parseJsonPath, valueAt } from '../../../src/base/json-path.ts'

test('each place where two values differ is named by its path', () => {
  const a = { id: 1, lines: [{ price: 2 }, { price: 3 }], 'odd key': true }
  const b = { id: 1, lines: [{ price: 2 }, { price: 4 }], 'odd key': false }
  expect(differences(a, b)).toEqual([
    { path: 'lines[1].price', a: 3, b: 4 },
    { path: '["odd key"]', a: true, b: false },
  ])
})

test('what only one of them has is missing on the other side', () => {
  expect(differences({ gone: null, list: [1] }, { list: [1, 2], come: null })).toEqual([
    { path: 'gone', a: null },
    { path: 'list[1]', b: 2 },
    { path: 'come', b: null },
  ])
})

test('values of different kinds differ as a whole', () => {
  expect(differences({ a: [1] }, { a: { 0: 1 } })).toEqual([{ path: 'a', a: [1], b: { 0: 1 } }])
  expect(differences({}, [])).toEqual([{ path: '', a: {}, b: [] }])
})

test('a key that every object inherits is no field', () => {
  expect(differences({}, { constructor: 1 })).toEqual([{ path: 'constructor', b: 1 }])
})

const json = fc.jsonValue({ maxDepth: 4 }).map(value => JSON.parse(JSON.stringify(value)) as Json)

test('nothing differs from itself', () => {
  fc.assert(
    fc.property(json, value => {
      expect(differences(value, structuredClone(value))).toEqual([])
    }),
  )
})

test('each difference is what the two have at its path, and without differences they are equal', () => {
  fc.assert(
    fc.property(json, json, (a, b) => {
      const found = differences(a, b)
      if (found.length === 0) expect(a).toEqual(b)
      for (const { path, ...sides } of found) {
        const steps = path === '' ? [] : parseJsonPath(path)
        if (steps === undefined) throw new Error(`${path} is no path`)
        expect(valueAt(a, steps)).toEqual(sides.a)
        expect(valueAt(b, steps)).toEqual(sides.b)
      }
    }),
  )
})
