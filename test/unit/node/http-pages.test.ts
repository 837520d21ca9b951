// Answers in pages: the http node against a real server.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createHttpClient, type GuardedHttpClient } from '../../../src/base/http-guard.ts'
import type { JsonObject } from '../../../src/base/json.ts'
import { ExpressionError } from '../../../src/expression/expression.ts'
import { linksOf } from '../../../src/node/http-pages.ts'
import type { Outcome } from '../../../src/node/node-type.ts'
import { http } from '../../../src/node/types/http.ts'
import { nodeContext } from '../../support/node-context.ts'
import { type StubServer, startStubServer } from '../../support/stub-server.ts'

let server: StubServer
let client: GuardedHttpClient

beforeAll(async () => {
  server = await startStubServer()
  client = createHttpClient({ allowPrivate: ['127.0.0.1'], userAgent: 'mbflow/test' })
})
afterAll(async () => {
  await client.close()
  await server.close()
})

const run = (path: string, config: JsonObject): Promise<Outcome> =>
  http.execute({ url: `${server.url}/${path}`, items: 'body.items', ...config }, nodeContext({ http: client }))

async function output(path: string, config: JsonObject): Promise<JsonObject> {
  const outcome = await run(path, config)
  if (outcome.kind !== 'completed') throw new Error(JSON.stringify(outcome))
  return outcome.output as JsonObject
}

const ids = (...numbers: number[]): JsonObject[] => numbers.map(id => ({ id }))

test.each([
  ['the Link header', 'links.next'],
  ['a URL in the body', 'body.next ? "/pages?of=3&page=" & body.next'],
  ['a query parameter from the body', 'body.next ? {"page": body.next}'],
  ['the number of the page', 'page < 3 ? {"page": page + 1}'],
])('pages are asked for one after the other, as %s says', async (_, next_page) => {
  expect(await output('pages?of=3', { next_page })).toMatchObject({
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: ids(1, 2, 3, 4, 5, 6),
    pages: 3,
  })
})

test.each(['null', 'false', '""', 'body.nothing'])('%s says that there are no more pages', async next_page => {
  expect(await output('pages?of=3', { next_page })).toMatchObject({ body: ids(1, 2), pages: 1 })
})

test('the scope of the node can be named too', async () => {
  const context = nodeContext({ http: client, input: { pages: 2 } })
  const config = { url: `${server.url}/pages?of=9`, next_page: 'page < input.pages ? links.next' }
  expect(await http.execute(config, context)).toMatchObject({ output: { pages: 2 } })
})

test('without items the bodies are what is collected', async () => {
  const { body } = await output('pages?of=2', { next_page: 'links.next', items: 'body' })
  expect(body).toMatchObject([{ items: ids(1, 2) }, { items: ids(3, 4) }])
})

test('a page without items adds none', async () => {
  expect(await output('pages?of=2', { next_page: 'links.next', items: 'body.nothing' })).toMatchObject({
    body: [],
    pages: 2,
  })
})

test('when all items that are wanted are there, nothing more is asked for', async () => {
  const before = server.requests.length
  expect(await output('pages?of=9', { next_page: 'links.next', max_items: 3 })).toMatchObject({
    body: ids(1, 2, 3),
    pages: 2,
  })
  expect(server.requests).toHaveLength(before + 2)
})

test('as many pages as allowed are fetched, and one more fails the node', async () => {
  expect(await output('pages?of=3', { next_page: 'links.next', max_pages: 3 })).toMatchObject({ pages: 3 })
  expect(await run('pages?of=4', { next_page: 'links.next', max_pages: 3 })).toMatchObject({
    kind: 'failed',
    error: {
      code: 'HTTP_TOO_MANY_PAGES',
      message: 'there are more pages than max_pages, which is 3',
      retryable: false,
    },
  })
})

test.each([
  ['7', 'it gave 7, neither a URL nor query parameters'],
  ['[1]', 'it gave [1], neither a URL nor query parameters'],
  ['{"page": [2]}', 'it gave a query parameter "page" that is neither text nor number'],
  ['{"page": null}', 'it gave a query parameter "page" that is neither text nor number'],
  ['"http://"', 'it leads to what is no URL'],
  ['"/pages?of=3"', 'it leads back to a page that was fetched'],
])('a next_page of %s fails the node', async (next_page, message) => {
  expect(await run('pages?of=3', { next_page })).toMatchObject({
    kind: 'failed',
    error: { code: 'HTTP_PAGE_INVALID', message: `next_page of page 1: ${message}`, retryable: false },
  })
})

