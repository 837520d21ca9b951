// The guard against a real server on loopback: no refused request may reach it.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { HttpClientError, type HttpRequest, type HttpResponse } from '../../../src/base/http-client.ts'
import {
  createHttpClient,
  type GuardedHttpClient,
  type HttpClientOptions,
  type ResolvedAddress,
} from '../../../src/base/http-guard.ts'
import { type StubServer, startStubServer } from '../../support/stub-server.ts'

let server: StubServer
const clients: GuardedHttpClient[] = []

beforeAll(async () => {
  server = await startStubServer()
})
afterAll(async () => {
  await Promise.all(clients.map(client => client.close()))
  await server.close()
})

function client(options: Partial<HttpClientOptions> = {}): GuardedHttpClient {
  const created = createHttpClient({ allowPrivate: [], userAgent: 'mbflow/test', ...options })
  clients.push(created)
  return created
}

function get(url: string, options: Partial<HttpRequest> = {}): HttpRequest {
  return { method: 'GET', url, signal: new AbortController().signal, maxBytes: 1_000_000, ...options }
}

async function failure(attempt: Promise<HttpResponse>): Promise<HttpClientError> {
  const result = await attempt.catch((error: unknown) => error)
  expect(result).toBeInstanceOf(HttpClientError)
  return result as HttpClientError
}

const textOf = ({ body }: HttpResponse): string => Buffer.from(body).toString()
const ipv4 = (...addresses: string[]): ResolvedAddress[] => addresses.map(address => ({ address, family: 4 }))

const spellings = [
  ...[
    '127.0.0.1',
    '127.0.0.1.',
    '127.1',
    '127.0.1',
    '127.255.255.254',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '0X7F.0.0.1',
  ],
  ...[
    '017700000001',
    '0177.0.0.1',
    '0177.0x0.0.1',
    '00000177.1',
    '127.0.0.0x1',
    '①②⑦.⓪.⓪.①',
    '１２７.０.０.１',
    '127。0。0。1',
  ],
  ...[
    '%31%32%37.0.0.1',
    '127%2e0%2e0%2e1',
    '0',
    '0.0.0.0',
    '0x0',
    '00',
    '[::]',
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[::0001]',
  ],
  ...[
    '[::127.0.0.1]',
    '[::7f00:1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::FFFF:7F00:0001]',
    '[::ffff:0:127.0.0.1]',
  ],
  ...[
    '[0:0:0:0:0:ffff:127.0.0.1]',
    '[64:ff9b::127.0.0.1]',
    '[64:ff9b::7f00:1]',
    '[64:ff9b:1::7f00:1]',
    '[2002:7f00:1::]',
  ],
  ...[
    '[2001:0:7f00:1::]',
    '[fe80::1]',
    '[fec0::1]',
    '[fc00::1]',
    '[fd00:ec2::254]',
    '[ff02::1]',
    '[::ffff:169.254.169.254]',
  ],
  ...[
    '10.0.0.1',
    '10.1',
    '012.0.0.1',
    '0xa000001',
    '167772161',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    '0xc0.0xa8.1',
  ],
  ...[
    '3232235777',
    '169.254.169.254',
    '2852039166',
    '0xa9fea9fe',
    '0251.0376.0251.0376',
    '169.254.43518',
    '[::a9fe:a9fe]',
  ],
  ...['168.63.129.16', '100.100.100.200', '100.64.0.1', '192.0.0.192', '198.18.0.1', '224.0.0.1', '255.255.255.255'],
  ...['localhost', 'LOCALHOST', 'localhost.', 'ｌｏｃａｌｈｏｓｔ', 'loc%61lhost', 'loc\talhost'],
]

test('the list of spellings is as long as it claims', () => {
  expect(new Set(spellings).size).toBeGreaterThanOrEqual(60)
})

test.each(spellings)('http://%s is refused', async host => {
  const strict = client({ resolve: async () => ipv4('127.0.0.1') })
  const before = server.requests.length
  const { code } = await failure(strict.request(get(`http://${host}:${server.port}/echo`)))
  expect(code).toBe('HTTP_ADDRESS_REFUSED')
  expect(server.requests).toHaveLength(before)
})

