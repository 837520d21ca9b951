// The config of the http node.
import { type Static, Type } from 'typebox'

export const DEFAULT_MAX_BYTES = 5 * 1024 * 1024
const HARD_MAX_BYTES = 50 * 1024 * 1024

const scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean()])

export const httpConfigSchema = Type.Object(
  {
    url: Type.String({ minLength: 1, description: 'Where to send the request: an absolute http or https URL.' }),
    method: Type.Optional(
      Type.Enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'], {
        default: 'GET',
        description: 'The HTTP method.',
      }),
    ),
    query: Type.Optional(
      Type.Record(Type.String(), Type.Union([scalar, Type.Array(scalar)]), {
        description: 'Parameters added to the query of the URL; a list repeats its name.',
      }),
    ),
    headers: Type.Optional(
      Type.Record(Type.String(), scalar, {
        description: 'Request headers. Idempotency-Key and User-Agent are sent unless they are given here.',
      }),
    ),
    body: Type.Optional(Type.Unknown({ description: 'What to send; how, body_type says.' })),
    body_type: Type.Optional(
      Type.Enum(['json', 'text', 'form'], {
        description:
          'json: any value, encoded; text: a string as it is; form: the fields of an object, URL-encoded. Default text for a string, else json. Sets Content-Type unless headers do.',
      }),
    ),
    success_codes: Type.Optional(
      Type.Array(
        Type.Union([
          Type.Integer({ minimum: 100, maximum: 599 }),
          Type.String({ pattern: '^([1-5]xx|[1-5]\\d\\d(-[1-5]\\d\\d)?)$', description: 'like "2xx" or "200-204"' }),
        ]),
        {
          minItems: 1,
          default: ['2xx'],
          description: 'The status codes that complete the node, such as 404, "2xx" or "200-204"; any other fails it.',
        },
      ),
    ),
    max_bytes: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: HARD_MAX_BYTES,
        default: DEFAULT_MAX_BYTES,
        description: 'The largest response body taken, in bytes after decompression; a larger one fails the node.',
      }),
    ),
  },
  { additionalProperties: false },
)

export type HttpConfig = Static<typeof httpConfigSchema>
