// The events in an HTTP request, in any of the three ways CloudEvents sends them: structured (one event as JSON), batch (a
// list of them), and binary (the attributes in headers that begin with `ce-`, the data as body).
import type { Problem } from '../base/errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts'
import { MAX_DEPTH, parseJsonWithin } from '../base/json-limits.ts'
import { decodeText, parseMediaType } from '../base/media-type.ts'
import { type InboundEvent, readCloudEvent } from './cloud-event.ts'
import { headerOf, type InboundRequest } from './request.ts'

export type EventRequest = Pick<InboundRequest, 'headers' | 'body'>

export type ReadEvents =
  | { readonly events: readonly InboundEvent[] }
  /** The body is none of a kind that can hold an event. */
  | { readonly unsupported: string }
  | { readonly problems: readonly Problem[] }

const STRUCTURED = 'application/cloudevents+json'
const BATCH = 'application/cloudevents-batch+json'
/** Events at most in one request. */
const MOST_EVENTS = 1_000
/** Some levels are those of the input that holds the event. */
const LIMITS = { depth: MAX_DEPTH - 4, keys: 50_000 }

export function readEvents(request: EventRequest): ReadEvents {
  const contentType = headerOf(request, 'content-type') ?? ''
  const { essence } = parseMediaType(contentType)
  if (essence === STRUCTURED || essence === BATCH) return readJsonFormat(request.body, essence)
  if (essence.startsWith('application/cloudevents'))
    return { unsupported: `events are taken as ${STRUCTURED}, as ${BATCH}, or in binary mode` }
  return readBinary(request, contentType)
}

function readJsonFormat(body: Buffer, essence: string): ReadEvents {
  const read = parseBody(body, 'utf-8')
  if ('problem' in read) return invalidBody(read.problem)
  const { value } = read
  if (essence === STRUCTURED) {
    if (!isJsonObject(value)) return invalidBody('must be an object, the event')
    const one = readCloudEvent(value)
    return 'event' in one ? { events: [one.event] } : one
  }
  if (!Array.isArray(value)) return invalidBody('must be a list of events')
  if (value.length > MOST_EVENTS) return invalidBody(`holds ${value.length} events, at most ${MOST_EVENTS} are taken`)
  return readBatch(value)
}

/** All of them or none: whoever sends a batch need not find out which part of it was taken. */
function readBatch(list: readonly Json[]): ReadEvents {
  const events: InboundEvent[] = []
  const problems: Problem[] = []
  list.forEach((raw, i) => {
    const read = isJsonObject(raw) ? readCloudEvent(raw) : { problems: [{ path: '', message: 'must be an object' }] }
    if ('event' in read) events.push(read.event)
    else for (const one of read.problems) problems.push({ ...one, path: `[${i}]${one.path && `.${one.path}`}` })
  })
  return problems.length > 0 ? { problems } : { events }
}

function readBinary(request: EventRequest, contentType: string): ReadEvents {
  const attributes: Record<string, string> = {}
  const problems: Problem[] = []
  for (const [header, value] of Object.entries(request.headers)) {
    const name = /^ce-(.+)$/i.exec(header)?.[1]?.toLowerCase()
    if (name === undefined || value === undefined) continue
    const text = decodeHeader(name, [value].flat().join(', '))
    if (text === null) problems.push({ path: name, message: `the header ce-${name} is not percent-encoded UTF-8` })
    else if (name === 'datacontenttype' || name === 'data' || name === 'data_base64')
      problems.push({ path: name, message: 'cannot be a header: the body is the data, its content-type the type' })
    else attributes[name] = text
  }
  if (Object.keys(attributes).length === 0 && problems.length === 0)
    return { unsupported: `this is no event: send ${STRUCTURED}, ${BATCH}, or the attributes in headers like ce-type` }
  const data = readData(request.body, contentType)
  if ('problem' in data) problems.push({ path: 'data', message: data.problem })
  const read = readCloudEvent({
    ...attributes,
    ...(contentType !== '' && { datacontenttype: contentType }),
    ...('fields' in data && data.fields),
  })
  if ('problems' in read) problems.push(...read.problems)
  return problems.length === 0 && 'event' in read ? { events: [read.event] } : { problems }
}

/**
 * As the HTTP binding writes them: percent-encoded UTF-8, maybe within quotes. Some senders do not encode: a percent sign
 * that encodes nothing is one, and so is one in a URI that would not be a URI without it.
 */
function decodeHeader(name: string, text: string): string | null {
  const bare = /^".*"$/s.test(text) ? text.slice(1, -1).replace(/\\(.)/gs, '$1') : text
  if (!/^[\x20-\x7e]*$/.test(bare)) return null
  try {
    const decoded = bare.replace(/(%[0-9a-f]{2})+/gi, decodeURIComponent)
    return URIS.has(name) && !/^[\x21-\x7e]*$/.test(decoded) ? bare : decoded
  } catch {
    return null
  }
}

const URIS = new Set(['source', 'dataschema'])

/** The attribute that holds what the body says. */
function readData(body: Buffer, contentType: string): { readonly fields: JsonObject } | { readonly problem: string } {
  if (body.length === 0) return { fields: {} }
  const { kind, charset } = parseMediaType(contentType)
  if (kind === 'json' || contentType === '') {
    const read = parseBody(body, charset)
    return 'problem' in read ? read : { fields: { data: read.value } }
  }
  if (kind === 'other') return { fields: { data_base64: body.toString('base64') } }
  const text = decodeText(body, charset, { fatal: true })
  return text === null
    ? { problem: 'is not in the charset it names, or that is not known' }
    : { fields: { data: text } }
}

function parseBody(body: Buffer, charset: string): { readonly value: Json } | { readonly problem: string } {
  const text = decodeText(body, charset, { fatal: true })
  if (text === null) return { problem: 'has bytes that are not of its charset' }
  const read = parseJsonWithin(text, LIMITS)
  return 'problem' in read ? { problem: `is refused as JSON: ${read.problem}` } : read
}

const invalidBody = (message: string): ReadEvents => ({ problems: [{ path: '', message: `the body ${message}` }] })
