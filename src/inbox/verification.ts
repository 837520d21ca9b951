// Whether a request comes from who may send it. Any of the active secrets suffices, so that they can be exchanged without
// losing a delivery.
//
// 1. A signature is checked over the raw bytes, before anything is parsed.
// 2. Nothing the sender learns depends on a secret but the one bit: right or wrong.
import { signingKey } from '../base/standard-webhooks.ts'
import type { ApiKeyAuth, BasicAuth, WebhookAuth } from '../trigger/webhook-config.ts'
import { claimOf, type SigningAuth } from './claim.ts'
import { parseFields } from './fields.ts'
import { type Refused, refused } from './refusal.ts'
import { headerOf, type InboundRequest } from './request.ts'
import { anyEqual, anyText, hmac } from './signature.ts'

export interface Proof {
  /** The values of the secrets that are active. */
  readonly secrets: readonly string[]
  /** Epoch milliseconds, of the database. */
  readonly now: number
}

/** Null when it is accepted. */
export function verify(auth: WebhookAuth, request: InboundRequest, proof: Proof): Refused | null {
  const secrets = proof.secrets.filter(secret => secret !== '') // anybody could show an empty one
  switch (auth.scheme) {
    case 'none':
      return null
    case 'api_key':
      return verifyKey(auth, request, secrets)
    case 'basic':
      return verifyPassword(auth, request, secrets)
    default:
      return verifySignature(auth, request, { ...proof, secrets })
  }
}

function verifySignature(auth: SigningAuth, request: InboundRequest, { secrets, now }: Proof): Refused | null {
  const claim = claimOf(auth, request)
  if (claim.kind === 'refused') return claim
  const { algorithm, signed, signatures, time } = claim
  if (time !== null && Math.abs(now - time.signedAt) > time.tolerance)
    return refused('TIMESTAMP_OUTSIDE', 'it was signed too long ago, or the clocks differ too much')
  const keys = secrets.flatMap(secret => keyOf(auth, secret) ?? [])
  if (keys.length === 0) return unusable
  const expected = keys.map(key => hmac(algorithm, key, signed))
  if (anyEqual(expected, signatures)) return null
  return refused('SIGNATURE_WRONG', 'the signature is not that of this body by a secret of this hook')
}

/** Standard Webhooks writes its keys in base64, after `whsec_`; everywhere else the text itself is the key. */
function keyOf({ scheme }: SigningAuth, secret: string): Buffer | undefined {
  return scheme === 'standard_webhooks' ? signingKey(secret) : Buffer.from(secret)
}

function verifyKey(auth: ApiKeyAuth, request: InboundRequest, secrets: readonly string[]): Refused | null {
  const { header, prefix = '', query } = auth
  const place = header === undefined ? `the parameter ${query}` : `the header ${header.toLowerCase()}`
  const text = header === undefined ? parameterOf(request, query ?? '') : headerOf(request, header)
  if (text === undefined) return refused('CREDENTIALS_MISSING', `${place} is missing`)
  if (!text.startsWith(prefix))
    return refused('CREDENTIALS_MISSING', `${place} does not begin with ${JSON.stringify(prefix)}`)
  return judge(secrets, text.slice(prefix.length), place)
}

function verifyPassword(auth: BasicAuth, request: InboundRequest, secrets: readonly string[]): Refused | null {
  const [, encoded] = /^basic +([\w+/-]+={0,2})$/i.exec(headerOf(request, 'authorization') ?? '') ?? []
  if (encoded === undefined)
    return refused('CREDENTIALS_MISSING', 'the header authorization holds no Basic credentials')
  const credentials = Buffer.from(encoded, 'base64').toString()
  return judge(
    secrets.map(secret => `${auth.username}:${secret}`),
    credentials,
    'the header authorization',
  )
}

function judge(expected: readonly string[], presented: string, place: string): Refused | null {
  if (expected.length === 0) return unusable
  return anyText(expected, presented) ? null : refused('CREDENTIALS_WRONG', `${place} holds no secret of this hook`)
}

function parameterOf({ query }: InboundRequest, name: string): string | undefined {
  const fields = parseFields(query)
  const value = 'problem' in fields ? undefined : fields.value[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

const unusable = refused(
  'SECRET_UNUSABLE',
  'this hook cannot tell senders apart now: its secrets are missing or are no keys',
)
