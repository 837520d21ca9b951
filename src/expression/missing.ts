// Why a path found nothing, for those who wrote it.
import { isJsonObject, type JsonObject } from '../base/json.ts'
import { parseJsonPath, valueAt } from '../base/json-path.ts'
import { nearMiss } from '../base/near-miss.ts'
import { childPath } from '../base/schema.ts'
import { shorten } from './wording.ts'

const LONGEST_NAME = 40
const MOST_NAMES = 8

/** `input has no "totl"; did you mean "total"?`, where the expression is a plain path and a key of it is not there. */
export function whatIsMissing(expression: string, scope: JsonObject): string | undefined {
  const path = /[-$]/.test(expression) ? undefined : parseJsonPath(expression.trim()) // in JSONata these are no letters
  const depth = path?.findIndex((_, i) => valueAt(scope, path.slice(0, i + 1)) === undefined) ?? -1
  if (path === undefined || depth === -1) return undefined
  const [before, key] = [path.slice(0, depth), path[depth]]
  const parent = depth === 0 ? scope : valueAt(scope, before)
  if (typeof key !== 'string' || !isJsonObject(parent)) return undefined
  const where = before.reduce<string>(childPath, '')
  return `${where === '' ? 'there is' : `${where} has`} no "${shorten(key, LONGEST_NAME)}"; ${advice(key, parent)}`
}

function advice(key: string, parent: JsonObject): string {
  const names = Object.keys(parent)
  const meant = nearMiss(key, names)
  if (meant !== undefined) return `did you mean "${shorten(meant, LONGEST_NAME)}"?`
  if (names.length === 0) return 'it is empty'
  const shown = names.slice(0, MOST_NAMES).map(name => shorten(name, LONGEST_NAME))
  return `it has ${shown.join(', ')}${names.length > shown.length ? ' …' : ''}`
}