test.each([
  ['http://', 'must be an absolute URL'],
  ['/echo', 'must be an absolute URL'],
  ['http:// host/', 'must be an absolute URL'],
  ['http://256.256.256.256/', 'must be an absolute URL'],
  ['http://[::1', 'must be an absolute URL'],
  ['http://[fe80::1%25eth0]/', 'must be an absolute URL'],
  ['http://127.0.0.1:99999/', 'must be an absolute URL'],
  ['file:///etc/passwd', 'must begin with http: or https:, not file:'],
  ['gopher://127.0.0.1:6379/_FLUSHALL', 'must begin with http: or https:, not gopher:'],
  ['ftp://127.0.0.1/', 'must begin with http: or https:, not ftp:'],
  ['data:text/plain,hi', 'must begin with http: or https:, not data:'],
  ['javascript:alert(1)', 'must begin with http: or https:, not javascript:'],
  ['ws://127.0.0.1/', 'must begin with http: or https:, not ws:'],
  ['http://user:secret@example.com/', 'must not hold credentials'],
  ['http://example.com@127.0.0.1/', 'must not hold credentials'],
])('%s is not a URL to ask', async (url, problem) => {
  const { code, message } = await failure(client().request(get(url)))
  expect(code).toBe('HTTP_URL_INVALID')
  expect(message).toContain(problem)
  expect(message).not.toContain('secret')
})

test('a refusal says which name led to which kind of address', async () => {
  const guarded = client({ resolve: async () => ipv4('10.0.0.7') })
  const { message } = await failure(guarded.request(get('http://db.example/')))
  expect(message).toBe(
    'db.example is 10.0.0.7, a private address, which workflows may not reach; see MBFLOW_ALLOW_PRIVATE',
  )
})

test('one bad address among good ones refuses the name', async () => {
  const guarded = client({ allowPrivate: ['127.0.0.1'], resolve: async () => ipv4('127.0.0.1', '10.0.0.7') })
  const before = server.requests.length
  const { code } = await failure(guarded.request(get(`http://mixed.example:${server.port}/echo`)))
  expect(code).toBe('HTTP_ADDRESS_REFUSED')
  expect(server.requests).toHaveLength(before)
})

test('a name is resolved once per connection, so a second answer cannot lead elsewhere', async () => {
  const answers = [ipv4('127.0.0.1'), ipv4('10.0.0.7')]
  let asked = 0
  const guarded = client({ allowPrivate: ['127.0.0.1'], resolve: async () => answers[asked++] ?? [] })
  const response = await guarded.request(get(`http://rebind.example:${server.port}/echo`))
  expect(response.status).toBe(200)
  expect(asked).toBe(1)
})

test('a name that changes to a bad address is refused when it is resolved again', async () => {
  const answers = [ipv4('127.0.0.1'), ipv4('10.0.0.7')]
  const guarded = client({ allowPrivate: ['127.0.0.1'], resolve: async () => answers.shift() ?? [] })
  const url = `http://rebind.example:${server.port}/echo`
  await guarded.request(get(url, { headers: { connection: 'close' } }))
  const { code } = await failure(guarded.request(get(url)))
  expect(code).toBe('HTTP_ADDRESS_REFUSED')
})

test('a connection that ends up elsewhere than it was meant to go is not used', async () => {
  const addresses = ['127.0.0.2'] // the first time it is asked for
  const lying = {
    family: 4,
    get address() {
      return addresses.shift() ?? '127.0.0.1'
    },
  }
  const guarded = client({ allowPrivate: ['127.0.0.2'], resolve: async () => [lying] })
  const before = server.requests.length
  const { code } = await failure(guarded.request(get(`http://lying.example:${server.port}/echo`)))
  expect(code).toBe('HTTP_ADDRESS_REFUSED')
  expect(server.requests).toHaveLength(before)
})

test('an allowed name leads to its private addresses, but never to a metadata service', async () => {
  const answers = [ipv4('127.0.0.1'), ipv4('169.254.169.254')]
  const guarded = client({ allowPrivate: ['stub.internal', '0.0.0.0/0'], resolve: async () => answers.shift() ?? [] })
  const url = `http://stub.internal:${server.port}/echo`
  expect((await guarded.request(get(url, { headers: { connection: 'close' } }))).status).toBe(200)
  const { code, message } = await failure(guarded.request(get(url)))
  expect(code).toBe('HTTP_ADDRESS_REFUSED')
  expect(message).toContain('metadata service')
})