test('a page that fails fails the node as any answer does', async () => {
  expect(await run('pages?of=3', { next_page: '"/status/503?retry-after=7"' })).toMatchObject({
    kind: 'failed',
    error: { code: 'HTTP_STATUS', retryable: true, retryAfter: 7000 },
  })
})

test('a page on another origin gets no header that may hold credentials', async () => {
  const other = await startStubServer()
  const next_page = `page = 1 ? "${other.url}/echo"`
  await output('pages', { next_page, headers: { Authorization: 'Bearer x', Accept: 'a/b' } })
  expect(other.requests[0]?.headers).toMatchObject({ accept: 'a/b' })
  expect(other.requests[0]?.headers).not.toHaveProperty('authorization')
  await other.close()
})

test('a page that leads to a forbidden address is refused', async () => {
  expect(await run('pages', { next_page: '"http://169.254.169.254/"' })).toMatchObject({
    kind: 'failed',
    error: { code: 'HTTP_ADDRESS_REFUSED' },
  })
})

test('every page has an idempotency key of its own, the same in every attempt', async () => {
  const key = nodeContext().idempotencyKey
  const before = server.requests.length
  await output('pages?of=3', { next_page: 'links.next' })
  await output('pages?of=3', { next_page: 'links.next' })
  const keys = server.requests.slice(before).map(({ headers }) => headers['idempotency-key'])
  expect(keys).toEqual([key, `${key}-2`, `${key}-3`, key, `${key}-2`, `${key}-3`])
})

test('a key of the config stays as it is', async () => {
  const before = server.requests.length
  await output('pages?of=2', { next_page: 'links.next', headers: { 'Idempotency-Key': 'mine' } })
  expect(server.requests.slice(before).map(({ headers }) => headers['idempotency-key'])).toEqual(['mine', 'mine'])
})

test('items that are too many for an output are given up at once', async () => {
  const before = server.requests.length
  const next_page = '{"page": page}'
  expect(await run('huge?bytes=300000', { next_page, items: 'body' })).toMatchObject({
    kind: 'failed',
    error: { code: 'OUTPUT_TOO_LARGE', message: 'the items of 4 pages have more than 1048576 bytes as JSON' },
  })
  expect(server.requests).toHaveLength(before + 4)
})

test('an expression that fails names its field', async () => {
  const evaluate = async (): Promise<never> => {
    throw new ExpressionError('EXPRESSION_FAILED', 'no such function')
  }
  const config = { url: `${server.url}/pages`, next_page: 'links.next' }
  await expect(http.execute(config, nodeContext({ http: client, evaluate }))).rejects.toMatchObject({
    code: 'EXPRESSION_FAILED',
    message: 'items: no such function',
  })
})

test.each([
  ['<https://a.example/?page=2>; rel="next", <https://a.example/?page=9>; rel="last"', { next: '2', last: '9' }],
  ['<?page=2>;rel=next', { next: '2' }],
  ['<?page=2>; title="a, b; c"; rel="prev next"', { prev: '2', next: '2' }],
  ['<?page=2>; REL=Next, <?page=3>; rel=next', { next: '2' }],
  ['<?page=2>; title="x"', {}],
  ['<?page=2; rel=next', {}],
  ['', {}],
])('a Link header of %s leads to %j', (header, pages) => {
  const expected = Object.fromEntries(
    Object.entries(pages).map(([rel, page]) => [rel, `https://a.example/?page=${page}`]),
  )
  expect(linksOf(header, 'https://a.example/')).toEqual(expected)
})

test('a Link header made to be slow is read in no time', () => {
  const started = performance.now()
  linksOf(`${'<'.repeat(8000)}${'>;'.repeat(8000)}${' '.repeat(8000)}`, 'https://a.example/')
  expect(performance.now() - started).toBeLessThan(1000)
})

test.each(['items', 'max_pages', 'max_items'])('%s without next_page is a problem', field => {
  expect(http.check?.({ url: 'https://example.com', [field]: 1 })).toEqual([
    { path: field, message: 'needs next_page: without it there is one page', hint: 'say where pages go on' },
  ])
})
