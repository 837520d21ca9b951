// Why an expression found nothing, for those who wrote it: which of the paths it writes out is not there. Strict expressions
// are refused for that before they are evaluated, whatever they would have come to.
//
// 1. What a path meets of lists is the data's business: it is followed up to there.
// 2. A path of which the expression asks whether it is there may be missing.
import type { Json, JsonObject } from '../base/json.ts'
import { isJsonObject } from '../base/json.ts'
import type { JsonPath } from '../base/json-path.ts'
import { nearMiss } from '../base/near-miss.ts'
import { childPath } from '../base/schema.ts'
import { compile, type Evaluator, ExpressionError } from './expression.ts'
import { shorten } from './wording.ts'

const LONGEST_NAME = 40
const MOST_NAMES = 8

interface Missing {
  /** `input has no "totl"; did you mean "total"?` */
  readonly why: string
  readonly position: number
}

/** The evaluator that refuses expressions which write out a path that is not there. */
export function strictly(evaluator: Evaluator): Evaluator {
  return {
    strict: true,
    async evaluate(expression, scope, abort) {
      refuseMissing(expression, scope)
      return evaluator.evaluate(expression, scope, abort)
    },
  }
}

/** Throws ExpressionError. */
export function refuseMissing(expression: string, scope: JsonObject): void {
  const missing = findMissing(expression, scope)
  if (missing === undefined) return
  const cure = 'write `… ?? …` or ask `$exists(…)` if it may be missing'
  throw new ExpressionError('EXPRESSION_MISSING', `${missing.why}; ${cure}`, missing.position)
}

export function whatIsMissing(expression: string, scope: JsonObject): string | undefined {
  return findMissing(expression, scope)?.why
}

function findMissing(expression: string, scope: JsonObject): Missing | undefined {
  const { used, asked } = compile(expression).paths
  for (const { keys, ends } of used) {
    const found = follow(scope, keys)
    if (found === undefined) continue
    const missing = keys.slice(0, found.depth + 1)
    if (asked.some(one => missing.every((key, i) => one[i] === key))) continue
    return {
      why: wordingOf(found.parent, missing),
      position: startOf(expression, missing.at(-1) ?? '', ends[found.depth] ?? 0),
    }
  }
  return undefined
}

/** Where a key stands that ends there; an index stands behind what it is an index of. */
function startOf(expression: string, key: string | number, end: number): number {
  if (typeof key === 'number') return end
  return end - key.length - (expression[end - 1] === '`' ? 1 : 0)
}

/** Where a path ends before its end, and what it has come to by then; as jsonata goes. */
function follow(scope: JsonObject, keys: JsonPath): { depth: number; parent: Json } | undefined {
  let value: Json = scope
  for (const [depth, key] of keys.entries()) {
    const next: Json | undefined = typeof key === 'number' ? itemOf(value, key) : fieldOf(value, key)
    if (next === undefined)
      return Array.isArray(value) && typeof key === 'string' ? undefined : { depth, parent: value }
    value = next
  }
  return undefined
}

function fieldOf(value: Json, key: string): Json | undefined {
  return isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
}

/** What is not a list counts as a list of itself. */
function itemOf(value: Json, index: number): Json | undefined {
  if (Array.isArray(value)) return value.at(index) as Json | undefined
  return index === 0 || index === -1 ? value : undefined
}

function wordingOf(parent: Json, missing: JsonPath): string {
  const [before, key = ''] = [missing.slice(0, -1), missing.at(-1)]
  const where = before.reduce<string>(childPath, '')
  const what = typeof key === 'number' ? `[${key}]` : `"${shorten(key, LONGEST_NAME)}"`
  return `${where === '' ? 'there is' : `${where} has`} no ${what}; ${advice(parent, key)}`
}

function advice(parent: Json, key: string | number): string {
  if (Array.isArray(parent)) return `it is a list of ${parent.length}`
  if (!isJsonObject(parent)) return `it is ${parent === null ? 'null' : `a ${typeof parent}`}`
  const names = Object.keys(parent)
  const meant = nearMiss(String(key), names)
  if (meant !== undefined) return `did you mean "${shorten(meant, LONGEST_NAME)}"?`
  if (names.length === 0) return 'it is empty'
  const shown = names.slice(0, MOST_NAMES).map(name => shorten(name, LONGEST_NAME))
  return `it has ${shown.join(', ')}${names.length > shown.length ? ' …' : ''}`
}
