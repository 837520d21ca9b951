// The HTTP client of nodes: undici behind a guard. A workflow's author, or whoever controls the data in its templates,
// must not reach what only this machine can reach.
//
// 1. No byte of a request is written to an address the rules refuse. Literal addresses are checked before connecting,
//    names when they are resolved (all of their addresses, and only those are connected to, so no second answer of the
//    DNS is ever used), and the peer once more when connected.
// 2. Redirects are never followed and proxies of the environment never used: either would go around the guard.
// 3. A body is counted after decompression and given up at its limit; nothing of unknown size is held.
// 4. A request ends with its signal, whatever it is waiting for.
import { lookup as resolveName } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { pipeline, type Readable, type Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib'
import { Agent, buildConnector, type Dispatcher, request as send } from 'undici'
import { untilAborted } from './abort.ts'
import { type AddressRules, createAddressRules } from './addresses.ts'
import { type HttpClient, HttpClientError, type HttpRequest, type HttpResponse, urlProblem } from './http-client.ts'
import { explainFailure } from './http-failures.ts'

export interface HttpClientOptions {
  /** Addresses, ranges and host names that are reachable although they are not public. */
  readonly allowPrivate: readonly string[]
  /** Sent as `User-Agent` unless a request has its own. */
  readonly userAgent: string
  /** Milliseconds for DNS, TCP and TLS together; default 5 000. */
  readonly connectTimeout?: number
  /**
   * Milliseconds without a sign of life: until the headers, then between parts of the body. Default an hour, the longest
   * a node may take: what ends a request earlier is its signal.
   */
  readonly silenceTimeout?: number
  /** Every address of a host name. */
  readonly resolve?: (host: string) => Promise<readonly ResolvedAddress[]>
}

export interface ResolvedAddress {
  readonly address: string
  readonly family: number
}

export interface GuardedHttpClient extends HttpClient {
  /** Requests in flight fail. */
  close(): Promise<void>
}

export function createHttpClient(options: HttpClientOptions): GuardedHttpClient {
  const { userAgent, silenceTimeout = 3_600_000 } = options
  const agent = new Agent({
    connect: guardedConnector(createAddressRules(options.allowPrivate), options),
    allowH2: false,
    headersTimeout: silenceTimeout,
    bodyTimeout: silenceTimeout,
  })
  const defaults = { 'user-agent': userAgent, 'accept-encoding': 'gzip, deflate, br' }

  async function exchange(
    target: URL,
    { method, headers = {}, body, signal, maxBytes }: HttpRequest,
  ): Promise<HttpResponse> {
    const own = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
    const answer = await send(target, {
      dispatcher: agent,
      method: method as Dispatcher.HttpMethod,
      headers: { ...defaults, ...own },
      body: body ?? null,
      signal,
    })
    const received = Object.entries(answer.headers).map(([name, value = '']) => [name, [value].flat().join(', ')])
    const decompressed = decompress(answer.body, answer.headers['content-encoding'])
    return {
      status: answer.statusCode,
      headers: Object.fromEntries(received),
      body: await collect(decompressed, maxBytes),
    }
  }

  return {
    async request(request) {
      const problem = urlProblem(request.url)
      if (problem !== null) throw new HttpClientError('HTTP_URL_INVALID', `the URL ${problem}`)
      const target = new URL(request.url)
      try {
        request.signal.throwIfAborted()
        return await untilAborted(request.signal, exchange(target, request)) // undici itself notices only once connected
      } catch (error) {
        throw explainFailure(error, target, request.signal)
      }
    },
    close: () => agent.destroy(),
  }
}

function guardedConnector(rules: AddressRules, options: HttpClientOptions): buildConnector.connector {
  const connect = buildConnector({
    timeout: options.connectTimeout ?? 5_000,
    lookup: guardedLookup(rules, options.resolve ?? (host => resolveName(host, { all: true }))),
    allowH2: false,
    rejectUnauthorized: true,
  })
  return (target, callback) => {
    const { hostname } = target
    const refused = isIP(hostname) === 0 ? null : refusal(rules, hostname, hostname)
    if (refused !== null) return callback(refused, null)
    connect(target, (error, socket) => {
      if (error !== null) return callback(error, null)
      const peer = socket.remoteAddress // none = closed again already
      const strayed = peer === undefined ? null : refusal(rules, peer, hostname)
      if (strayed === null) return callback(null, socket)
      socket.destroy()
      callback(strayed, null)
    })
  }
}

function guardedLookup(rules: AddressRules, resolve: NonNullable<HttpClientOptions['resolve']>): LookupFunction {
  return (host, { all }, callback) => {
    const answer = (addresses: readonly ResolvedAddress[]): void => {
      const refused = addresses.map(({ address }) => refusal(rules, address, host)).find(error => error !== null)
      if (refused) return callback(refused, '')
      const [first] = addresses
      if (first === undefined) return callback(new Error(`${host} has no address`), '')
      if (all) callback(null, [...addresses])
      else callback(null, first.address, first.family)
    }
    resolve(host).then(answer, error => callback(error, ''))
  }
}

function refusal(rules: AddressRules, address: string, host: string): HttpClientError | null {
  const kind = rules.refusal(address, host)
  if (kind === null) return null
  const what = address === host ? `${host} is ${kind}` : `${host} is ${address}, ${kind}`
  return new HttpClientError('HTTP_ADDRESS_REFUSED', `${what}, which workflows may not reach; see MBFLOW_ALLOW_PRIVATE`)
}

type Chunks = AsyncIterable<Uint8Array>

/** One encoding at most: of several, the inner ones could grow without ever being counted. */
async function* decompress(body: Readable, encoding: string | string[] = 'identity'): Chunks {
  const parts = body[Symbol.asyncIterator]()
  try {
    const first = await parts.next()
    if (first.done) return // an empty body is empty in any encoding
    const whole = startingWith(first.value, parts)
    const name = [encoding].flat().join(', ').toLowerCase()
    if (name === 'identity') yield* whole
    else yield* pipeline(whole, decompressor(name, first.value), () => {}) // what fails, fails the reader
  } finally {
    body.destroy()
  }
}

async function* startingWith(first: Uint8Array, rest: AsyncIterableIterator<Uint8Array>): Chunks {
  yield first
  yield* rest
}

function decompressor(encoding: string, first: Uint8Array): Transform {
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip()
    case 'br':
      return createBrotliDecompress()
    case 'deflate': // with or without the zlib header: servers disagree
      return ((first[0] ?? 0) & 0x0f) === 8 ? createInflate() : createInflateRaw()
    default:
      throw new HttpClientError('HTTP_PROTOCOL', `the response is encoded as "${encoding}", which nobody asked for`)
  }
}

async function collect(chunks: Chunks, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of chunks) {
    bytes += part.length
    if (bytes > maxBytes) throw new HttpClientError('HTTP_TOO_LARGE', `the response is larger than ${maxBytes} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts, bytes)
}
