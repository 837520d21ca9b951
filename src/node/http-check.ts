// What the schema of the http node cannot say about its config. What holds templates is judged when it runs.
import type { Problem } from '../base/errors.ts'
import { urlProblem } from '../base/http-client.ts'
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts'
import { childPath } from '../base/schema.ts'
import { hasTemplates } from '../expression/template.ts'
import { authHeader, type HttpAuth } from './http-auth.ts'
import { encodeBody } from './http-request.ts'
import { codeRange } from './http-response.ts'

/** Tolerates values of the wrong type: the schema speaks of those. */
export function checkHttpConfig(config: JsonObject): Problem[] {
  const { url, headers, auth, body, body_type, success_codes } = config
  return [
    ...checkUrl(url),
    ...checkHeaders(headers),
    ...checkAuth(auth, headers),
    ...checkBody(body, body_type),
    ...checkCodes(success_codes),
    ...checkPaging(config),
  ]
}

export function checkUrl(url: Json | undefined): Problem[] {
  const problem = typeof url === 'string' && !hasTemplates(url) ? urlProblem(url) : null
  return problem === null ? [] : [{ path: 'url', message: problem }]
}

const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/

export function checkHeaders(headers: Json | undefined): Problem[] {
  if (!isJsonObject(headers)) return []
  const seen = new Set<string>()
  return Object.keys(headers).flatMap(name => {
    const path = childPath('headers', name)
    if (!HEADER_NAME.test(name)) return [{ path, message: 'is not a header name' }]
    if (seen.has(name.toLowerCase())) return [{ path, message: 'is there twice: case makes no difference' }]
    seen.add(name.toLowerCase())
    return []
  })
}

/** Both would be the same header. */
function checkAuth(auth: Json | undefined, headers: Json | undefined): Problem[] {
  if (!isJsonObject(auth) || !isJsonObject(headers)) return []
  const { scheme, header } = auth
  const taken = authHeader({ scheme: scheme as HttpAuth['scheme'], ...(typeof header === 'string' && { header }) })
  const twice = Object.keys(headers).find(name => name.toLowerCase() === taken)
  return twice === undefined ? [] : [{ path: childPath('headers', twice), message: 'is set by auth already' }]
}

function checkBody(body: Json | undefined, type: Json | undefined): Problem[] {
  if (body === undefined) return type === undefined ? [] : [{ path: 'body_type', message: 'needs a body' }]
  if (hasTemplates(body) || (type !== 'text' && type !== 'form')) return []
  const encoded = encodeBody(body, type)
  return 'problem' in encoded ? [{ path: 'body', message: encoded.problem }] : []
}

function checkCodes(codes: Json | undefined): Problem[] {
  if (!Array.isArray(codes)) return []
  return codes.flatMap((code: Json, index) => {
    const [from, to] = typeof code === 'string' || typeof code === 'number' ? codeRange(code) : [0, 0]
    return from > to ? [{ path: `success_codes[${index}]`, message: `is empty: ${from} comes after ${to}` }] : []
  })
}

function checkPaging(config: JsonObject): Problem[] {
  if ('next_page' in config) return []
  const idle = ['items', 'max_pages', 'max_items'].filter(field => field in config)
  return idle.map(path => ({
    path,
    message: 'needs next_page: without it there is one page',
    hint: 'say where pages go on',
  }))
}
