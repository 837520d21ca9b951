// Takes requests to hooks: finds the hook, has the request judged, fires, and answers only what is durable.
//
// 1. Every request is judged by the rule that holds when it is recorded: if somebody edits the trigger in between, it is
//    judged anew. What nothing is recorded of is judged by the rule of the moment.
// 2. A token that is unknown, run out, or of a disabled trigger gets one answer after one look-up.
// 3. What is waiting to be recorded is bounded; beyond that, senders are told to come later.

import { parseDuration } from '../base/duration.ts'
import { MbflowError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { createLru } from '../base/lru.ts'
import { SecretError, type Secrets } from '../base/secrets.ts'
import { hashUrlToken } from '../base/url-token.ts'
import { isTransient } from '../db/pool.ts'
import { createEnds, type End } from '../execution/ends.ts'
import type { DeliveryFate } from '../trigger/fire-deliveries.ts'
import { requestKey, type Trigger } from '../trigger/trigger.ts'
import type { WebhookConfig } from '../trigger/webhook-config.ts'
import { type BurstDeps, createBurst } from './burst.ts'
import type { Reply } from './challenge.ts'
import { clientAddress, type TrustedProxies } from './client-address.ts'
import { createReception, type Reception } from './reception.ts'
import { hookNotFound, type Refused, refused } from './refusal.ts'
import type { InboundRequest } from './request.ts'

export interface ReceiverDeps extends BurstDeps {
  readonly secrets: Secrets
  readonly proxies: TrustedProxies
  readonly log: Logger
}

export interface Call {
  /** What stands in the place of the token in the URL. */
  readonly token: string
  /** Who holds the connection. */
  readonly peer: string
  readonly request: InboundRequest
}

export interface Accepted {
  readonly kind: 'accepted'
  readonly fate: Extract<DeliveryFate, { kind: 'recorded' }>
  /** What its execution came to, where the hook waits for that and it ended soon enough. */
  readonly end: End | null
}

export type Answer = Refused | Reply | Accepted

export interface Receiver {
  /** Aborting ends the wait for a result, nothing else. Throws DATABASE_UNAVAILABLE. */
  receive(call: Call, signal: AbortSignal): Promise<Answer>
}

/** Requests, and bytes of their bodies, that may wait to be recorded. */
const MOST_WAITING = 2_000
const MOST_WAITING_BYTES = 64 * 1024 * 1024
/** How often a trigger may be edited while a request is taken. */
const LOOKS = 5

export function createReceiver(deps: ReceiverDeps): Receiver {
  const burst = createBurst(deps)
  const ends = createEnds(deps)
  const receptions = createLru<string, ReturnType<typeof createReception>>(1_000)
  const waiting = { requests: 0, bytes: 0 }

  function receptionOf(config: WebhookConfig): ReturnType<typeof createReception> {
    const key = JSON.stringify(config)
    const known = receptions.get(key)
    if (known !== undefined) return known
    const made = createReception(config)
    receptions.set(key, made)
    return made
  }

  async function judge(trigger: Trigger, { peer, request }: Call): Promise<Reception> {
    const config = trigger.config as WebhookConfig
    const reception = receptionOf(config)
    const { secrets, verifyToken } = await secretsOf(config, deps)
    return reception(request, {
      secrets,
      now: deps.databaseClock.now(),
      client: clientAddress(peer, request, deps.proxies),
      ...(verifyToken === undefined ? {} : { verifyToken }),
    })
  }

  async function record(hash: string, call: Call): Promise<{ answer: Answer; trigger?: Trigger }> {
    const ownKey = requestKey('hook', deps.ids.next())
    for (let i = 0; i < LOOKS; i++) {
      const remembered = i === 0 ? burst.remember(hash) : undefined
      const { trigger } = remembered ?? (await burst.find(hash))
      if (trigger === null) return { answer: hookNotFound }
      const reception = await judge(trigger, call)
      if (reception.kind !== 'delivery') {
        if (remembered !== undefined) continue
        return { answer: reception, trigger }
      }
      const { fireKey, contentHash: requestHash, input: fields } = reception
      const delivery = { hash, trigger, fireKey: fireKey ?? ownKey, requestHash, fields }
      const fate = await burst.fire(delivery, call.request.body.length)
      const answer = answerOf(fate)
      if (answer !== null) return { answer, trigger }
    }
    return { answer: overloaded }
  }

  async function receive(call: Call, signal: AbortSignal): Promise<Answer> {
    const hash = hashUrlToken(call.token)
    if (hash === null) return hookNotFound
    const { length } = call.request.body
    if (waiting.requests >= MOST_WAITING || waiting.bytes + length > MOST_WAITING_BYTES) return overloaded
    waiting.requests++
    waiting.bytes += length
    const { answer, trigger } = await record(hash, call).finally(() => {
      waiting.requests--
      waiting.bytes -= length
    })
    if (trigger !== undefined) report(deps, trigger, answer)
    if (answer.kind !== 'accepted' || answer.fate.executionId === null || trigger === undefined) return answer
    const { respond, respond_within = '10s' } = trigger.config as WebhookConfig
    if (respond !== 'result') return answer
    return { ...answer, end: await ends.of(answer.fate.executionId, parseDuration(respond_within), signal) }
  }

  return {
    receive: (call, signal) =>
      receive(call, signal).catch(error => {
        if (!isTransient(error)) throw error
        throw new MbflowError('DATABASE_UNAVAILABLE', 'nothing can be recorded now: the database does not answer', {
          hint: 'send it again',
          cause: error,
        })
      }),
  }
}

const overloaded = refused('OVERLOADED', 'more requests come in than can be recorded; send it again', 1)

/** Null when it is to be judged again. */
function answerOf(fate: DeliveryFate): Refused | Accepted | null {
  switch (fate.kind) {
    case 'recorded':
      return { kind: 'accepted', fate, end: null }
    case 'conflict':
      return refused('DELIVERY_CONFLICT', 'a delivery with this id came before, with another body')
    case 'limited':
      return refused('RATE_LIMITED', 'this hook takes no more requests in this minute', fate.retryAfter)
    default:
      return null
  }
}

/** Those that can be had: one that is missing does not keep the others from being valid. */
async function secretsOf(
  { auth, challenge_secret }: WebhookConfig,
  { secrets, log }: ReceiverDeps,
): Promise<{ secrets: string[]; verifyToken: string | undefined }> {
  const find = async (name: string): Promise<string | undefined> => {
    try {
      return await secrets.find(name)
    } catch (error) {
      if (!(error instanceof SecretError)) throw error
      log.warn({ evt: 'hook.secret_unusable', err: error, secret: name }, 'a secret of a hook cannot be had')
      return undefined
    }
  }
  const names = auth.scheme === 'none' ? [] : auth.secrets
  const [verifyToken, ...values] = await Promise.all([
    challenge_secret === undefined ? undefined : find(challenge_secret),
    ...names.map(find),
  ])
  return { secrets: values.filter(value => value !== undefined), verifyToken }
}

/** For operators: never the token, nor anything the sender wrote. */
function report({ log, metrics }: ReceiverDeps, trigger: Trigger, answer: Answer): void {
  metrics.hookRequests.inc({ outcome: outcomeOf(answer) })
  if (answer.kind !== 'refused') return
  const { workflowName: workflow, key } = trigger
  log.info(
    { evt: 'hook.refused', workflow, key, code: answer.code, reason: answer.message },
    'a hook refused a request',
  )
}

function outcomeOf(answer: Answer) {
  if (answer.kind === 'reply') return 'answered'
  if (answer.kind === 'refused') return 'refused'
  return answer.fate.repeated ? 'repeated' : answer.fate.disposition === 'skipped' ? 'skipped' : 'accepted'
}
