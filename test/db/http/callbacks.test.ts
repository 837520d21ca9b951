// What callers of the URLs of callbacks are told.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Calling, calling } from '../../support/calling.ts'
import { createTestDatabase } from '../../support/database.ts'

let one: Calling
let url = ''
beforeAll(async () => {
  one = await calling((await createTestDatabase()).pool)
  await one.parked()
  url = one.asked[0]?.url ?? ''
})
afterAll(() => one.end())

const ask = (at: string, init: RequestInit): Promise<Response> => fetch(at, { method: 'POST', ...init })
const json = { 'content-type': 'application/json' }

test('a URL holds at least 128 random bits', () => {
  expect(url).toMatch(/\/callbacks\/[\w-]{32}$/)
})

test.each(['x', 'A'.repeat(32), `${'A'.repeat(31)}!`])('the token %s tells nothing of those there are', async token => {
  const at = url.replace(/[^/]+$/, token)
  const wrong = await ask(at, { headers: json, body: 'not json' })
  const nowhere = await ask(at.replace('callbacks', 'nowhere'), { headers: json, body: '{}' })
  expect(wrong.status).toBe(404)
  const said = async (response: Response) => JSON.stringify(await response.json()).replaceAll('nowhere', 'callbacks')
  expect(await said(wrong)).toBe(await said(nowhere))
})

const form = { 'content-type': 'application/x-www-form-urlencoded' }
test.each([
  { what: 'no JSON', headers: json, body: '{', answer: '400 BODY_INVALID' },
  { what: 'what cannot be stored', headers: json, body: '"\\u0000"', answer: '400 BODY_INVALID' },
  { what: 'a form', headers: form, body: 'a=1', answer: '415 MEDIA_TYPE_UNSUPPORTED' },
  { what: 'more than 1 MiB', headers: json, body: `"${'x'.repeat(1024 * 1024)}"`, answer: '413 REQUEST_TOO_LARGE' },
])('$what is refused, and the node waits on', async ({ headers, body, answer }) => {
  const response = await ask(url, { headers, body })
  const { code } = (await response.json()) as { code: string }
  expect(`${response.status} ${code}`).toBe(answer)
  expect(await one.types()).not.toContain('node_called_back')
})

test('looking at the URL does nothing, whether it is right or wrong', async () => {
  for (const at of [url, `${url}x`]) {
    const response = await fetch(at)
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
  }
  expect(await one.types()).not.toContain('node_called_back')
})
