// What differs between two pieces of JSON, place by place.
import { isJsonObject, type Json } from './json.ts'
import { childPath } from './schema.ts'

export interface Difference {
  /** `total`, `lines[2].price`; empty for the whole. */
  readonly path: string
  /** Absent = there is nothing at this place. */
  readonly a?: Json
  readonly b?: Json
}

/** In the order of the first, then what only the second has; lists are compared item by item. */
export function differences(a: Json | undefined, b: Json | undefined, path = ''): Difference[] {
  if (a === undefined && b === undefined) return []
  if (Array.isArray(a) && Array.isArray(b)) {
    return Array.from({ length: Math.max(a.length, b.length) }).flatMap((_, i) =>
      differences(a[i], b[i], childPath(path, i)),
    )
  }
  if (isJsonObject(a) && isJsonObject(b)) {
    return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap(key =>
      differences(own(a, key), own(b, key), childPath(path, key)),
    )
  }
  if (a === b) return []
  return [{ path, ...(a === undefined ? {} : { a }), ...(b === undefined ? {} : { b }) }]
}

function own(object: { readonly [key: string]: Json }, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined
}
