// The config of the webhook trigger: how a request proves where it comes from, what it may look like, and how it is
// answered. Secrets are named, never written.
import { type Static, type TString, Type } from 'typebox'
import { isAddressRange } from '../base/address-ranges.ts'
import { MAX_OUTPUT_BYTES } from '../base/json-limits.ts'
import { parseJsonPath } from '../base/json-path.ts'
import { DurationText, SecretName } from '../base/schema.ts'

const strict = { additionalProperties: false }

const secrets = Type.Array(SecretName('The name of a secret.'), {
  minItems: 1,
  maxItems: 3,
  description: 'The names of the secrets that are valid now: one, or the old and the new while they are exchanged.',
})

const tolerance = Type.Optional(
  DurationText({
    default: '5m',
    min: '1s',
    max: '1d',
    description: 'How far the time a request was signed at may lie from now, before or after.',
  }),
)

const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]{1,128}$/

function HeaderName(description: string, example: string): TString {
  return Type.Refine(
    Type.String({ description }),
    name => typeof name !== 'string' || HEADER_NAME.test(name),
    name => `${JSON.stringify(name)} is not the name of a header; write one like ${example}`,
  )
}

const prefix = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 64, description }))

const hmacAuth = Type.Object(
  {
    scheme: Type.Literal('hmac'),
    secrets,
    header: HeaderName('The header that holds the signature.', 'X-Signature'),
    algorithm: Type.Optional(
      Type.Enum(['sha1', 'sha256', 'sha512'], { default: 'sha256', description: 'The hash of the HMAC.' }),
    ),
    encoding: Type.Optional(
      Type.Enum(['hex', 'base64'], { default: 'hex', description: 'How the signature is written.' }),
    ),
    prefix: prefix('What stands before the signature in its header, such as "sha256=".'),
    timestamp: Type.Optional(
      Type.Object(
        {
          header: HeaderName('The header that holds the time of signing.', 'X-Timestamp'),
          unit: Type.Optional(
            Type.Enum(['seconds', 'milliseconds'], { default: 'seconds', description: 'Counted since 1970.' }),
          ),
          tolerance,
        },
        { ...strict, description: 'Refuses what was signed too long ago. The time must be part of what is signed.' },
      ),
    ),
    signed: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        description:
          'What is signed: {body} is the raw body, {timestamp} the text of the timestamp header. Default "{body}", with a timestamp "{timestamp}.{body}".',
      }),
    ),
  },
  strict,
)

const apiKeyAuth = Type.Object(
  {
    scheme: Type.Literal('api_key'),
    secrets,
    header: Type.Optional(HeaderName('The header that holds the key.', 'X-Api-Key')),
    prefix: prefix('What stands before the key in its header, such as "Bearer ".'),
    query: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 128,
        description: 'The parameter of the query that holds the key, for senders that cannot set a header.',
      }),
    ),
  },
  strict,
)

const basicAuth = Type.Object(
  {
    scheme: Type.Literal('basic'),
    username: Type.String({
      minLength: 1,
      maxLength: 256,
      description: 'The name of the user; its password is a secret.',
    }),
    secrets,
  },
  strict,
)

const authSchema = Type.Union(
  [
    Type.Object({ scheme: Type.Literal('standard_webhooks'), secrets, tolerance }, strict),
    Type.Object({ scheme: Type.Literal('github'), secrets }, strict),
    Type.Object({ scheme: Type.Literal('stripe'), secrets, tolerance }, strict),
    Type.Object({ scheme: Type.Literal('slack'), secrets, tolerance }, strict),
    hmacAuth,
    apiKeyAuth,
    basicAuth,
    Type.Object({ scheme: Type.Literal('none') }, strict),
  ],
  { description: 'How a request proves where it comes from. none: whoever knows the URL may call it.' },
)

const deliveryIdSchema = Type.Object(
  {
    header: Type.Optional(HeaderName('The header that holds the id.', 'X-Request-Id')),
    path: Type.Optional(
      Type.Refine(
        Type.String({ maxLength: 256, description: 'Where the id stands in the body, such as event.id.' }),
        path => typeof path !== 'string' || parseJsonPath(path) !== undefined,
        path => `${JSON.stringify(path)} is not a path; write one like event.id or items[0].id`,
      ),
    ),
  },
  {
    ...strict,
    description:
      'What tells one delivery from another, so that a repeated one does not run twice; a request without it is refused. The schemes of providers know theirs.',
  },
)

const AddressRange = Type.Refine(
  Type.String(),
  entry => typeof entry !== 'string' || isAddressRange(entry),
  entry =>
    `${JSON.stringify(entry)} is not an address or a range; write for example 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32`,
)

export const webhookConfigSchema = Type.Object(
  {
    auth: authSchema,
    delivery_id: Type.Optional(deliveryIdSchema),
    allow_from: Type.Optional(
      Type.Array(AddressRange, {
        minItems: 1,
        maxItems: 256,
        description: 'The addresses and ranges requests may come from; from everywhere unless given.',
      }),
    ),
    methods: Type.Optional(
      Type.Array(Type.Enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']), {
        minItems: 1,
        default: ['POST'],
        description: 'The methods that fire.',
      }),
    ),
    body: Type.Optional(
      Type.Array(Type.Enum(['json', 'form', 'text']), {
        minItems: 1,
        default: ['json', 'form', 'text'],
        description: 'The kinds of bodies that are taken, told apart by Content-Type. None at all is always taken.',
      }),
    ),
    max_bytes: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_OUTPUT_BYTES,
        default: MAX_OUTPUT_BYTES,
        description: 'The largest body taken.',
      }),
    ),
    max_per_minute: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1_000_000,
        description:
          'How many requests are taken in a minute; the others are told to come later. No limit unless given.',
      }),
    ),
    challenge: Type.Optional(
      Type.Enum(['slack', 'zoom', 'meta', 'microsoft_graph', 'dropbox'], {
        description:
          'Whose question, asked when the URL is registered, is answered without firing. With the scheme slack that is slack.',
      }),
    ),
    challenge_secret: Type.Optional(
      SecretName('The name of the secret that holds the verify token of the challenge meta.'),
    ),
    respond: Type.Optional(
      Type.Enum(['accepted', 'result'], {
        default: 'accepted',
        description: 'accepted: 202 with the id of the execution, at once; result: its output, if it ends soon enough.',
      }),
    ),
    respond_within: Type.Optional(
      DurationText({
        default: '10s',
        min: '1s',
        max: '55s',
        description: 'How long respond: result waits for the output before it answers 202.',
      }),
    ),
  },
  strict,
)

export type WebhookConfig = Static<typeof webhookConfigSchema>
export type WebhookAuth = WebhookConfig['auth']
export type HmacAuth = Static<typeof hmacAuth>
export type ApiKeyAuth = Static<typeof apiKeyAuth>
export type BasicAuth = Static<typeof basicAuth>
export type ChallengeKind = NonNullable<WebhookConfig['challenge']>
