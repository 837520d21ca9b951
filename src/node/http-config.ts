// The config of the http node.
import { type Static, Type } from 'typebox'
import { MAX_OUTPUT_BYTES } from '../base/json-limits.ts'
import { httpAuthSchema } from './http-auth.ts'

const scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean()])

export const httpConfigSchema = Type.Object(
  {
    url: Type.String({ minLength: 1, description: 'An absolute http or https URL, without user and password in it.' }),
    method: Type.Optional(
      Type.Enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'], {
        default: 'GET',
        description: 'The HTTP method.',
      }),
    ),
    query: Type.Optional(
      Type.Record(Type.String(), Type.Union([scalar, Type.Array(scalar)]), {
        description: 'Parameters added to those of the URL; a list repeats its name.',
      }),
    ),
    headers: Type.Optional(
      Type.Record(Type.String(), scalar, {
        description: '`Idempotency-Key`, `traceparent` and `User-Agent` are sent unless they are given here.',
      }),
    ),
    auth: Type.Optional(httpAuthSchema),
    body: Type.Optional(Type.Unknown({ description: 'What to send; see `body_type`.' })),
    body_type: Type.Optional(
      Type.Enum(['json', 'text', 'form'], {
        description:
          'How to send it: any value as JSON, a string as it is, the fields of an object URL-encoded. Without it a string is text, all else JSON. Also the `Content-Type`, unless `headers` has one.',
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
          form: 'list of codes: `404`, `"2xx"`, `"200-204"`',
          description: 'The statuses that complete the node; any other fails it with `HTTP_STATUS`.',
        },
      ),
    ),
    max_redirects: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 10,
        default: 0,
        description: 'How many redirects to follow.',
      }),
    ),
    max_bytes: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_OUTPUT_BYTES,
        default: MAX_OUTPUT_BYTES,
        description:
          'The largest body taken, in bytes after decompression; a larger one fails the node with `HTTP_TOO_LARGE`.',
      }),
    ),
    next_page: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'Asks for more pages: gives where the next one is, or nothing after the last.',
      }),
    ),
    items: Type.Optional(
      Type.String({
        minLength: 1,
        default: 'body',
        description: 'What a page adds to the list that is collected; what is no list is one item.',
      }),
    ),
    max_pages: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1000,
        default: 100,
        description: 'If there are more pages, the node fails with `HTTP_TOO_MANY_PAGES`.',
      }),
    ),
    max_items: Type.Optional(
      Type.Integer({ minimum: 1, description: 'How many items are wanted: what comes after them is not asked for.' }),
    ),
  },
  { additionalProperties: false },
)

export type HttpConfig = Static<typeof httpConfigSchema>
