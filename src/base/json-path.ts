// Paths into JSON as people write them, and as problems show them: `id`, `data.object.id`, `entry[0].id`, `["x y"].id`.
import { isJsonObject, type Json, type JsonObject } from './json.ts'

export type JsonPath = readonly (string | number)[]

const STEP = /\.?([A-Za-z_$][\w$-]*)|\[(?:(\d{1,9})|("(?:[^"\\]|\\.)*"))\]/y

/** Undefined for what is no path. */
export function parseJsonPath(text: string): JsonPath | undefined {
  const path: (string | number)[] = []
  for (let at = 0; at < text.length; at = STEP.lastIndex) {
    STEP.lastIndex = at
    const [step, key, index, quoted] = STEP.exec(text) ?? []
    // Keys are parted by a dot, and nothing else begins with one.
    if (step === undefined || (key !== undefined && step.startsWith('.') !== at > 0)) return undefined
    const name = quoted === undefined ? key : unquote(quoted)
    if (index === undefined && name === undefined) return undefined
    path.push(name ?? Number(index))
  }
  return path.length === 0 ? undefined : path
}

/** Undefined where there is nothing. */
export function valueAt(value: Json, path: JsonPath): Json | undefined {
  let found: Json | undefined = value
  for (const step of path) {
    const holds: boolean = typeof step === 'number' ? Array.isArray(found) : isJsonObject(found)
    found = holds && Object.hasOwn(found as object, step) ? (found as JsonObject)[step] : undefined
  }
  return found
}

function unquote(text: string): string | undefined {
  try {
    return JSON.parse(text) as string
  } catch {
    return undefined
  }
}
