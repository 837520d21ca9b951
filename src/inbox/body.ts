// The body of a request: what it is, by its Content-Type alone, and what it says. JSON, forms and text; no multipart.
//
// 1. Nothing is guessed: a body without a type, in an unknown charset or with bytes that are not of its charset is refused.
// 2. What is read can be stored, and comes back as it was.
import type { Json } from '../base/json.ts'
import { checkStorable, MAX_DEPTH, parseJsonWithin } from '../base/json-limits.ts'
import { decodeText, type MediaType, parseMediaType } from '../base/media-type.ts'
import { listWords } from '../base/schema-words.ts'
import { parseFields } from './fields.ts'
import { type Refused, refused } from './refusal.ts'
import { headerOf, type InboundRequest } from './request.ts'

export type BodyKind = 'json' | 'form' | 'text'

const TYPES: Readonly<Record<BodyKind, string>> = {
  json: 'application/json',
  form: 'application/x-www-form-urlencoded',
  text: 'text/plain',
}

/** One level is the input's own. */
const JSON_LIMITS = { depth: MAX_DEPTH - 1, keys: 10_000 }

/** Why a body is not taken, as far as its type tells; null when it is, and when there is none. */
export function checkMediaType(request: InboundRequest, taken: readonly BodyKind[]): Refused | null {
  if (request.body.length === 0) return null
  const encoding = headerOf(request, 'content-encoding')
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    return unsupported('the body is compressed; send it as it is, without content-encoding')
  const { essence, kind, charset } = mediaTypeOf(request)
  const expected = listWords(taken.map(one => TYPES[one]))
  if (essence === '') return unsupported(`the body has no content-type; send it as ${expected}`)
  if (!taken.some(one => one === kind)) return unsupported(`send it as ${expected}`)
  if (kind === 'form' && !/^utf-?8$/i.test(charset)) return unsupported('a form is encoded in utf-8')
  return decodeText(Buffer.alloc(0), charset) === null ? unsupported('the charset of the body is not known') : null
}

/** What a body of a type that is taken says; null where there is none. */
export function readBody(request: InboundRequest): { readonly value: Json } | Refused {
  if (request.body.length === 0) return { value: null }
  const { kind, charset } = mediaTypeOf(request)
  const text = decodeText(request.body, charset, { fatal: true })
  if (text === null) return invalid('has bytes that are not of its charset')
  const read =
    kind === 'json' ? parseJsonWithin(text, JSON_LIMITS) : kind === 'form' ? parseFields(text) : { value: text }
  if ('problem' in read) return invalid(kind === 'json' ? `is refused as JSON: ${read.problem}` : read.problem)
  const fault = checkStorable(read.value)
  return fault === null ? read : invalid(`cannot be stored: ${fault}`)
}

const mediaTypeOf = (request: InboundRequest): MediaType => parseMediaType(headerOf(request, 'content-type') ?? '')

const unsupported = (message: string): Refused => refused('MEDIA_TYPE_UNSUPPORTED', message)

const invalid = (message: string): Refused => refused('BODY_INVALID', `the body ${message}`)
