// The part of JSON Schema that data can be described in: what can be checked in bounded time, and what language models are
// held to as well. So no patterns, whose matching may take for ever, and no references, which may go in circles.
import type { Problem } from './errors.ts'
import { isJsonObject, type Json } from './json.ts'
import { nearMiss } from './near-miss.ts'
import { childPath } from './schema.ts'

/** Values of the data times those of the schema: what is checked at once keeps everything else waiting. */
const MOST_CHECKS = 500_000

/** Whether checking the value against the schema takes too long. */
export function isTooLargeFor(schema: Json, value: Json): boolean {
  return countValues(value) * countValues(schema) > MOST_CHECKS
}

function countValues(value: Json): number {
  if (typeof value !== 'object' || value === null) return 1
  return Object.values(value).reduce<number>((count, item) => count + countValues(item), 1)
}

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
      : (value as Json[]).flatMap((item, i) => checkJsonSchema(item, childPath(path, i)))
  },
  properties: (value, path) =>
    isJsonObject(value)
      ? Object.entries(value).flatMap(([name, property]) => checkJsonSchema(property, childPath(path, name)))
      : [{ path, message: 'must be an object with a schema for each property' }],
  required: names,
  additionalProperties: (value, path) => (typeof value === 'boolean' ? [] : checkJsonSchema(value, path)),
  items: checkJsonSchema,
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

/** What is wrong with a schema; `path` is its own. */
export function checkJsonSchema(schema: Json, path: string): Problem[] {
  if (!isJsonObject(schema)) return [{ path, message: 'must be a schema: an object' }]
  return Object.entries(schema).flatMap(([keyword, value]) => {
    const at = childPath(path, keyword)
    const check = Object.hasOwn(keywords, keyword) ? keywords[keyword] : undefined
    if (check !== undefined) return check(value, at)
    const known = Object.keys(keywords)
    const meant = nearMiss(keyword, known)
    const hint = meant === undefined ? `supported are ${known.join(', ')}` : `did you mean "${meant}"?`
    return [{ path: at, message: 'is not supported', hint }]
  })
}

function expecting(message: string, holds: (value: Json) => boolean): Check {
  return (value, path) => (holds(value) ? [] : [{ path, message }])
}
