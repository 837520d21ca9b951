import { expect, test } from 'vitest'
import type { Json } from '../../../src/base/json.ts'
import { merge } from '../../../src/node/types/merge.ts'
import { nodeContext } from '../../support/node-context.ts'

function run(combine: string | undefined, outputs: { readonly [key: string]: Json }) {
  const taken = Object.entries(outputs).map(([key, output]) => ({ key, output }))
  return merge.execute(combine === undefined ? {} : { combine }, nodeContext({ taken }))
}

test('by default every output stands under the key of its node', async () => {
  expect(await run(undefined, { a: 1, b: [2] })).toEqual({ kind: 'completed', output: { a: 1, b: [2] } })
})

test('object puts the fields of all together, and the last of equal fields wins', async () => {
  const outputs = { a: { x: 1, list: [1], in: { p: 1 } }, b: { x: 2, in: { q: 2 } } }
  expect(await run('object', outputs)).toMatchObject({ output: { x: 2, list: [1], in: { q: 2 } } })
})

test('deep merges fields that are objects on both sides and replaces all others', async () => {
  const outputs = {
    a: { in: { p: 1, both: { l: 1 } }, list: [1, 2], odd: { a: 1 } },
    b: { in: { q: 2, both: { r: 2 } }, list: [3], odd: 4 },
  }
  expect(await run('deep', outputs)).toMatchObject({
    output: { in: { p: 1, q: 2, both: { l: 1, r: 2 } }, list: [3], odd: 4 },
  })
})

test('deep merges fields with the names of inherited ones as any other', async () => {
  const outcome = await run('deep', { a: { constructor: { x: 1 } }, b: { constructor: { y: 2 }, toString: { z: 3 } } })
  expect(outcome).toEqual({ kind: 'completed', output: { constructor: { x: 1, y: 2 }, toString: { z: 3 } } })
})

test('deep cannot change a prototype', async () => {
  await run('deep', { a: { x: 1 }, b: JSON.parse('{"__proto__":{"polluted":true}}') })
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
})

test('concat joins lists and appends what is none, one level only', async () => {
  expect(await run('concat', { a: [1, [2]], b: 3, c: [], d: { e: 4 } })).toMatchObject({
    output: [1, [2], 3, { e: 4 }],
  })
})

test('first gives the output of the first taken edge', async () => {
  expect(await run('first', { a: null, b: 2 })).toMatchObject({ kind: 'completed', output: null })
})

test.each(['object', 'deep'])('%s names every predecessor whose output is no object', async combine => {
  expect(await run(combine, { a: { x: 1 }, b: [1], c: null })).toMatchObject({
    error: { code: 'MERGE_NOT_OBJECT', message: 'only objects can be merged, but the output of "b", "c" is none' },
  })
})

test.each([
  ['by_node', {}],
  ['object', {}],
  ['deep', {}],
  ['concat', []],
])('%s of nothing is empty', async (combine, output) => {
  expect(await run(combine, {})).toEqual({ kind: 'completed', output })
})

test('the first of nothing fails', async () => {
  expect(await run('first', {})).toMatchObject({ kind: 'failed', error: { code: 'MERGE_EMPTY' } })
})
