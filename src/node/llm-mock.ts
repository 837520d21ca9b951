// A provider that asks nobody, for tests and first steps: the same question is always given the same answer.
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts'
import type { Question, Reply } from './llm-provider.ts'

/** The last message again; with a schema a value that fits it: what the schema itself names, else something small. */
export function mockReply({ model, system = '', messages, schema }: Question): Reply {
  const text =
    schema === undefined ? (messages.at(-1)?.content ?? '') : JSON.stringify(exampleOf(schema, { left: MOST }))
  const asked = [system, ...messages.map(({ content }) => content)].join('')
  return {
    text,
    model,
    finishReason: 'stop',
    usage: { input_tokens: tokensOf(asked), output_tokens: tokensOf(text) },
  }
}

/** About what real models count. */
function tokensOf(text: string): number {
  return Math.ceil(text.length / 4)
}

interface Allowance {
  left: number
}

/** Values and characters an answer may have: a schema can ask for more than there is room for, and is not served then. */
const MOST = 10_000

function exampleOf(schema: Json | undefined, allowance: Allowance): Json {
  if (!isJsonObject(schema) || allowance.left-- <= 0) return null
  const [given] = [schema.const, schema.default, firstOf(schema.examples), firstOf(schema.enum)].filter(
    value => value !== undefined,
  )
  if (given !== undefined) return given
  if (schema.anyOf !== undefined) return exampleOf(firstOf(schema.anyOf), allowance)
  switch ([schema.type].flat()[0]) {
    case 'object': {
      const properties = Object.entries(isJsonObject(schema.properties) ? schema.properties : {})
      return Object.fromEntries(properties.map(([name, property]) => [name, exampleOf(property, allowance)]))
    }
    case 'array': {
      const length = Math.min(numberOr(schema.minItems, 1), numberOr(schema.maxItems, MOST), allowance.left)
      return Array.from({ length: Math.max(length, 0) }, () => exampleOf(schema.items, allowance))
    }
    case 'string': {
      const length = Math.min(
        Math.max(numberOr(schema.minLength, 0), 4),
        numberOr(schema.maxLength, MOST),
        allowance.left,
      )
      allowance.left -= length
      return 'text'.padEnd(length, '.').slice(0, Math.max(length, 0))
    }
    case 'number':
    case 'integer':
      return smallestOf(schema)
    case 'boolean':
      return true
    default:
      return null
  }
}

/** Zero, or what is closest to it within the bounds. */
function smallestOf({ minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf }: JsonObject): number {
  const step = numberOr(multipleOf, 1)
  const least = Math.max(numberOr(minimum, -Infinity), numberOr(exclusiveMinimum, -Infinity) + step)
  const most = Math.min(numberOr(maximum, Infinity), numberOr(exclusiveMaximum, Infinity) - step)
  return Math.ceil(Math.min(Math.max(0, least), most) / step) * step
}

function numberOr(value: Json | undefined, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise
}

function firstOf(list: Json | undefined): Json | undefined {
  return Array.isArray(list) ? list[0] : undefined
}
