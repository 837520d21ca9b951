// What a config of the llm node may say, and what the mock makes of it.
import { expect, test } from 'vitest'
import type { Json, JsonObject } from '../../../src/base/json.ts'
import { checkSchema } from '../../../src/base/schema.ts'
import { mockReply } from '../../../src/node/llm-mock.ts'
import { questionOf } from '../../../src/node/llm-provider.ts'
import { checkAnswerSchema } from '../../../src/node/llm-schema.ts'
import { llm } from '../../../src/node/types/llm.ts'
import { attemptOf } from '../../support/attempt-of.ts'

const config = { provider: 'mock', model: 'm', prompt: 'hi' }
const { prompt: _, ...unasked } = config

test.each<[JsonObject, string, string]>([
  [unasked, 'prompt', 'is required, or messages'],
  [{ ...config, messages: [{ role: 'user', content: 'hi' }] }, 'messages', 'cannot stand beside prompt'],
  [{ ...config, base_url: 'localhost:11434' }, 'base_url', 'must begin with http: or https:'],
  [{ ...config, base_url: 'https://me:key@llm.example' }, 'base_url', 'must not hold credentials'],
  [{ ...config, schema: { type: 'array' } }, 'schema.type', 'must be object'],
])('%j has a problem at %s', (given, path, message) => {
  expect(llm.check?.(given)).toEqual([expect.objectContaining({ path, message: expect.stringContaining(message) })])
})

test('what holds templates, and values of the wrong type, are not judged', () => {
  expect(llm.check?.({ ...config, base_url: '{{ vars.url }}', schema: '{{ vars.schema }}' })).toEqual([])
  expect(llm.check?.({ ...config, base_url: 7, schema: [] })).toEqual([])
})

test('a key in the place of its name is refused and not shown', () => {
  const problems = checkSchema(llm.configSchema, { ...config, secret: 'sk-proj-123456' }, 'config')
  expect(problems).toEqual([
    { path: 'config.secret', message: 'must be the name of a secret (letters, digits and _), not the secret itself' },
  ])
})

const inside = (schema: Json): JsonObject => ({ type: 'object', properties: { a: schema } })

test.each<[Json, string, string]>([
  [7, 'schema.properties.a', 'must be a schema: an object'],
  [{ pattern: '^(a+)+$' }, 'schema.properties.a.pattern', 'is not supported'],
  [{ $ref: '#' }, 'schema.properties.a.$ref', 'is not supported'],
  [{ constructor: 1 }, 'schema.properties.a.constructor', 'is not supported'],
  [{ type: 'text' }, 'schema.properties.a.type', 'must be of object, array'],
  [{ type: [] }, 'schema.properties.a.type', 'must be of object, array'],
  [{ enum: [] }, 'schema.properties.a.enum', 'must be a list that is not empty'],
  [{ anyOf: 1 }, 'schema.properties.a.anyOf', 'must be a list that is not empty'],
  [{ anyOf: [{ type: 'null' }, { oneOf: [] }] }, 'schema.properties.a.anyOf[1].oneOf', 'is not supported'],
  [{ items: { minItems: -1 } }, 'schema.properties.a.items.minItems', 'must be a whole number'],
  [{ additionalProperties: { maximum: '1' } }, 'schema.properties.a.additionalProperties.maximum', 'must be a number'],
  [{ required: 'b' }, 'schema.properties.a.required', 'must be a list of names'],
  [{ properties: [] }, 'schema.properties.a.properties', 'must be an object with a schema for each property'],
  [{ multipleOf: 0 }, 'schema.properties.a.multipleOf', 'must be a number above 0'],
  [{ title: 1 }, 'schema.properties.a.title', 'must be text'],
])('the schema %j has a problem', (schema, path, message) => {
  expect(checkAnswerSchema(inside(schema), 'schema')).toEqual([
    expect.objectContaining({ path, message: expect.stringContaining(message) }),
  ])
})

const rich: JsonObject = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'A review',
  type: 'object',
  properties: {
    mood: { type: 'string', enum: ['good', 'bad'], description: 'How it sounds.' },
    score: { type: 'integer', minimum: 1, maximum: 5 },
    share: { type: 'number', exclusiveMinimum: 0, multipleOf: 0.25 },
    debt: { type: 'number', maximum: -3 },
    tags: { type: 'array', items: { type: 'string', minLength: 2, maxLength: 3 }, minItems: 2 },
    short: { type: 'string', minLength: 6 },
    who: { anyOf: [{ type: 'object', properties: { name: { const: 'Ada' } } }, { type: 'null' }] },
    maybe: { type: ['null', 'string'] },
    sure: { type: 'boolean' },
    none: { type: 'array', items: {}, maxItems: 0 },
    given: { type: 'string', default: 'as it says', examples: ['so', 'or so'] },
  },
  required: ['mood', 'score'],
  additionalProperties: false,
}

test('the mock answers with a value that fits the schema, made of what the schema names and of little else', async () => {
  expect(checkAnswerSchema(rich, 'schema')).toEqual([])
  const outcome = await attemptOf(llm, { ...config, schema: rich })
  expect(outcome).toMatchObject({
    kind: 'completed',
    output: {
      json: {
        mood: 'good',
        score: 1,
        share: 0.25,
        debt: -3,
        tags: ['tex', 'tex'],
        short: 'text..',
        who: { name: 'Ada' },
        maybe: null,
        sure: true,
        none: [],
        given: 'as it says',
      },
    },
  })
})

test('without a schema the mock says the last message again', () => {
  const messages = ['user', 'assistant', 'user'].map((role, i) => ({ role, content: `${i}` })) as never
  expect(mockReply(questionOf({ provider: 'mock', model: 'm', messages }))).toMatchObject({
    text: '2',
    finishReason: 'stop',
  })
})

test('the mock counts four characters as a token', () => {
  const { usage } = mockReply(questionOf({ provider: 'mock', model: 'm', prompt: 'a prompt', system: 'x' }))
  expect(usage).toEqual({ input_tokens: 3, output_tokens: 2 })
})

test('a schema that asks for more than there is room for ends in a failure, not in a full memory', async () => {
  const bomb = Array.from({ length: 6 }).reduce<JsonObject>(items => ({ type: 'array', minItems: 1e9, items }), {
    type: 'string',
    minLength: 1e9,
  })
  expect(await attemptOf(llm, { ...config, schema: inside(bomb) })).toMatchObject({
    kind: 'failed',
    error: { code: 'LLM_ANSWER_INVALID' },
  })
})
