// Sends an HTTP request and hands on the answer, or one request per page and hands on what all pages hold. Nothing is
// retried here: the outcome says whether another attempt could succeed and when, the node's retry policy decides.
import { MAX_OUTPUT_BYTES } from '../../base/json-limits.ts'
import { authHeader, authValue, type HttpAuth } from '../http-auth.ts'
import { checkHttpConfig } from '../http-check.ts'
import { type HttpConfig, httpConfigSchema } from '../http-config.ts'
import { exchange } from '../http-exchange.ts'
import { collectPages } from '../http-pages.ts'
import { buildRequest, type Message } from '../http-request.ts'
import { defineNodeType, failed, type NodeContext } from '../node-type.ts'

export const http = defineNodeType<HttpConfig>({
  type: 'http',
  summary: 'Sends an HTTP request; its output is {status, headers, body}.',
  configSchema: httpConfigSchema,
  expressions: ['next_page', 'items'],
  secrets: ['url', 'query', 'headers', 'auth', 'body'],
  names: ['status', 'headers', 'body', 'links', 'page'],
  check: checkHttpConfig,

  async execute(config, context) {
    const { idempotencyKey, traceparent, http, signal } = context
    const built = buildRequest(config, { 'idempotency-key': idempotencyKey, traceparent })
    if ('problem' in built) return failed('HTTP_BODY_INVALID', `the body ${built.problem}`)
    const message = config.auth === undefined ? built : await authorized(built, config.auth, context)
    const terms = {
      http,
      signal,
      maxBytes: config.max_bytes ?? MAX_OUTPUT_BYTES,
      maxRedirects: config.max_redirects,
      successCodes: config.success_codes,
    }
    const { next_page, items = 'body', max_pages = 100, max_items = Number.POSITIVE_INFINITY } = config
    if (next_page !== undefined)
      return collectPages(message, { next_page, items, max_pages, max_items }, { terms, context })
    const exchanged = await exchange(message, terms)
    return 'kind' in exchanged ? exchanged : { kind: 'completed', output: exchanged.answer }
  },
})

async function authorized(message: Message, auth: HttpAuth, { secret }: NodeContext): Promise<Message> {
  const value = authValue(auth, await secret(auth.secret))
  return { ...message, headers: { ...message.headers, [authHeader(auth)]: value } }
}
