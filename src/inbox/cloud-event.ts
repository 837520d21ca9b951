// An event as CloudEvents 1.0 has it: its attributes checked, in the form in which the inbox keeps it and executions are
// told of it. Whatever is wrong names the attribute.
import type { Problem } from '../base/errors.ts'
import type { Json, JsonObject } from '../base/json.ts'
import { checkStorable, jsonBytes } from '../base/json-limits.ts'
import { isReservedType } from '../trigger/event-pattern.ts'

export interface InboundEvent {
  readonly source: string
  readonly externalId: string
  readonly type: string
  /** The other attributes and extensions; bytes that are not text as `data_base64`. */
  readonly attributes: JsonObject
  readonly data: Json
}

export type ReadEvent = { readonly event: InboundEvent } | { readonly problems: readonly Problem[] }

/** The largest event, in bytes of JSON. */
export const MAX_EVENT_BYTES = 256 * 1024

const MOST_BYTES: Readonly<Record<string, number>> = { type: 255, source: 1024, id: 512, subject: 1024 }
const RESERVED_SOURCE = 'mbflow:'
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i
const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+\s*(;.*)?$/
const EXTENSION = /^[a-z0-9]{1,64}$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: CloudEvents forbids exactly these
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/
const NOT_IN_URI = /[\s<>"{}|\\^`]/

/** An event in the JSON format; in binary mode its headers are put into the same form. */
export function readCloudEvent(raw: JsonObject): ReadEvent {
  // An attribute that is null counts as absent.
  const { specversion, id, source, type, data = null, ...rest } = raw
  const given = Object.entries(rest).filter(([, value]) => value !== null)
  const problems: Problem[] = [
    ...(specversion === '1.0' ? [] : [versionProblem(specversion)]),
    ...Object.entries({ id, source, type }).flatMap(([name, value]) => nameProblem(name, value)),
    ...given.flatMap(([name, value]) => attributeProblem(name, value, raw)),
  ]
  const attributes = Object.fromEntries(given)
  const fault = checkStorable({ event: [{ ...attributes, data }] })
  if (fault !== null) problems.push({ path: 'data', message: `cannot be stored: ${fault.replace('event[0].', '')}` })
  if (problems.length > 0) return { problems }
  const event = { source: String(source), externalId: String(id), type: String(type), attributes, data }
  if (jsonBytes(shownEvent(event), MAX_EVENT_BYTES) <= MAX_EVENT_BYTES) return { event }
  const message = `has more than ${MAX_EVENT_BYTES} bytes as JSON, the most an event may have`
  return { problems: [{ path: 'data', message, hint: 'send a reference to it' }] }
}

function versionProblem(version: Json | undefined): Problem {
  if (version === undefined || version === null)
    return { path: 'specversion', message: 'is required', hint: 'an event of CloudEvents 1.0 says specversion: 1.0' }
  return { path: 'specversion', message: `must be "1.0", is ${JSON.stringify(version)}` }
}

function nameProblem(name: string, value: Json | undefined): Problem[] {
  if (value === undefined || value === null) return [{ path: name, message: 'is required' }]
  const message =
    textProblem(name, value) ?? (name === 'source' && NOT_IN_URI.test(String(value)) ? 'must be a URI reference' : null)
  if (message !== null) return [{ path: name, message }]
  const isOurs = name === 'type' ? isReservedType(String(value)) : String(value).startsWith(RESERVED_SOURCE)
  if (name === 'id' || !isOurs) return []
  const prefix = name === 'type' ? 'mbflow.' : RESERVED_SOURCE
  return [{ path: name, message: `begins with ${prefix}, which is kept for the events of MBFlow itself` }]
}

function textProblem(name: string, value: Json): string | null {
  if (typeof value !== 'string') return 'must be a string'
  if (value === '') return 'must not be empty'
  if (CONTROL.test(value)) return 'holds a control character'
  const most = MOST_BYTES[name]
  return most !== undefined && Buffer.byteLength(value) > most ? `has more than ${most} bytes` : null
}

function attributeProblem(name: string, value: Json, { data }: JsonObject): Problem[] {
  const problem = (message: string | null): Problem[] => (message === null ? [] : [{ path: name, message }])
  const form = (fits: (text: string) => boolean, message: string): Problem[] =>
    problem(textProblem(name, value) ?? (fits(String(value)) ? null : message))
  switch (name) {
    case 'time':
      return form(isInstant, 'must be an instant like 2026-11-22T16:30:00Z')
    case 'subject':
      return problem(textProblem(name, value))
    case 'datacontenttype':
      return form(text => MEDIA_TYPE.test(text), 'must be a media type like application/json')
    case 'dataschema':
      return form(text => URL.canParse(text), 'must be an absolute URI')
    case 'data_base64':
      if (data !== undefined && data !== null) return problem('stands beside data; an event has one of the two')
      return problem(typeof value === 'string' && isBase64(value) ? null : 'must be a string in base64')
    default:
      return problem(extensionProblem(name, value))
  }
}

const isInstant = (text: string): boolean => INSTANT.test(text) && !Number.isNaN(Date.parse(text))

const isBase64 = (text: string): boolean => Buffer.from(text, 'base64').toString('base64') === text

function extensionProblem(name: string, value: Json): string | null {
  if (!EXTENSION.test(name)) return 'is not the name of an attribute: lower-case letters and digits, at most 64'
  if (typeof value === 'boolean') return null
  if (typeof value === 'string') return CONTROL.test(value) ? 'holds a control character' : null
  const isInteger = typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= 2 ** 31 - 1
  return isInteger ? null : 'must be a string, a boolean or a whole number of 32 bits'
}

/** Its size as JSON. */
export function eventBytes(event: InboundEvent): number {
  return Buffer.byteLength(JSON.stringify(shownEvent(event)))
}

/** What expressions and executions see as `event`. */
export function shownEvent({ source, externalId, type, attributes, data }: InboundEvent): JsonObject {
  return { id: externalId, source, type, ...attributes, data }
}