test('a redirect is handed back, not followed', async () => {
  const before = server.requests.length
  const response = await local().request(get(`${server.url}/redirect?to=http://169.254.169.254/`))
  expect(response.status).toBe(302)
  expect(response.headers.location).toBe('http://169.254.169.254/')
  expect(server.requests).toHaveLength(before + 1)
})

test('proxies of the environment are not used', async () => {
  const before = server.requests.length
  Object.assign(process.env, { http_proxy: server.url, HTTP_PROXY: server.url, NODE_USE_ENV_PROXY: '1' })
  try {
    await failure(client({ resolve: async () => [] }).request(get('http://proxied.example/')))
  } finally {
    for (const name of ['http_proxy', 'HTTP_PROXY', 'NODE_USE_ENV_PROXY']) delete process.env[name]
  }
  expect(server.requests).toHaveLength(before)
})

const local = (options: Partial<HttpClientOptions> = {}): GuardedHttpClient =>
  client({ allowPrivate: ['127.0.0.1'], ...options })

test('method, headers and body arrive as given, with the user agent of the program', async () => {
  const request = get(`${server.url}/echo?a=1`, { method: 'PUT', headers: { 'X-One': '1' }, body: 'häy' })
  const response = await local().request(request)
  expect(JSON.parse(textOf(response))).toMatchObject({
    method: 'PUT',
    url: '/echo?a=1',
    headers: { 'x-one': '1', 'user-agent': 'mbflow/test', 'content-length': '4' },
    body: 'häy',
  })
})

test('a request may name its own user agent', async () => {
  const response = await local().request(get(`${server.url}/echo`, { headers: { 'User-Agent': 'curl' } }))
  expect(JSON.parse(textOf(response)).headers['user-agent']).toBe('curl')
})

test('bytes go out as they are', async () => {
  const response = await local().request(get(`${server.url}/echo`, { method: 'POST', body: Buffer.from('bytes') }))
  expect(JSON.parse(textOf(response)).body).toBe('bytes')
})

test.each(['gzip', 'br', 'deflate', 'deflate-raw'])('a body encoded with %s is decoded', async encoding => {
  const response = await local().request(get(`${server.url}/encoded/${encoding}`))
  expect(JSON.parse(textOf(response))).toEqual({ encoding })
})

test('the answer to HEAD is empty whatever its headers promise', async () => {
  const response = await local().request(get(`${server.url}/encoded/gzip`, { method: 'HEAD' }))
  expect(response.body).toHaveLength(0)
})

test('an encoding that was not asked for is an error, and its connection is given up', async () => {
  const url = `${server.url}/status/200?content-encoding=gzip,%20gzip&body=x`
  const { code, message } = await failure(local().request(get(url)))
  expect(code).toBe('HTTP_PROTOCOL')
  expect(message).toContain('"gzip, gzip"')
})

test('a body of exactly the limit is taken and one byte more is not', async () => {
  const response = await local().request(get(`${server.url}/huge?bytes=100000`, { maxBytes: 100_000 }))
  expect(response.body).toHaveLength(100_000)
  const { code, retryable } = await failure(
    local().request(get(`${server.url}/huge?bytes=100001`, { maxBytes: 100_000 })),
  )
  expect({ code, retryable }).toEqual({ code: 'HTTP_TOO_LARGE', retryable: false })
})

test('the limit counts what a compressed body grows to', async () => {
  const url = `${server.url}/gzip-bomb?bytes=20000000`
  const { code } = await failure(local().request(get(url, { maxBytes: 1_000_000 })))
  expect(code).toBe('HTTP_TOO_LARGE')
})

test('a body without end is given up at the limit and its connection closed', async () => {
  const count = server.requests.length + 1
  const { code } = await failure(local().request(get(`${server.url}/endless`)))
  expect(code).toBe('HTTP_TOO_LARGE')
  await (await server.received(count)).over
})

test('a connection that is refused can be tried again', async () => {
  const gone = await startStubServer()
  await gone.close()
  const { code, retryable, message } = await failure(local().request(get(gone.url)))
  expect({ code, retryable }).toEqual({ code: 'HTTP_UNREACHABLE', retryable: true })
  expect(message).toBe(`${gone.url} cannot be reached: connect ECONNREFUSED 127.0.0.1:${gone.port}`)
})

