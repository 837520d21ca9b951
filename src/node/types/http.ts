// Sends one HTTP request and hands on the answer. Nothing is retried here: the outcome says whether another attempt
// could succeed and when, the node's retry policy decides.
import { HttpClientError } from '../../base/http-client.ts'
import { checkHttpConfig } from '../http-check.ts'
import { DEFAULT_MAX_BYTES, type HttpConfig, httpConfigSchema } from '../http-config.ts'
import { buildRequest } from '../http-request.ts'
import { outcomeOf } from '../http-response.ts'
import { defineNodeType, failed } from '../node-type.ts'

export const http = defineNodeType<HttpConfig>({
  type: 'http',
  summary: 'Sends an HTTP request; its output is {status, headers, body}.',
  configSchema: httpConfigSchema,
  expressions: [],
  check: checkHttpConfig,

  async execute(config, { http: client, idempotencyKey, signal }) {
    const request = buildRequest(config, idempotencyKey)
    if ('problem' in request) return failed('HTTP_BODY_INVALID', `the body ${request.problem}`)
    const maxBytes = config.max_bytes ?? DEFAULT_MAX_BYTES
    try {
      const response = await client.request({ ...request, signal, maxBytes })
      return outcomeOf(response, { method: request.method, url: request.url, successCodes: config.success_codes })
    } catch (error) {
      if (!(error instanceof HttpClientError)) throw error
      return failed(error.code, error.message, { retryable: error.retryable })
    }
  },
})
