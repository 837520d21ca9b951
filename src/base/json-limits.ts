// What JSON may look like before it is let in: text from outside before it is parsed, values before they are stored.
//
// 1. The text is measured before `JSON.parse` sees it: a few kilobytes of brackets are enough to exhaust a stack later.
// 2. What `checkStorable` lets through PostgreSQL can store as jsonb and gives back as it was.
import { messageOf } from './errors.ts'
import type { Json, JsonObject } from './json.ts'
import { childPath } from './schema.ts'

export interface JsonLimits {
  /** Lists and objects inside each other; `[[1]]` is 2 deep. */
  readonly depth: number
  /** Named values in all objects together. */
  readonly keys: number
}

/** How deep a value that is stored may be, and how many named values it may hold. */
export const MAX_DEPTH = 64
export const MAX_KEYS = 100_000

/** The largest output of a node, in bytes of JSON; what nodes read of others is bounded by it too. */
export const MAX_OUTPUT_BYTES = 1024 * 1024

export type ParsedJson = { readonly value: Json } | { readonly problem: string }

/** Parses text of unknown origin; says what is wrong instead of throwing. */
export function parseJsonWithin(text: string, limits: JsonLimits): ParsedJson {
  const problem = excess(text, limits)
  if (problem !== null) return { problem }
  try {
    return { value: JSON.parse(text) as Json }
  } catch (error) {
    return { problem: messageOf(error) }
  }
}

/** Counts brackets and colons outside of strings; enough, as whatever is not JSON is refused by the parser afterwards. */
function excess(text: string, { depth, keys }: JsonLimits): string | null {
  let open = 0
  let named = 0
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case 0x22: // "
        i = endOfString(text, i)
        break
      case 0x5b: // [
      case 0x7b: // {
        if (++open > depth) return `is nested more than ${depth} levels deep`
        break
      case 0x5d: // ]
      case 0x7d: // }
        open--
        break
      case 0x3a: // :
        if (++named > keys) return `holds more than ${keys} named values`
        break
    }
  }
  return null
}

function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0
    while (text[end - 1 - backslashes] === '\\') backslashes++
    if (backslashes % 2 === 0) return end
  }
  return text.length
}

/** The size of `value` as JSON, in bytes; exact where it may exceed `limit`, and no less than the truth below. */
export function jsonBytes(value: Json, limit: number): number {
  const most = mostBytes(value, limit)
  return most <= limit ? most : Buffer.byteLength(JSON.stringify(value))
}

/** Every character may take six bytes, once escaped; numbers are shorter than 26 characters. */
const MOST_PER_CHARACTER = 6
const MOST_PER_NUMBER = 26

/** At least the bytes of the value's JSON; stops counting beyond `limit`. */
function mostBytes(value: Json, limit: number): number {
  if (typeof value === 'string') return value.length * MOST_PER_CHARACTER + 2
  if (typeof value !== 'object' || value === null) return MOST_PER_NUMBER
  let bytes = 2
  if (Array.isArray(value)) {
    for (const item of value) {
      bytes += mostBytes(item, limit) + 1
      if (bytes > limit) break
    }
    return bytes
  }
  for (const key in value) {
    bytes += key.length * MOST_PER_CHARACTER + 4 + mostBytes((value as JsonObject)[key] ?? null, limit)
    if (bytes > limit) break
  }
  return bytes
}

/** Why `value` cannot be stored, beginning with where (`items[3].name …`); null when it can. */
export function checkStorable(value: unknown): string | null {
  const fault = faultIn(value, MAX_DEPTH, { keys: MAX_KEYS })
  if (fault === null) return null
  const path = fault.keys.reduceRight<string>(childPath, '')
  return path === '' ? `it ${fault.what}` : `${path} ${fault.what}`
}

interface Fault {
  readonly what: string
  /** Where it is, innermost first. */
  readonly keys: (string | number)[]
}

/** What may still be met. */
interface Room {
  keys: number
}

function faultIn(value: unknown, depth: number, room: Room): Fault | null {
  switch (typeof value) {
    case 'boolean':
      return null
    case 'string':
      return faultInText(value)
    case 'number':
      return Number.isFinite(value) ? null : { what: `is ${value}, which JSON cannot hold`, keys: [] }
    case 'object':
      if (value === null) return null
      if (depth === 0) return { what: `is nested more than ${MAX_DEPTH} levels deep`, keys: [] }
      return Array.isArray(value) ? faultInList(value, depth - 1, room) : faultInObject(value, depth - 1, room)
    default:
      return { what: `is ${value === undefined ? 'undefined' : `a ${typeof value}`}, which JSON cannot hold`, keys: [] }
  }
}

function faultInText(text: string): Fault | null {
  if (text.includes('\0')) return { what: 'holds the character U+0000, which PostgreSQL cannot store', keys: [] }
  if (!text.isWellFormed()) return { what: 'holds half of a surrogate pair, which PostgreSQL cannot store', keys: [] }
  return null
}

function faultInList(list: readonly unknown[], depth: number, room: Room): Fault | null {
  for (let index = 0; index < list.length; index++) {
    const fault = faultIn(list[index], depth, room)
    if (fault !== null) return within(fault, index)
  }
  return null
}

function faultInObject(object: object, depth: number, room: Room): Fault | null {
  const prototype = Object.getPrototypeOf(object)
  if (prototype !== Object.prototype && prototype !== null)
    return { what: `is a ${prototype.constructor?.name ?? 'special object'}, not a plain object`, keys: [] }
  for (const key of Object.keys(object)) {
    if (room.keys-- === 0) return { what: `makes more than ${MAX_KEYS} named values`, keys: [] }
    if (key === '__proto__') return { what: 'has a key "__proto__", which is refused', keys: [] }
    const fault = faultInText(key) ?? faultIn((object as JsonObject)[key], depth, room)
    if (fault !== null) return within(fault, key)
  }
  return null
}

function within({ what, keys }: Fault, key: string | number): Fault {
  keys.push(key)
  return { what, keys }
}
