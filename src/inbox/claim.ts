// What a signed request claims, by scheme: which bytes were signed, when, and with what signatures.
//
// standard_webhooks signs `id.timestamp.body`, in base64; its header holds one signature per secret of the sender.
// github signs the body alone, in hex: nothing in it grows old. stripe signs `timestamp.body`, in hex; its header holds the
// time and one signature per secret. slack signs `v0:timestamp:body`, in hex. hmac does what its config says.
import { parseDuration } from '../base/duration.ts'
import type { HmacAuth, WebhookAuth } from '../trigger/webhook-config.ts'
import { type Refused, refused } from './refusal.ts'
import { headerOf, type InboundRequest } from './request.ts'
import { decodeDigest, type HashAlgorithm, type Signed } from './signature.ts'

export type SigningAuth = Extract<WebhookAuth, { scheme: 'standard_webhooks' | 'github' | 'stripe' | 'slack' | 'hmac' }>

export interface Claim {
  readonly kind: 'claim'
  readonly algorithm: HashAlgorithm
  readonly signed: Signed
  /** Any of them suffices. */
  readonly signatures: readonly Buffer[]
  /** When it was signed, epoch milliseconds, and how old that may be; null where the scheme has no time. */
  readonly time: { readonly signedAt: number; readonly tolerance: number } | null
}

export function claimOf(auth: SigningAuth, request: InboundRequest): Claim | Refused {
  switch (auth.scheme) {
    case 'standard_webhooks':
      return standardClaim(request, auth.tolerance)
    case 'github':
      return claim('x-hub-signature-256', headerOf(request, 'x-hub-signature-256'), {
        read: text => digests([text], 'sha256=', 'hex'),
        signed: [request.body],
      })
    case 'stripe':
      return stripeClaim(request, auth.tolerance)
    case 'slack':
      return slackClaim(request, auth.tolerance)
    case 'hmac':
      return hmacClaim(auth, request)
  }
}

const DEFAULT_TOLERANCE = '5m'

function standardClaim(request: InboundRequest, tolerance = DEFAULT_TOLERANCE): Claim | Refused {
  const id = headerOf(request, 'webhook-id')
  if (id === undefined) return missing('webhook-id')
  const stamp = stampIn(request, 'webhook-timestamp')
  if ('kind' in stamp) return stamp
  return claim('webhook-signature', headerOf(request, 'webhook-signature'), {
    read: text => digests(text.split(/,? +/), 'v1,', 'base64'),
    signed: [`${id}.${stamp.text}.`, request.body],
    time: { signedAt: stamp.instant, tolerance: parseDuration(tolerance) },
  })
}

function stripeClaim(request: InboundRequest, tolerance = DEFAULT_TOLERANCE): Claim | Refused {
  const name = 'stripe-signature'
  const text = headerOf(request, name)
  if (text === undefined) return missing(name)
  const parts = text.split(',').map(part => part.trim())
  const times = parts.filter(part => part.startsWith('t=')).map(part => part.slice(2))
  const signedAt = instantOf(times[0] ?? '', 1_000)
  if (times.length !== 1 || signedAt === undefined) return malformed(name)
  return claim(name, text, {
    read: () => digests(parts, 'v1=', 'hex'),
    signed: [`${times[0]}.`, request.body],
    time: { signedAt, tolerance: parseDuration(tolerance) },
  })
}

function slackClaim(request: InboundRequest, tolerance = DEFAULT_TOLERANCE): Claim | Refused {
  const stamp = stampIn(request, 'x-slack-request-timestamp')
  if ('kind' in stamp) return stamp
  return claim('x-slack-signature', headerOf(request, 'x-slack-signature'), {
    read: text => digests([text], 'v0=', 'hex'),
    signed: [`v0:${stamp.text}:`, request.body],
    time: { signedAt: stamp.instant, tolerance: parseDuration(tolerance) },
  })
}

function hmacClaim(auth: HmacAuth, request: InboundRequest): Claim | Refused {
  const { algorithm = 'sha256', encoding = 'hex', prefix = '', timestamp } = auth
  const stamp = timestamp && stampIn(request, timestamp.header.toLowerCase(), UNITS[timestamp.unit ?? 'seconds'])
  if (stamp && 'kind' in stamp) return stamp
  const template = auth.signed ?? (timestamp === undefined ? '{body}' : '{timestamp}.{body}')
  const [before = '', after = ''] = template
    .split('{body}')
    .map(part => part.replaceAll('{timestamp}', stamp?.text ?? ''))
  return claim(auth.header.toLowerCase(), headerOf(request, auth.header), {
    read: text => digests([text], prefix, encoding),
    signed: [before, request.body, after],
    algorithm,
    time: stamp
      ? { signedAt: stamp.instant, tolerance: parseDuration(timestamp?.tolerance ?? DEFAULT_TOLERANCE) }
      : null,
  })
}

interface Reading {
  read(text: string): Buffer[]
  readonly signed: Signed
  readonly algorithm?: HashAlgorithm
  readonly time?: Claim['time']
}

function claim(name: string, text: string | undefined, reading: Reading): Claim | Refused {
  if (text === undefined) return missing(name)
  const { algorithm = 'sha256', time = null, signed } = reading
  const signatures = reading.read(text)
  return signatures.length === 0 ? malformed(name) : { kind: 'claim', algorithm, signed, signatures, time }
}

/** Those that have the prefix and decode; others belong to versions of the scheme that are not looked at. */
function digests(texts: readonly string[], prefix: string, encoding: 'hex' | 'base64'): Buffer[] {
  return texts.flatMap(text =>
    text.startsWith(prefix) ? (decodeDigest(text.slice(prefix.length), encoding) ?? []) : [],
  )
}

const UNITS = { seconds: 1_000, milliseconds: 1 } as const

interface Stamp {
  /** As it was signed. */
  readonly text: string
  readonly instant: number
}

function stampIn(request: InboundRequest, name: string, unit = 1_000): Stamp | Refused {
  const text = headerOf(request, name)
  if (text === undefined) return missing(name)
  const instant = instantOf(text, unit)
  return instant === undefined ? malformed(name) : { text, instant }
}

function instantOf(text: string, unit: number): number | undefined {
  return /^\d{1,14}$/.test(text) ? Number(text) * unit : undefined
}

const missing = (header: string): Refused => refused('SIGNATURE_MISSING', `the header ${header} is missing`)

const malformed = (header: string): Refused =>
  refused('SIGNATURE_MALFORMED', `the header ${header} does not have the form this hook expects`)
