// The name of a group: the value of its group_by.
import { createHash } from 'node:crypto'
import { isJsonObject, type Json } from '../base/json.ts'

const MOST_CHARACTERS = 200

/** Equal values have one key, values that differ two; null when there is no value. */
export function groupKeyOf(value: Json | undefined): string | null {
  if (value === undefined || value === null) return null
  const text = JSON.stringify(sorted(value))
  if (text.length <= MOST_CHARACTERS) return text
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isJsonObject(value)) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, one]) => [key, sorted(one)]))
}
