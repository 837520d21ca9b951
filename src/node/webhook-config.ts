// The config of the webhook node.
import { type Static, Type } from 'typebox'
import { DurationText, SecretName } from '../base/schema.ts'

const strict = { additionalProperties: false }
const scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean()])

const waitSchema = Type.Object(
  {
    timeout: Type.Optional(
      DurationText({ min: '1s', default: '7d', description: 'How long to wait once the request was answered.' }),
    ),
    on_timeout: Type.Optional(
      Type.Enum(['fail', 'branch'], {
        default: 'fail',
        description: 'fail: with CALLBACK_TIMEOUT; branch: it completes with null and takes the branch timed_out.',
      }),
    ),
    schema: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: 'A JSON Schema that what is posted must fit.' }),
    ),
  },
  {
    ...strict,
    description:
      'Wait to be called back at {{ callback.url }}, which works once: what is posted there becomes the output.',
  },
)

export const webhookConfigSchema = Type.Object(
  {
    url: Type.String({ minLength: 1, description: 'Where to send the request: an absolute http or https URL.' }),
    secret: SecretName('The secret that is the signing key: base64, after whsec_ or alone.'),
    body: Type.Optional(
      Type.Unknown({
        description: 'What to send, as JSON. Default the input of the node; with wait_for_callback {input, callback}.',
      }),
    ),
    headers: Type.Optional(
      Type.Record(Type.String(), scalar, { description: 'Headers beside those that sign the request.' }),
    ),
    wait_for_callback: Type.Optional(waitSchema),
  },
  strict,
)

export type WebhookConfig = Static<typeof webhookConfigSchema>
export type WaitConfig = Static<typeof waitSchema>
