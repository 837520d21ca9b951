import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { checkSchema, childPath, DurationText } from '../../../src/base/schema.ts'

const closed = { additionalProperties: false } as const

const schema = Type.Object(
  {
    url: Type.String({ minLength: 1, maxLength: 10, pattern: '^[a-z]*$', description: 'Lower-case letters.' }),
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
    method: Type.Optional(Type.Union([Type.Literal('GET'), Type.Literal('POST')])),
    level: Type.Optional(Type.Enum(['debug', 'info'])),
    body: Type.Optional(Type.Union([Type.String(), Type.Boolean(), Type.Literal(7)])),
    headers: Type.Optional(Type.Record(Type.String(), Type.String())),
    tags: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: 2 })),
    wait: Type.Optional(DurationText({ description: 'How long.', min: '1s', max: '1h' })),
    auth: Type.Optional(
      Type.Array(
        Type.Union([
          Type.Object({ type: Type.Literal('basic'), user: Type.String() }, closed),
          Type.Object({ type: Type.Literal('bearer'), token: Type.String() }, closed),
        ]),
      ),
    ),
    retry: Type.Optional(Type.Union([Type.Boolean(), Type.Object({ limit: Type.Integer() }, closed)])),
  },
  closed,
)

const problemsOf = (value: unknown): string[] =>
  checkSchema(schema, value, 'config').map(({ path, message, hint }) => `${path} ${message}${hint ? ` (${hint})` : ''}`)

test('accepts what fits', () => {
  expect(
    problemsOf({ url: 'abc', method: 'GET', wait: '1m', auth: [{ type: 'basic', user: 'u' }], retry: { limit: 3 } }),
  ).toEqual([])
})

test.each<[string, unknown, string[]]>([
  ['another kind', [], ['config must be an object, is a list']],
  ['a missing field', {}, ['config.url is required']],
  ['an unknown field', { url: 'a', metod: 'GET' }, ['config.metod is not a known field (did you mean "method"?)']],
  [
    'a field unlike any',
    { url: 'a', 'x y': 1 },
    [
      'config["x y"] is not a known field (known fields: url, port, method, level, body, headers, tags, wait, auth, retry)',
    ],
  ],
  ['a wrong type', { url: 5 }, ['config.url must be a string, is 5']],
  ['an empty string', { url: '' }, ['config.url must not be empty']],
  ['a long string', { url: 'abcdefghijk' }, ['config.url must have at most 10 characters']],
  ['a wrong form', { url: 'A1' }, ['config.url does not have the right form, is "A1" (Lower-case letters.)']],
  ['a fraction', { url: 'a', port: 80.5 }, ['config.port must be a whole number, is 80.5']],
  ['a small number', { url: 'a', port: 0 }, ['config.port must be at least 1, is 0']],
  ['a large number', { url: 'a', port: 70_000 }, ['config.port must be at most 65535, is 70000']],
  [
    'a word not in the list',
    { url: 'a', method: 'PST' },
    ['config.method must be one of "GET", "POST"; is "PST" (did you mean "POST"?)'],
  ],
  ['a word not in the enum', { url: 'a', level: 'warn' }, ['config.level must be one of "debug", "info"; is "warn"']],
  ['none of several kinds', { url: 'a', body: {} }, ['config.body must be 7, a string or true or false, is an object']],
  ['a wrong value of a map', { url: 'a', headers: { 'x-a': 1 } }, ['config.headers.x-a must be a string, is 1']],
  ['an empty list', { url: 'a', tags: [] }, ['config.tags must not be empty']],
  ['a long list', { url: 'a', tags: ['a', 'b', 'c'] }, ['config.tags must have at most 2 items']],
  [
    'a bad duration',
    { url: 'a', wait: '5' },
    ['config.wait "5" is not a duration: it has no unit; write 5s for seconds, 5m for minutes'],
  ],
  ['a short duration', { url: 'a', wait: '500ms' }, ['config.wait must be at least 1s, is 500ms']],
  ['a long duration', { url: 'a', wait: 'P1D' }, ['config.wait must be at most 1h, is 1d']],
  ['a number for a duration', { url: 'a', wait: 5 }, ['config.wait must be a string, is 5']],
  [
    'the alternative its constant names',
    { url: 'a', auth: [{ type: 'bearer' }] },
    ['config.auth[0].token is required'],
  ],
  [
    'an unknown constant',
    { url: 'a', auth: [{ type: 'basic', user: 'u' }, { type: 'baerer' }] },
    ['config.auth[1].type must be one of "basic", "bearer"; is "baerer" (did you mean "bearer"?)'],
  ],
  [
    'the alternative of the right kind',
    { url: 'a', retry: { limit: 'x' } },
    ['config.retry.limit must be a whole number, is "x"'],
  ],
])('explains %s', (_, value, problems) => {
  expect(problemsOf(value)).toEqual(problems)
})

test('reports every problem, however many', () => {
  expect(problemsOf({ url: 'a', tags: Array.from({ length: 100 }, (_, i) => i) })).toHaveLength(101)
})

test('writes paths as a user would', () => {
  expect([childPath('', 'nodes'), childPath('nodes', 2), childPath('nodes[2]', 'a-b'), childPath('a', 'b.c')]).toEqual([
    'nodes',
    'nodes[2]',
    'nodes[2].a-b',
    'a["b.c"]',
  ])
})
