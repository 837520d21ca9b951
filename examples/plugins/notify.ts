// A node type of your own: sends a text to a URL, once however often it is tried.
import { defineNodeType, failed, type Static, Type } from 'mbflow/plugin'

const configSchema = Type.Object(
  {
    url: Type.String({ minLength: 1, description: 'Where the text is sent to.' }),
    text: Type.String({ minLength: 1, description: 'The text.' }),
    secret: Type.Optional(Type.String({ description: 'Name of the secret that is sent as bearer token.' })),
  },
  { additionalProperties: false },
)

export const notify = defineNodeType<Static<typeof configSchema>>({
  type: 'acme/notify',
  summary: 'Sends a text to a URL; its output is {status}.',
  configSchema,
  expressions: [],

  async execute({ url, text, secret }, { http, idempotencyKey, traceparent, signal, ...context }) {
    const { status } = await http.request({
      method: 'POST',
      url,
      headers: {
        'content-type': 'text/plain',
        'idempotency-key': idempotencyKey,
        traceparent,
        ...(secret === undefined ? {} : { authorization: `Bearer ${await context.secret(secret)}` }),
      },
      body: text,
      signal,
      maxBytes: 10_000,
    })
    if (status >= 200 && status < 300) return { kind: 'completed', output: { status } }
    return failed('NOTIFY_REFUSED', `${url} answered ${status}`, { retryable: status === 429 || status >= 500 })
  },
})
