import { expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json.ts'
import { transform } from '../../../src/node/types/transform.ts'
import { type GivenContext, nodeContext } from '../../support/node-context.ts'

const run = (config: JsonObject, given: GivenContext = {}) => transform.execute(config, nodeContext(given))

test('the value of the expression becomes the output', async () => {
  const input = { items: [{ price: 2 }, { price: 3 }] }
  expect(await run({ expression: '{"total": $sum(input.items.price)}' }, { input })).toEqual({
    kind: 'completed',
    output: { total: 5 },
  })
})

test('an expression may give null, false or an empty list', async () => {
  for (const [expression, output] of [
    ['input.a ?? null', null],
    ['false', false],
    ['[input.a]', []],
  ] as const)
    expect(await run({ expression }, { input: {} })).toEqual({ kind: 'completed', output })
})

test('an expression that finds nothing fails instead of giving null', async () => {
  expect(await run({ expression: 'input.total' }, { input: {} })).toEqual({
    kind: 'failed',
    error: {
      code: 'TRANSFORM_EMPTY',
      message:
        'the expression input.total found nothing (input has no "total"; it is empty): write `… ?? null` if that is fine, or `[…]` for a list that may be empty',
      retryable: false,
    },
  })
})

test('a template is the output as it was rendered', async () => {
  expect(await run({ template: { a: [1] } })).toEqual({ kind: 'completed', output: { a: [1] } })
  expect(await run({ template: null })).toEqual({ kind: 'completed', output: null })
})

test('without either the input passes through', async () => {
  expect(await run({}, { input: [1, 2] })).toEqual({ kind: 'completed', output: [1, 2] })
})

test('expression and template together are refused', () => {
  expect(transform.check?.({ expression: '1', template: 1 })).toMatchObject([{ path: 'template' }])
})
