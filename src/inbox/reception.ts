// What a request to a hook comes to: refused, answered, or a delivery that may fire. Decided from the config of the hook
// and the request alone, so it can be told before anything is written.
//
// 1. Until a request is verified, its body is bytes to be hashed and nothing else.
// 2. What is cheap and tells a stranger nothing comes first: address, method, size, type; then the signature; then the rest.
import { createAddressRanges } from '../base/address-ranges.ts'
import type { JsonObject } from '../base/json.ts'
import { MAX_OUTPUT_BYTES } from '../base/json-limits.ts'
import type { WebhookAuth, WebhookConfig } from '../trigger/webhook-config.ts'
import { checkMediaType, readBody } from './body.ts'
import { answerBody, answerQuery, type Reply } from './challenge.ts'
import { contentHash, deliveryIdOf, deliveryKey } from './delivery.ts'
import { type Fields, parseFields } from './fields.ts'
import { inputOf } from './input.ts'
import { hookNotFound, type Refused, refusalStatuses, refused } from './refusal.ts'
import type { InboundRequest } from './request.ts'
import { type Proof, verify } from './verification.ts'

export interface Circumstances extends Proof {
  /** Who sent it; null when that is not known. */
  readonly client: string | null
  /** The value of `challenge_secret`. */
  readonly verifyToken?: string
}

export interface Delivery {
  readonly kind: 'delivery'
  /** Null where the sender gives no id: then every request is its own. */
  readonly fireKey: string | null
  /** Of what it says, the same however often it is sent; null where that may differ. */
  readonly contentHash: string | null
  readonly input: JsonObject
}

export type Reception = Refused | Reply | Delivery

/** How a hook receives: made once per config, which `checkWebhookConfig` has found sound. */
export function createReception(config: WebhookConfig): (request: InboundRequest, at: Circumstances) => Reception {
  const { auth, allow_from } = config
  const allowed = allow_from && createAddressRanges(allow_from)
  const challenge = config.challenge ?? (auth.scheme === 'slack' ? 'slack' : undefined)

  const judge = (request: InboundRequest, at: Circumstances): Reception => {
    if (allowed && (at.client === null || !allowed.has(at.client)))
      return refused('ADDRESS_REFUSED', 'this hook does not take requests from this address')
    const query = readQuery(request)
    if ('kind' in query) return query
    const asked = challenge && answerQuery(challenge, { method: request.method, query: query.value }, at.verifyToken)
    if (asked) return asked
    const unfit = checkShape(config, request) ?? verify(auth, request, at)
    if (unfit) return unfit
    const body = readBody(request)
    if ('kind' in body) return body
    const proven = () => at.secrets.find(secret => verify(auth, request, { ...at, secrets: [secret] }) === null)
    const answer = challenge && answerBody(challenge, body.value, proven)
    if (answer) return answer
    const delivery = deliveryIdOf(config, request, body.value)
    if ('kind' in delivery) return delivery
    return {
      kind: 'delivery',
      fireKey: delivery.id === null ? null : deliveryKey(delivery.id),
      contentHash: contentHash(auth, request),
      input: inputOf(auth, { request, query: query.value, body: body.value, now: at.now }),
    }
  }
  return (request, at) => {
    const reception = judge(request, at)
    const isUnproven = reception.kind === 'refused' && refusalStatuses[reception.code] === 401
    return isUnproven ? { ...reception, authenticate: wayOf(auth) } : reception
  }
}

/** How to prove oneself, as HTTP says it; schemes that HTTP has no name for go by ours. */
function wayOf(auth: WebhookAuth): string {
  if (auth.scheme === 'basic') return 'Basic realm="hook", charset="UTF-8"'
  const isAuthorization = auth.scheme === 'api_key' && auth.header?.toLowerCase() === 'authorization'
  const [name = auth.scheme] = (isAuthorization && /^[\w-]+(?= )/.exec(auth.prefix ?? '')) || []
  return `${name} realm="hook"`
}

function checkShape(config: WebhookConfig, request: InboundRequest): Refused | null {
  const { methods = ['POST'], max_bytes = MAX_OUTPUT_BYTES, body = ['json', 'form', 'text'] } = config
  if (!methods.some(method => method === request.method)) return hookNotFound
  if (request.body.length > max_bytes)
    return refused('REQUEST_TOO_LARGE', `the body has more than ${max_bytes} bytes, the most this hook takes`)
  return checkMediaType(request, body)
}

function readQuery({ query }: InboundRequest): { readonly value: Fields } | Refused {
  const fields = parseFields(query)
  return 'problem' in fields ? refused('QUERY_INVALID', `the query ${fields.problem}`) : fields
}
