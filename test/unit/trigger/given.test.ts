import { expect, test } from 'vitest'
import { checkTrigger } from '../../../src/trigger/check.ts'
import { checkGiven } from '../../../src/trigger/given.ts'

const input_schema = {
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 1 },
    count: { type: 'integer', minimum: 1 },
    size: { enum: ['small', 'large'] },
    lines: { type: 'array', items: { type: 'object', required: ['sku'] } },
  },
  required: ['name'],
  additionalProperties: false,
}

test.each([
  [{}, 'input.name is required'],
  [{ name: '' }, 'input.name must not be empty'],
  [{ name: 'a', count: 1.5 }, 'input.count must be a whole number, is 1.5'],
  [{ name: 'a', count: 0 }, 'input.count must be at least 1, is 0'],
  [{ name: 'a', size: 'lagre' }, 'input.size must be one of "small", "large"; is "lagre"'],
  [{ name: 'a', lines: [{ sku: 1 }, {}] }, 'input.lines[1].sku is required'],
  [{ name: 'a', nmae: 'b' }, 'input.nmae is not a known field'],
])('the input %j does not fit', (given, expected) => {
  expect(checkGiven({ input_schema }, given).map(({ path, message }) => `${path} ${message}`)).toEqual([expected])
})

test('everything that does not fit is said at once', () => {
  expect(checkGiven({ input_schema }, { count: 'x', size: 1 })).toHaveLength(3)
})

test('what fits is accepted, and a trigger without a schema accepts everything', () => {
  expect(checkGiven({ input_schema }, { name: 'Ada', count: 2 })).toEqual([])
  expect(checkGiven({}, { anything: [1] })).toEqual([])
})

test('fields of the trigger’s own input count as given', () => {
  expect(checkGiven({ input_schema, input: { name: 'Ada' } }, {})).toEqual([])
})

test('of a field that a template makes nothing is asked, of one that was given everything', () => {
  const config = { input_schema, input: { name: 'Ada', count: '{{ 1 + 1 }}', lines: [{ sku: '{{ 1 }}' }] } }
  expect(checkGiven(config, {})).toEqual([])
  expect(checkGiven(config, { count: '{{ 1 + 1 }}' })).toMatchObject([{ path: 'input.count' }])
})

test('of an input that one template makes nothing is asked', () => {
  expect(checkGiven({ input_schema, input: '{{ vars.usual }}' }, {})).toEqual([])
})

test('an input too large to be checked is refused', () => {
  const given = { name: 'a', lines: Array.from({ length: 50_000 }, () => ({ sku: 1 })) }
  expect(checkGiven({ input_schema }, given)).toMatchObject([{ path: 'input' }])
})

test.each([
  [{ input_schema: { type: 'array' } }, 'config.input_schema.type'],
  [
    { input_schema: { type: 'object', properties: { a: { pattern: '(a+)+' } } } },
    'config.input_schema.properties.a.pattern',
  ],
  [{ input_schema, input: { count: 'two' } }, 'config.input.count'],
  [{ input_schema: 'object' }, 'config.input_schema'],
])('a manual trigger with %j is refused where it is wrong', (config, path) => {
  expect(checkTrigger('manual', config, '').map(problem => problem.path)).toEqual([path])
})

test('what the trigger does not give itself may be required', () => {
  expect(checkTrigger('manual', { input_schema, input: { count: 3 } }, '')).toEqual([])
})
