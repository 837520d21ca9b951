// The questions providers ask before they send to a URL, and their answers. Nothing is fired for one.
//
// meta, microsoft_graph and dropbox ask in the query of a request nobody signed: what is echoed goes out as plain text.
// slack and zoom ask in a body that is signed like any other.
//
// 1. An answer that is made with a secret is given to nobody but who has proven to hold it: zoom's is the HMAC of a text of
//    the sender's choice, with the very secret that signs deliveries. Only texts that cannot be a signed message are taken.
import { isJsonObject, type Json } from '../base/json.ts'
import { valueAt } from '../base/json-path.ts'
import type { ChallengeKind } from '../trigger/webhook-config.ts'
import type { Fields } from './fields.ts'
import { type Refused, refused } from './refusal.ts'
import type { InboundRequest } from './request.ts'
import { anyText, hmac } from './signature.ts'

/** Sent with `X-Content-Type-Options: nosniff`, as all is. */
export interface Reply {
  readonly kind: 'reply'
  readonly contentType: 'text/plain; charset=utf-8' | 'application/json'
  readonly body: string
}

const MOST_ECHOED = 4_096

/** The answer to a question in the query; null for any other request. `verifyToken` is the value of challenge_secret. */
export function answerQuery(
  kind: ChallengeKind,
  { method, query }: { readonly method: InboundRequest['method']; readonly query: Fields },
  verifyToken: string | undefined,
): Reply | Refused | null {
  switch (kind) {
    case 'meta':
      if (method !== 'GET' || query['hub.mode'] !== 'subscribe') return null
      if (verifyToken === undefined || verifyToken === '')
        return refused('SECRET_UNUSABLE', 'the verify token of this hook is missing')
      if (!anyText([verifyToken], String(query['hub.verify_token'] ?? '')))
        return refused('CREDENTIALS_WRONG', 'hub.verify_token is not that of this hook')
      return echo(query['hub.challenge'])
    case 'microsoft_graph':
      return method === 'POST' ? echo(query.validationToken) : null
    case 'dropbox':
      return method === 'GET' ? echo(query.challenge) : null
    default:
      return null
  }
}

/** The answer to a question in the body of a verified request; null for any other. `proven` is the secret that fits it. */
export function answerBody(kind: ChallengeKind, body: Json, proven: () => string | undefined): Reply | null {
  switch (kind) {
    case 'slack':
      return isJsonObject(body) && body.type === 'url_verification' ? echo(body.challenge) : null
    case 'zoom': {
      if (!isJsonObject(body) || body.event !== 'endpoint.url_validation') return null
      const plainToken = valueAt(body, ['payload', 'plainToken'])
      if (typeof plainToken !== 'string' || !/^[\w-]{1,128}$/.test(plainToken)) return null
      const secret = proven()
      if (secret === undefined) return null
      const encryptedToken = hmac('sha256', Buffer.from(secret), [plainToken]).toString('hex')
      return { kind: 'reply', contentType: 'application/json', body: JSON.stringify({ plainToken, encryptedToken }) }
    }
    default:
      return null
  }
}

function echo(text: unknown): Reply | null {
  if (typeof text !== 'string' || text === '' || text.length > MOST_ECHOED) return null
  return { kind: 'reply', contentType: 'text/plain; charset=utf-8', body: text }
}
