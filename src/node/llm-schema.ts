// The part of JSON Schema an answer can be described in: what language models are held to as well, and what can be checked
// in bounded time. So no patterns, whose matching may take for ever, and no references, which may go in circles.
import type { Problem } from '../base/errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts'
import { childPath } from '../base/schema.ts'

type Check = (value: Json, path: string) => Problem[]

const TYPES: readonly Json[] = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null']

const anything: Check = () => []
const text = expecting('must be text', value => typeof value === 'string')
const amount = expecting('must be a number', value => typeof value === 'number')
const count = expecting(
  'must be a whole number, at least 0',
  value => Number.isSafeInteger(value) && Number(value) >= 0,
)
const list = expecting('must be a list that is not empty', value => Array.isArray(value) && value.length > 0)
const names = expecting(
  'must be a list of names',
  value => Array.isArray(value) && value.every(name => typeof name === 'string'),
)
const types = expecting(
  `must be of ${TYPES.join(', ')}, or a list of them`,
  value => [value].flat().length > 0 && [value].flat().every(type => TYPES.includes(type as Json)),
)

const keywords: { readonly [keyword: string]: Check } = {
  $schema: text,
  title: text,
  description: text,
  default: anything,
  examples: list,
  type: types,
  enum: list,
  const: anything,
  anyOf: (value, path) => {
    const problems = list(value, path)
    return problems.length > 0
      ? problems
      : (value as Json[]).flatMap((item, i) => checkSchemaOf(item, childPath(path, i)))
  },
  properties: (value, path) =>
    isJsonObject(value)
      ? Object.entries(value).flatMap(([name, property]) => checkSchemaOf(property, childPath(path, name)))
      : [{ path, message: 'must be an object with a schema for each property' }],
  required: names,
  additionalProperties: (value, path) => (typeof value === 'boolean' ? [] : checkSchemaOf(value, path)),
  items: checkSchemaOf,
  minItems: count,
  maxItems: count,
  minLength: count,
  maxLength: count,
  minimum: amount,
  maximum: amount,
  exclusiveMinimum: amount,
  exclusiveMaximum: amount,
  multipleOf: expecting('must be a number above 0', value => typeof value === 'number' && value > 0),
}

/** What is wrong with the schema of an answer; `path` is its own. */
export function checkAnswerSchema(schema: JsonObject, path: string): Problem[] {
  if (schema.type !== 'object')
    return [
      {
        path: childPath(path, 'type'),
        message: 'must be object: providers answer with nothing else',
        hint: 'put a list or a text into a property',
      },
    ]
  return checkSchemaOf(schema, path)
}

function checkSchemaOf(schema: Json, path: string): Problem[] {
  if (!isJsonObject(schema)) return [{ path, message: 'must be a schema: an object' }]
  return Object.entries(schema).flatMap(([keyword, value]) => {
    const at = childPath(path, keyword)
    const check = Object.hasOwn(keywords, keyword) ? keywords[keyword] : undefined
    if (check !== undefined) return check(value, at)
    return [{ path: at, message: 'is not supported', hint: `supported are ${Object.keys(keywords).join(', ')}` }]
  })
}

function expecting(message: string, holds: (value: Json) => boolean): Check {
  return (value, path) => (holds(value) ? [] : [{ path, message }])
}
