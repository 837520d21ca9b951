// What an HTTP answer comes to: response in, what a node makes of it out.
//
// JSON is parsed; text is decoded by its charset (bytes that are none become U+FFFD); anything else is `{base64, bytes}`;
// an empty body is null, whatever its type. A status that is not a success fails the node, also that of a redirect nobody
// followed. Of the body a failure shows only the beginning.
import { excerpt } from '../base/errors.ts'
import type { HttpResponse } from '../base/http-client.ts'
import type { Json } from '../base/json.ts'
import { MAX_DEPTH, MAX_KEYS, parseJsonWithin } from '../base/json-limits.ts'
import { decodeText, parseMediaType } from '../base/media-type.ts'
import { retryAfterMs } from '../base/retry.ts'
import { type Failed, failed } from './node-type.ts'

/** One level is the output's own. */
const JSON_LIMITS = { depth: MAX_DEPTH - 1, keys: MAX_KEYS }
const EXCERPT_LENGTH = 200

export interface Asked {
  readonly method: string
  readonly url: string
  readonly successCodes: readonly (number | string)[]
  /** Why the redirect that was answered is not followed. */
  readonly unfollowed: string | undefined
}

export type Answer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Json
}

export function readAnswer(response: HttpResponse, asked: Asked): Answer | Failed {
  const { status, headers } = response
  const answered = `${asked.method} ${withoutQuery(asked.url)} answered ${status}`
  if (!isSuccess(status, asked.successCodes)) return statusFailure(response, answered, asked.unfollowed)
  const body = decode(response)
  if ('problem' in body) return failed('HTTP_INVALID_JSON', `${answered} with invalid JSON: ${body.problem}`)
  return { status, headers, body: body.value }
}

/** The first and last status code of `404`, `"2xx"` or `"200-204"`. */
export function codeRange(code: number | string): readonly [number, number] {
  if (typeof code === 'number') return [code, code]
  const [from, to = from] = code.split('-')
  return [Number(from?.replace('xx', '00')), Number(to?.replace('xx', '99'))]
}

function isSuccess(status: number, codes: readonly (number | string)[]): boolean {
  return codes.map(codeRange).some(([from, to]) => from <= status && status <= to)
}

function statusFailure(response: HttpResponse, answered: string, unfollowed: string | undefined): Failed {
  const { status, headers } = response
  const target = withoutQuery(headers.location ?? '')
  const redirect = unfollowed === undefined ? '' : ` (the redirect to ${target} is not followed: ${unfollowed})`
  const excerpt = excerptOf(response)
  const retryable = status >= 500 || status === 408 || status === 425 || status === 429
  const retryAfter = retryable ? retryAfterMs(headers) : undefined
  return failed('HTTP_STATUS', `${answered}${redirect}${excerpt && `: ${excerpt}`}`, {
    retryable,
    ...(retryAfter !== undefined && { retryAfter }),
    details: { status },
  })
}

/** Queries often hold secrets. */
function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/s, '')
}

type Decoded = { readonly value: Json } | { readonly problem: string }

function decode({ headers, body }: HttpResponse): Decoded {
  if (body.length === 0) return { value: null }
  const { kind, charset } = parseMediaType(headers['content-type'] ?? '')
  if (kind === 'json') {
    const text = decodeText(body, charset, { fatal: true })
    return text === null ? { problem: `it is not ${charset}` } : parseJsonWithin(text, JSON_LIMITS)
  }
  const text = kind === 'other' ? null : decodeText(body, charset)
  return { value: text ?? { base64: Buffer.from(body).toString('base64'), bytes: body.length } }
}

function excerptOf({ headers, body }: HttpResponse): string {
  const { kind, charset } = parseMediaType(headers['content-type'] ?? '')
  if (kind === 'other') return ''
  return excerpt(decodeText(body.subarray(0, 4 * EXCERPT_LENGTH), charset) ?? '', EXCERPT_LENGTH)
}
