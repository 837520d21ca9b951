// What tells one delivery from another: the id its sender gave it, the same however often it is sent again. The ledger
// takes each key once per trigger.
//
// GitHub does not sign the id: it keeps an honest sender from running twice, not a thief of a signed body from a replay.
import { createHash } from 'node:crypto'
import type { Json } from '../base/json.ts'
import { type JsonPath, parseJsonPath, valueAt } from '../base/json-path.ts'
import type { WebhookAuth, WebhookConfig } from '../trigger/webhook-config.ts'
import { type Refused, refused } from './refusal.ts'
import { headerOf, type InboundRequest } from './request.ts'

/** Where the schemes of providers have their ids; a scheme that is not here has none. */
const SOURCES: { readonly [scheme in WebhookAuth['scheme']]?: Source } = {
  standard_webhooks: { header: 'webhook-id' },
  github: { header: 'x-github-delivery' },
  stripe: { path: ['id'] },
  slack: { path: ['event_id'] },
}

interface Source {
  readonly header?: string
  readonly path?: JsonPath
}

/**
 * The id of a delivery; null where the sender gives none, which makes every request a delivery of its own. Refused when
 * the config says where it is and it is not there: running it would break what the config promises.
 */
export function deliveryIdOf(
  { auth, delivery_id }: Pick<WebhookConfig, 'auth' | 'delivery_id'>,
  request: InboundRequest,
  body: Json,
): { readonly id: string | null } | Refused {
  if (delivery_id === undefined) return { id: idAt(SOURCES[auth.scheme] ?? {}, request, body) ?? null }
  const { header, path } = delivery_id
  const source = header === undefined ? { path: parseJsonPath(path ?? '') ?? [] } : { header }
  const id = idAt(source, request, body)
  if (id !== undefined) return { id }
  const place = header === undefined ? `${path} of the body` : `the header ${header.toLowerCase()}`
  return refused('DELIVERY_ID_MISSING', `${place} holds no delivery id: a text or a whole number`)
}

function idAt({ header, path }: Source, request: InboundRequest, body: Json): string | undefined {
  const value = header === undefined ? path && valueAt(body, path) : headerOf(request, header)
  if (typeof value === 'string') return value === '' ? undefined : value
  return Number.isSafeInteger(value) ? String(value) : undefined
}

const HASHED = 'sha256:'

/** The fire key of a delivery. Long and odd ids stand there as their hash, so that every id has one key and no two share it. */
export function deliveryKey(id: string): string {
  const plain = /^[\x21-\x7e]{1,128}$/.test(id) && !id.startsWith(HASHED)
  return `dlv:${plain ? id : HASHED + createHash('sha256').update(id).digest('hex')}`
}

/**
 * SHA-256 of the body, hex: the same id with another body is another delivery under a used name. Null for stripe, which
 * counts in the body how many endpoints are still to be told, so that what it repeats may differ.
 */
export function contentHash({ scheme }: WebhookAuth, { body }: InboundRequest): string | null {
  return scheme === 'stripe' ? null : createHash('sha256').update(body).digest('hex')
}
