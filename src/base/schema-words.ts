// What is wrong with one value, in words: what was expected, what was found, and where a known word is close, the fix.
import type { TLocalizedValidationError as Failure } from 'typebox/error'
import type { Problem } from './errors.ts'
import { nearMiss } from './near-miss.ts'

/** A problem but for its place. */
export type Description = Omit<Problem, 'path'>

export function describe(failure: Failure, value: unknown, schema: Schema): Description {
  switch (failure.keyword) {
    case 'type':
    case 'const':
    case 'enum':
      return mismatch(schema, value)
    case 'minLength':
      return {
        message:
          failure.params.limit === 1 ? 'must not be empty' : `must have at least ${failure.params.limit} characters`,
      }
    case 'maxLength':
      return { message: `must have at most ${failure.params.limit} characters` }
    case 'minItems':
      return {
        message: failure.params.limit === 1 ? 'must not be empty' : `must have at least ${failure.params.limit} items`,
      }
    case 'maxItems':
      return { message: `must have at most ${failure.params.limit} items` }
    case 'minimum':
      return { message: `must be at least ${failure.params.limit}, is ${show(value)}` }
    case 'maximum':
      return { message: `must be at most ${failure.params.limit}, is ${show(value)}` }
    case 'pattern':
      return {
        message: `does not have the right form, is ${show(value)}`,
        hint: schema?.description ?? `it must match ${failure.params.pattern}`,
      }
    case '~refine':
      return { message: failure.params.message }
    default:
      return { message: failure.message }
  }
}

/** The parts of a schema that words are made of. */
export type Schema =
  | {
      readonly type?: string | readonly string[]
      readonly const?: unknown
      readonly enum?: readonly unknown[]
      readonly anyOf?: readonly Schema[]
      readonly description?: string
      readonly properties?: Readonly<Record<string, Schema>>
      readonly additionalProperties?: unknown
    }
  | undefined

export function mismatch(schema: Schema, value: unknown): Description {
  const constants = constantsOf(schema)
  const kinds = kindsOf(schema)
  const words = [...constants.map(constant => JSON.stringify(constant)), ...kinds]
  const expected = kinds.length === 0 && words.length > 1 ? `one of ${words.join(', ')};` : `${listWords(words)},`
  const meant =
    typeof value === 'string'
      ? nearMiss(
          value,
          constants.filter(constant => typeof constant === 'string'),
        )
      : undefined
  const field = Object.entries(schema?.properties ?? {}).find(([, property]) => constantsOf(property).includes(value))
  const hint = field === undefined ? meant && `did you mean "${meant}"?` : `write { ${field[0]}: ${String(value)} }`
  return { message: `must be ${expected} is ${show(value)}`, ...(hint !== undefined && { hint }) }
}

function constantsOf(schema: Schema): unknown[] {
  if (schema?.anyOf) return schema.anyOf.flatMap(constantsOf)
  if (schema?.const !== undefined) return [schema.const]
  return [...(schema?.enum ?? [])]
}

function kindsOf(schema: Schema): string[] {
  if (schema?.anyOf) return [...new Set(schema.anyOf.flatMap(kindsOf))]
  if (schema?.const !== undefined || schema?.enum) return []
  const types = schema?.type ?? 'something else'
  return [types].flat().map(type => KINDS[type] ?? type)
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  null: 'null',
}

/** A value as a message shows it: short ones themselves, of the others what they are. */
function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  const text = JSON.stringify(value) ?? 'missing'
  return text.length > 60 ? `${text.slice(0, 57)}…"` : text
}

/** `a`, `a or b`, `a, b or c`. */
export function listWords(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}
