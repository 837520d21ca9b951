// What the http node sends: config in, request out.
import type { HttpRequest } from '../base/http-client.ts'
import { isJsonObject, type Json } from '../base/json.ts'
import type { HttpConfig } from './http-config.ts'

type Scalar = string | number | boolean
type Fields = { readonly [name: string]: Scalar | readonly Scalar[] }
type Problem = { readonly problem: string }
/** A request without what the client adds to it. */
export type Message = Pick<HttpRequest, 'method' | 'url' | 'body'> & {
  readonly headers: Readonly<Record<string, string>>
}
type Body = { readonly text: string; readonly contentType: string }

/** `sent` goes with every method, so that a repeated attempt can be told from a new request; the config may replace it. */
export function buildRequest(config: HttpConfig, sent: Readonly<Record<string, string>>): Message | Problem {
  const body = config.body === undefined ? undefined : encodeBody(config.body as Json, config.body_type)
  if (body !== undefined && 'problem' in body) return body
  const own = Object.entries(config.headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)])
  return {
    method: config.method ?? 'GET',
    url: withQuery(config.url, config.query ?? {}),
    headers: {
      ...sent,
      ...(body && { 'content-type': body.contentType }),
      ...Object.fromEntries(own),
    },
    ...(body && { body: body.text }),
  }
}

export function encodeBody(body: Json, type: 'json' | 'text' | 'form' | undefined): Body | Problem {
  switch (type ?? (typeof body === 'string' ? 'text' : 'json')) {
    case 'json':
      return { text: JSON.stringify(body), contentType: 'application/json' }
    case 'text':
      if (typeof body !== 'string') return { problem: 'must be a string to be sent as text' }
      return { text: body, contentType: 'text/plain; charset=utf-8' }
    case 'form':
      if (!isFields(body))
        return { problem: 'must be an object of strings, numbers, booleans and lists of them to be sent as a form' }
      return { text: formOf(body).toString(), contentType: 'application/x-www-form-urlencoded' }
  }
}

function withQuery(url: string, query: NonNullable<HttpConfig['query']>): string {
  const target = URL.parse(url)
  if (target === null || Object.keys(query).length === 0) return url // the client says what is wrong with it
  for (const [name, value] of formOf(query)) target.searchParams.append(name, value)
  return target.href
}

function isFields(value: Json): value is Fields {
  return isJsonObject(value) && Object.values(value).every(field => [field].flat().every(isScalar))
}

function isScalar(value: Json): value is Scalar {
  return value !== null && typeof value !== 'object'
}

/** A list repeats its name. */
function formOf(fields: Fields): URLSearchParams {
  const form = new URLSearchParams()
  for (const [name, value] of Object.entries(fields)) for (const item of [value].flat()) form.append(name, String(item))
  return form
}
