// What an execution is told of the request that started it. What proves where a request came from, and cookies, stay
// behind: whoever may read an execution must not be able to send its request again.
import type { Json, JsonObject } from '../base/json.ts'
import type { WebhookAuth } from '../trigger/webhook-config.ts'
import type { Fields } from './fields.ts'
import type { InboundRequest } from './request.ts'

/** Names of headers that hold such things, whatever the scheme: `x-gitlab-token`, `stripe-signature` … */
const SENSITIVE = /(^|-)(authorization|cookie2?|signature(-\d+)?|token|secret|password|api-?key|auth|credentials?)(-|$)/

export interface Received {
  readonly request: InboundRequest
  readonly query: Fields
  readonly body: Json
  /** Epoch milliseconds. */
  readonly now: number
}

export function inputOf(auth: WebhookAuth, { request, query, body, now }: Received): JsonObject {
  return {
    body,
    headers: headersFor(auth, request),
    query: Object.fromEntries(
      Object.entries(query).filter(([name]) => auth.scheme !== 'api_key' || name !== auth.query),
    ),
    method: request.method,
    received_at: new Date(now).toISOString(),
  }
}

function headersFor(auth: WebhookAuth, { headers }: InboundRequest): JsonObject {
  const own = 'header' in auth ? auth.header?.toLowerCase() : undefined
  const kept = Object.entries(headers).flatMap(([name, value]) => {
    const key = name.toLowerCase()
    if (value === undefined || key === own || SENSITIVE.test(key)) return []
    return [[key, [value].flat().join(', ')] as const]
  })
  return Object.fromEntries(kept)
}
