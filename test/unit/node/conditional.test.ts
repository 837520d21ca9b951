import { expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json.ts'
import { conditional } from '../../../src/node/types/conditional.ts'
import { type GivenContext, nodeContext } from '../../support/node-context.ts'

const run = (config: JsonObject, given: GivenContext = {}) => conditional.execute(config, nodeContext(given))

test.each([true, false])('%s takes the branch of that name and passes the input on', async ok => {
  expect(await run({ expression: 'input.ok' }, { input: { ok } })).toEqual({
    kind: 'completed',
    output: { ok },
    branches: [String(ok)],
  })
})

test('a string takes the branch it names', async () => {
  expect(await run({ expression: 'input.tier' }, { input: { tier: 'gold' } })).toMatchObject({ branches: ['gold'] })
})

test('with cases a string must be one of them', async () => {
  const config = { expression: 'input.tier', cases: ['gold', 'silver'] }
  expect(await run(config, { input: { tier: 'silver' } })).toMatchObject({ branches: ['silver'] })
  expect(await run(config, { input: { tier: 'tin' } })).toMatchObject({
    kind: 'failed',
    error: {
      code: 'CONDITION_UNKNOWN_CASE',
      message: 'input.tier gave "tin", not one of gold, silver',
      retryable: false,
    },
  })
})

test('what is none of the cases takes the default', async () => {
  const config = { expression: 'input.tier', cases: ['gold'], default: 'other' }
  expect(await run(config, { input: { tier: 'tin' } })).toMatchObject({ branches: ['other'] })
  expect(await run(config, { input: { tier: true } })).toMatchObject({ branches: ['other'] })
})

test.each([
  ['input.missing', 'nothing (input has no "missing"; it is empty)'],
  ['null', 'null'],
  ['1', '1'],
  ['""', '""'],
  ['["true"][]', '["true"]'],
  ['{"result": true}', '{"result":true}'],
])('%s is neither a boolean nor a name, whatever the default', async (expression, shown) => {
  expect(await run({ expression, cases: ['gold'], default: 'other' }, { input: {} })).toMatchObject({
    kind: 'failed',
    error: {
      code: 'CONDITION_NOT_BOOLEAN',
      message: `${expression} gave ${shown}, not true, false or the name of a case`,
    },
  })
})

test('a default without cases is refused', () => {
  expect(conditional.check?.({ expression: 'true', default: 'a' })).toMatchObject([{ path: 'default' }])
})