test('a name that nobody knows can be tried again', async () => {
  const unknown = Object.assign(new Error('getaddrinfo ENOTFOUND nobody.example'), { code: 'ENOTFOUND' })
  const { code, retryable } = await failure(
    local({ resolve: () => Promise.reject(unknown) }).request(get('http://nobody.example/')),
  )
  expect({ code, retryable }).toEqual({ code: 'HTTP_UNREACHABLE', retryable: true })
})

test('a server that speaks no TLS is not tried again', async () => {
  const { code, retryable, message } = await failure(local().request(get(server.url.replace('http:', 'https:'))))
  expect({ code, retryable }).toEqual({ code: 'HTTP_UNREACHABLE', retryable: false })
  expect(message).toMatch(/^https:\S+ cannot be reached over TLS: .+$/)
})

test.each([
  ['cut-off', true],
  ['half-closed', true],
  ['encoded/gzip?cut', true],
  ['encoded/br?cut', true],
  ['garbage', false],
])('an answer of mode %s is a protocol error', async (mode, retryable) => {
  const error = await failure(local().request(get(`${server.url}/${mode}`)))
  expect({ code: error.code, retryable: error.retryable }).toEqual({ code: 'HTTP_PROTOCOL', retryable })
})

test.each([
  ['a line break in a header', { headers: { 'x-bad': 'a\r\nx-more: b' } }],
  ['a header name that is none', { headers: { 'bad name': 'a' } }],
  ['a wrong content length', { method: 'POST', body: 'abc', headers: { 'content-length': '5' } }],
  ['a transfer encoding of its own', { headers: { 'transfer-encoding': 'chunked' } }],
  ['a method that is none', { method: 'GET /' }],
])('%s is refused before anything is sent', async (_, options) => {
  const before = server.requests.length
  const { code } = await failure(local().request(get(`${server.url}/echo`, options)))
  expect(code).toBe('HTTP_REQUEST_INVALID')
  expect(server.requests).toHaveLength(before)
})

test('more headers than node takes are too many', async () => {
  const { code } = await failure(local().request(get(`${server.url}/many-headers`)))
  expect(code).toBe('HTTP_TOO_LARGE')
})

test('repeated headers are joined, and none can touch the prototype', async () => {
  const response = await local().request(get(`${server.url}/status/200?__proto__=x`))
  expect(Object.getPrototypeOf(response.headers)).toBe(Object.prototype)
})

test('silence longer than allowed is a protocol error', async () => {
  const { code, retryable } = await failure(local({ silenceTimeout: 1 }).request(get(`${server.url}/hanging`)))
  expect({ code, retryable }).toEqual({ code: 'HTTP_PROTOCOL', retryable: true })
})

test('an aborted request never begins', async () => {
  const before = server.requests.length
  const { code } = await failure(local().request(get(`${server.url}/echo`, { signal: AbortSignal.abort() })))
  expect(code).toBe('HTTP_ABORTED')
  expect(server.requests).toHaveLength(before)
})

test('an abort ends a wait for the name', async () => {
  const controller = new AbortController()
  const asked = Promise.withResolvers<void>()
  const guarded = local({
    resolve: () => {
      asked.resolve()
      return new Promise(() => {})
    },
  })
  const attempt = failure(guarded.request(get('http://slow.example/', { signal: controller.signal })))
  await asked.promise
  controller.abort()
  expect((await attempt).code).toBe('HTTP_ABORTED')
})

test.each(['hanging', 'slow'])('an abort ends a wait for a server of mode %s and hangs up', async mode => {
  const controller = new AbortController()
  const count = server.requests.length + 1
  const attempt = failure(local().request(get(`${server.url}/${mode}`, { signal: controller.signal })))
  const arrived = await server.received(count)
  controller.abort()
  expect((await attempt).code).toBe('HTTP_ABORTED')
  await arrived.over
})

test('closing the client ends the requests in flight', async () => {
  const count = server.requests.length + 1
  const closing = local()
  const attempt = failure(closing.request(get(`${server.url}/hanging`)))
  await server.received(count)
  await closing.close()
  const { code, retryable } = await attempt
  expect({ code, retryable }).toEqual({ code: 'HTTP_ABORTED', retryable: true })
})
