// What the schema of the webhook trigger cannot say about its config.
import type { Problem } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { childPath } from '../base/schema.ts'
import type { ApiKeyAuth, HmacAuth, WebhookAuth, WebhookConfig } from './webhook-config.ts'

/** Fields may be missing: those that do not fit the schema are. */
export function checkWebhookConfig(config: JsonObject): Problem[] {
  const webhook = config as Partial<WebhookConfig>
  return [
    ...(webhook.auth === undefined ? [] : checkAuth(webhook.auth)),
    ...checkDeliveryId(webhook),
    ...checkChallenge(webhook),
    ...checkResponse(webhook),
    ...checkRepeated(webhook.methods, 'methods'),
    ...checkRepeated(webhook.body, 'body'),
  ]
}

function checkAuth(auth: WebhookAuth): Problem[] {
  const repeated = auth.scheme === 'none' ? [] : checkRepeated(auth.secrets, 'auth.secrets')
  switch (auth.scheme) {
    case 'hmac':
      return [...repeated, ...checkSigned(auth)]
    case 'api_key':
      return [...repeated, ...checkKeyPlace(auth)]
    case 'basic':
      if (!auth.username.includes(':')) return repeated
      return [...repeated, { path: 'auth.username', message: 'must not hold a colon, which ends it in the header' }]
    default:
      return repeated
  }
}

function checkSigned({ signed, timestamp }: HmacAuth): Problem[] {
  if (signed === undefined) return []
  const names = [...signed.matchAll(/\{([^{}]*)\}/g)].map(([, name = '']) => name)
  const problem = (message: string, hint: string): Problem => ({ path: 'auth.signed', message, hint })
  const strangers = names.filter(name => name !== 'body' && name !== 'timestamp')
  if (strangers.length > 0)
    return strangers.map(name => problem(`{${name}} is not known`, 'known are {body} and {timestamp}'))
  if (names.filter(name => name === 'body').length !== 1)
    return [problem('must hold {body} once', 'a signature of anything else would fit every body')]
  const stamped = names.includes('timestamp')
  if (stamped && timestamp === undefined)
    return [problem('holds {timestamp}, but there is no timestamp', 'name its header in auth.timestamp.header')]
  if (!stamped && timestamp !== undefined)
    return [problem('must hold {timestamp}', 'a time that is not signed can be changed by anyone')]
  return []
}

function checkKeyPlace({ header, query, prefix }: ApiKeyAuth): Problem[] {
  if (header !== undefined && query !== undefined)
    return [{ path: 'auth.query', message: 'stands beside header', hint: 'a key comes in one place' }]
  if (header === undefined && query === undefined)
    return [{ path: 'auth', message: 'needs header or query', hint: 'say where the key is, such as header: X-Api-Key' }]
  if (prefix !== undefined && header === undefined)
    return [{ path: 'auth.prefix', message: 'needs header: a parameter holds nothing but the key' }]
  return []
}

function checkDeliveryId({ delivery_id, body }: Partial<WebhookConfig>): Problem[] {
  if (delivery_id === undefined) return []
  const { header, path } = delivery_id
  if ((header === undefined) === (path === undefined))
    return [{ path: 'delivery_id', message: 'needs either header or path', hint: 'an id comes from one place' }]
  if (path === undefined || body === undefined || body.some(kind => kind !== 'text')) return []
  return [{ path: 'delivery_id.path', message: 'finds nothing in text', hint: 'let body hold json or form' }]
}

function checkChallenge({ challenge, challenge_secret, auth }: Partial<WebhookConfig>): Problem[] {
  if (challenge === 'meta' && challenge_secret === undefined)
    return [
      {
        path: 'challenge_secret',
        message: 'is required: the challenge meta comes with a verify token',
        hint: 'name the secret that holds it',
      },
    ]
  if (challenge !== 'meta' && challenge_secret !== undefined)
    return [{ path: 'challenge_secret', message: 'needs challenge: meta, the only one with a verify token' }]
  if (challenge === 'zoom' && auth !== undefined && auth.scheme !== 'hmac')
    return [
      {
        path: 'challenge',
        message: 'zoom needs auth.scheme: hmac, whose secret is part of the answer',
        hint: 'header: x-zm-signature, prefix: v0=, timestamp.header: x-zm-request-timestamp, signed: v0:{timestamp}:{body}',
      },
    ]
  return []
}

function checkResponse({ respond, respond_within }: Partial<WebhookConfig>): Problem[] {
  if (respond_within === undefined || respond === 'result') return []
  return [{ path: 'respond_within', message: 'needs respond: result: there is nothing to wait for' }]
}

function checkRepeated(words: readonly string[] | undefined, path: string): Problem[] {
  return (words ?? []).flatMap((word, i, all) =>
    all.indexOf(word) < i ? [{ path: childPath(path, i), message: `${word} is there twice` }] : [],
  )
}
