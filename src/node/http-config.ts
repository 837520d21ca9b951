// The config of the http node.
import { type Static, Type } from 'typebox'
import { MAX_OUTPUT_BYTES } from '../base/json-limits.ts'
import { httpAuthSchema } from './http-auth.ts'

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
        description:
          'Request headers. Idempotency-Key, traceparent and User-Agent are sent unless they are given here.',
      }),
    ),
    auth: Type.Optional(httpAuthSchema),
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
    max_redirects: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 10,
        default: 0,
        description:
          'How many redirects to follow, none from https to http. Another origin gets no headers but harmless ones.',
      }),
    ),
    max_bytes: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_OUTPUT_BYTES,
        default: MAX_OUTPUT_BYTES,
        description: 'The largest response body taken, in bytes after decompression; a larger one fails the node.',
      }),
    ),
    next_page: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'JSONata over each answer, asking for more pages: gives the URL of the next (`links.next` is the one in the Link header), or an object of query parameters for it, such as {"cursor": body.next}; nothing, null, false or "" after the last.',
      }),
    ),
    items: Type.Optional(
      Type.String({
        minLength: 1,
        default: 'body',
        description: 'JSONata over each page: the list whose items are collected. What is no list is one item.',
      }),
    ),
    max_pages: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1000,
        default: 100,
        description: 'A safeguard: the node fails if there are more pages than this.',
      }),
    ),
    max_items: Type.Optional(
      Type.Integer({ minimum: 1, description: 'How many items are wanted: what comes after them is not asked for.' }),
    ),
  },
  { additionalProperties: false },
)

export type HttpConfig = Static<typeof httpConfigSchema>
