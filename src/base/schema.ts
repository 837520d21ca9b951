// Checks data a user wrote against a TypeBox schema and says what is wrong in plain words: one Problem per wrong value,
// with its path as the user would write it, what was expected, what was found and, where a known word is close, the fix.
//
// 1. Every problem is reported: the validator's own cap (8 failures) is lifted.
// 2. Of a union only the alternative the user most likely meant is explained; where none stands out, all are named.
import { type TSchema, type TString, Type } from 'typebox'
import type { TLocalizedValidationError as Failure } from 'typebox/error'
import { Errors } from 'typebox/schema'
import { Settings } from 'typebox/system'
import { DurationError, formatDuration, parseDuration } from './duration.ts'
import type { Problem } from './errors.ts'
import { nearMiss } from './near-miss.ts'
import { describe, mismatch, type Schema } from './schema-words.ts'
import { isSecretName } from './secrets.ts'

Settings.Set({ maxErrors: Number.MAX_SAFE_INTEGER })

/** What is wrong with `value`, which stands at `path`; empty when it fits. */
export function checkSchema(schema: TSchema, value: unknown, path: string): Problem[] {
  const [, failures] = Errors(schema, value)
  return explainAll(failures, { schema, value, path })
}

interface DurationOptions {
  readonly description: string
  readonly default?: string
  /** Bounds, as durations. */
  readonly min?: string
  readonly max?: string
}

/** The schema of a duration written as text. `form` is what the docs say of the value. */
export function DurationText({ min = '0s', max, ...options }: DurationOptions): TString {
  const form = max === undefined ? (min === '0s' ? 'duration' : `duration from ${min}`) : `duration, ${min} to ${max}`
  const problemOf = (text: unknown): string | undefined => {
    if (typeof text !== 'string') return undefined // the type says so
    try {
      const ms = parseDuration(text)
      if (ms < parseDuration(min)) return `must be at least ${min}, is ${formatDuration(ms)}`
      if (max !== undefined && ms > parseDuration(max)) return `must be at most ${max}, is ${formatDuration(ms)}`
      return undefined
    } catch (error) {
      if (error instanceof DurationError) return error.message
      throw error
    }
  }
  return Type.Refine(
    Type.String({ ...options, form }),
    text => problemOf(text) === undefined,
    text => problemOf(text) ?? '',
  )
}

/** The schema of a secret's name. */
export function SecretName(description: string): TString {
  return Type.Refine(
    Type.String({ description, form: 'name of a secret' }),
    name => typeof name !== 'string' || isSecretName(name),
    () => 'must be the name of a secret (letters, digits and _), not the secret itself', // which is not shown
  )
}

/** `path` extended by a key or an index: `nodes[2].config`, `headers["x y"]`. */
export function childPath(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`
  if (!/^[A-Za-z_$][\w$-]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`
  return path === '' ? key : `${path}.${key}`
}

/** What is checked, against what, and where it stands. */
interface Subject {
  readonly schema: TSchema
  readonly value: unknown
  readonly path: string
}

type UnionFailure = Extract<Failure, { keyword: 'anyOf' }>

function explainAll(failures: readonly Failure[], subject: Subject): Problem[] {
  const problems: Problem[] = []
  const explained = new Set<string>()
  for (const group of groupByUnion(failures)) {
    const failure = group[group.length - 1] as Failure
    const place = `${failure.schemaPath} ${failure.instancePath}`
    const aboutKeys = failure.keyword === 'required' || failure.keyword === 'additionalProperties'
    if (!aboutKeys && explained.has(place)) continue // the first thing wrong with a value is enough
    explained.add(place)
    problems.push(...explain(failure, group.slice(0, -1), subject))
  }
  return problems
}

/** A union's failure comes right after those of its alternatives; each group ends with the failure that counts. */
function groupByUnion(failures: readonly Failure[]): Failure[][] {
  const groups: Failure[][] = []
  for (let end = failures.length; end > 0; ) {
    const last = failures[end - 1] as Failure
    let start = end - 1
    while (start > 0 && isAlternative(failures[start - 1] as Failure, last)) start--
    groups.push(failures.slice(start, end))
    end = start
  }
  return groups.reverse()
}

function isAlternative(failure: Failure, union: Failure): boolean {
  return (
    union.keyword === 'anyOf' &&
    failure.schemaPath.startsWith(`${union.schemaPath}/anyOf/`) &&
    (failure.instancePath === union.instancePath || failure.instancePath.startsWith(`${union.instancePath}/`))
  )
}

function explain(failure: Failure, inner: readonly Failure[], subject: Subject): Problem[] {
  const { value, path } = locate(subject, failure.instancePath)
  const schema = schemaAt(subject.schema, failure.schemaPath)
  switch (failure.keyword) {
    case 'required':
      return failure.params.requiredProperties.map(key => ({ path: childPath(path, key), message: 'is required' }))
    case 'additionalProperties':
      if (schema?.additionalProperties !== false) return [] // the values are wrong and say so themselves
      return failure.params.additionalProperties.map(key =>
        unknownField(key, path, Object.keys(schema?.properties ?? {})),
      )
    case 'boolean':
      return [] // the `false` behind additionalProperties
    case 'anyOf':
      return explainUnion(failure, inner, subject)
    default:
      return [{ path, ...describe(failure, value, schema) }]
  }
}

function unknownField(key: string, path: string, known: readonly string[]): Problem {
  const meant = nearMiss(key, known)
  const hint = meant === undefined ? `known fields: ${known.join(', ') || 'none'}` : `did you mean "${meant}"?`
  return { path: childPath(path, key), message: 'is not a known field', hint }
}

function explainUnion(union: UnionFailure, inner: readonly Failure[], subject: Subject): Problem[] {
  const alternatives = Map.groupBy(inner, failure => failure.schemaPath.slice(union.schemaPath.length).split('/')[2])
  const rightKind = [...alternatives.values()].filter(
    failures => !failures.some(f => f.instancePath === union.instancePath && /^(type|const|enum)$/.test(f.keyword)),
  )
  // Objects told apart by a constant field (`type: basic`): the one whose constant fits is the one that was meant.
  const meant = rightKind.find(failures => constantOf(failures) === undefined)
  if (meant) return explainAll(meant, subject)
  const constants = rightKind.flatMap(failures => constantOf(failures) ?? [])
  const [first] = constants
  if (first && constants.every(({ instancePath }) => instancePath === first.instancePath)) {
    const { value, path } = locate(subject, first.instancePath)
    return [{ path, ...mismatch({ enum: constants.map(({ params }) => params.allowedValue) }, value) }]
  }
  const { value, path } = locate(subject, union.instancePath)
  return [{ path, ...mismatch(schemaAt(subject.schema, union.schemaPath), value) }]
}

const constantOf = (failures: readonly Failure[]) => failures.find(failure => failure.keyword === 'const')

const pointerKeys = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map(key => key.replaceAll('~1', '/').replaceAll('~0', '~'))

const child = (parent: unknown, key: string): unknown => (parent as Record<string, unknown> | null | undefined)?.[key]

function locate({ value, path }: Subject, instancePath: string): { value: unknown; path: string } {
  for (const key of pointerKeys(instancePath)) {
    path = childPath(path, Array.isArray(value) ? Number(key) : key)
    value = child(value, key)
  }
  return { value, path }
}

function schemaAt(schema: TSchema, schemaPath: string): Schema {
  return pointerKeys(schemaPath).reduce<unknown>(child, schema) as Schema
}
