// The config of the webhook node.
import { type Static, Type } from 'typebox'
import { DurationText, SecretName } from '../base/schema.ts'

const strict = { additionalProperties: false }
const scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean()])

const waitSchema = Type.Object(
  {
    timeout: Type.Optional(
      DurationText({ min: '1s', default: '7d', description: 'How long to wait, once the request was answered.' }),
    ),
    on_timeout: Type.Optional(
      Type.Enum(['fail', 'branch'], {
        default: 'fail',
        description:
          'If nobody calls: the node fails with `CALLBACK_TIMEOUT`, or completes with `null` and takes the branch `timed_out`.',
      }),
    ),
    schema: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        form: 'JSON Schema',
        description: 'What is posted must fit it. It holds no templates.',
      }),
    ),
  },
  {
    ...strict,
    description: 'Wait to be called back: what is posted becomes the output. `{}` is enough.',
  },
)

export const webhookConfigSchema = Type.Object(
  {
    url: Type.String({ minLength: 1, description: 'An absolute http or https URL.' }),
    secret: SecretName('Which secret is the key: base64, after `whsec_` or alone.'),
    body: Type.Optional(
      Type.Unknown({
        description:
          'What to send, as JSON. Without it the input; with `wait_for_callback` `{input, callback: {url}}`.',
      }),
    ),
    headers: Type.Optional(
      Type.Record(Type.String(), scalar, { description: 'Headers beside those of the signature.' }),
    ),
    wait_for_callback: Type.Optional(waitSchema),
  },
  strict,
)

export type WebhookConfig = Static<typeof webhookConfigSchema>
export type WaitConfig = Static<typeof waitSchema>
