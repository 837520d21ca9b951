// Sends a signed request, as standardwebhooks.com has it; and waits for the answer if it is to come later, at a URL of its
// own. What is sent says by its id what it is about: the same in every attempt.
import { parseDuration } from '../../base/duration.ts'
import { isJsonObject, type Json } from '../../base/json.ts'
import { MAX_OUTPUT_BYTES } from '../../base/json-limits.ts'
import { signedHeaders, signingKey } from '../../base/standard-webhooks.ts'
import { exchange } from '../http-exchange.ts'
import { type Completed, defineNodeType, type Failed, failed } from '../node-type.ts'
import { checkWebhookConfig } from '../webhook-check.ts'
import { type WaitConfig, type WebhookConfig, webhookConfigSchema } from '../webhook-config.ts'

export const webhook = defineNodeType<WebhookConfig>({
  type: 'webhook',
  summary: 'Sends a signed request, and may wait to be called back, for example by whoever approves.',
  configSchema: webhookConfigSchema,
  expressions: [],
  secrets: ['url', 'headers', 'body'],
  branches: true,
  check: checkWebhookConfig,

  callback({ wait_for_callback: wait }) {
    if (!isJsonObject(wait)) return undefined
    return { branches: ['called_back'], ...(isJsonObject(wait.schema) && { schema: wait.schema }) }
  },

  async execute(config, { scope, secret, idempotencyKey, now, traceparent, http, signal }) {
    const key = signingKey(await secret(config.secret))
    if (key === undefined)
      return failed('WEBHOOK_SECRET_INVALID', `the secret "${config.secret}" is no key: base64, after whsec_ or alone`)
    const { input, callback } = scope
    const body = JSON.stringify(config.body ?? (callback === undefined ? input : { input, callback }))
    const signed = signedHeaders(key, { id: idempotencyKey, timestamp: Math.floor(now.getTime() / 1_000), body })
    const own = Object.entries(config.headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)])
    const exchanged = await exchange(
      {
        method: 'POST',
        url: config.url,
        headers: { 'content-type': 'application/json', traceparent, ...Object.fromEntries(own), ...signed },
        body,
      },
      { http, signal, maxBytes: MAX_OUTPUT_BYTES },
    )
    if ('kind' in exchanged) return exchanged
    const { wait_for_callback: wait } = config
    if (wait === undefined) return completed(exchanged.answer, 'sent')
    return { kind: 'parked', until: parseDuration(timeoutOf(wait)), callback: true, end: unanswered(wait) }
  },
})

function timeoutOf({ timeout = '7d' }: WaitConfig): string {
  return timeout
}

/** What the node comes to if nobody calls. */
function unanswered(wait: WaitConfig): Completed | Failed {
  if (wait.on_timeout === 'branch') return completed(null, 'timed_out')
  return failed('CALLBACK_TIMEOUT', `nobody called back within ${timeoutOf(wait)}`)
}

function completed(output: Json, branch: string): Completed {
  return { kind: 'completed', output, branches: [branch] }
}
