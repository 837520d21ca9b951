// A real HTTP server that behaves as servers do on bad days. The first part of the path names how; see `modes`.
// It records every request and never waits for time: what must happen later happens when the test says so.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { stubModels } from './stub-models.ts'

export interface RecordedRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
  /** Resolves when the answer is complete or the client has gone away. */
  readonly over: Promise<void>
}

export interface StubServer {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  readonly port: number
  /** In the order they came. */
  readonly requests: readonly RecordedRequest[]
  /** Resolves with the request number `count` (from 1) as soon as there is one. */
  received(count: number): Promise<RecordedRequest>
  /** Lets every answer of mode `slow` go on. */
  release(): void
  close(): Promise<void>
}

export interface Call {
  readonly request: RecordedRequest
  readonly response: ServerResponse
  /** What comes after the mode in the path. */
  readonly rest: string
  readonly query: URLSearchParams
  /** How many requests for the same URL came before. */
  readonly earlier: number
  readonly released: Promise<void>
}

const encoders = { gzip: gzipSync, br: brotliCompressSync, deflate: deflateSync, 'deflate-raw': deflateRawSync }

export type Modes = { readonly [mode: string]: (call: Call) => void }

const modes: Modes = {
  ...stubModels,
  /** 200 with the request as JSON. */
  echo: ({ request: { method, url, headers, body }, response }) => json(response, { method, url, headers, body }),
  /** The status named next, `?body=` of type `?type=`, and any other parameter as a header. */
  status: ({ response, rest, query }) => {
    const { body = '', type = 'text/plain', ...headers } = Object.fromEntries(query)
    response.writeHead(Number.parseInt(rest, 10), { 'content-type': type, ...headers }).end(body)
  },
  /** The status named next, with the headers of the request as JSON, or as text that encodes it: `?as=hex`, `?as=base64`. */
  tattling: ({ request, response, rest, query }) => {
    const as = query.get('as') as BufferEncoding | null
    const told = JSON.stringify(request.headers)
    response
      .writeHead(Number.parseInt(rest, 10), { 'content-type': as === null ? 'application/json' : 'text/plain' })
      .end(as === null ? told : Buffer.from(told).toString(as))
  },
  /** JSON in the encoding named next; `?cut` leaves off the end of it. */
  encoded: ({ response, rest, query }) => {
    const body = encoders[rest as keyof typeof encoders](JSON.stringify({ encoding: rest }))
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': rest.replace('-raw', '') })
    response.end(query.has('cut') ? body.subarray(0, -6) : body)
  },
  /** Bytes that no JSON is, under a JSON content type. */
  'invalid-json': ({ response }) => json(response, '{"truth": tru'),
  /** The status named next, or 302, to `?to=`. */
  redirect: ({ response, rest, query }) =>
    response.writeHead(Number.parseInt(rest, 10) || 302, { location: query.get('to') ?? '/echo' }).end(),
  /** Page `?page=` (from 1) of `?of=`: `{items: [{id}, {id}], next: page or null}`, and a Link header to the next. */
  pages: ({ response, query }) => {
    const page = Number(query.get('page') ?? 1)
    const more = page < Number(query.get('of'))
    const next = new URLSearchParams(query)
    next.set('page', String(page + 1))
    if (more) response.setHeader('link', `</pages?${next}>; rel="next", </pages?page=1>; rel=first`)
    json(response, { items: [{ id: 2 * page - 1 }, { id: 2 * page }], next: more ? page + 1 : null })
  },
  /** 429 with `Retry-After: ?after=` the first time, then 200. */
  'rate-limited': ({ response, query, earlier }) =>
    earlier === 0
      ? response.writeHead(429, { 'retry-after': query.get('after') ?? '1' }).end()
      : json(response, { earlier }),
  /** Headers and half the body at once, the rest when released. */
  slow: async ({ response, released }) => {
    response.writeHead(200, { 'content-type': 'text/plain' }).write('first half, ')
    await released
    response.end('second half')
  },
  /** Never an answer. */
  hanging: () => {},
  /** Promises 100 bytes, sends 10 and breaks the connection. */
  'cut-off': ({ response }) => {
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': 100 })
    response.write('0123456789', () => response.destroy())
  },
  /** Ends the connection without an answer. */
  'half-closed': ({ response }) => response.socket?.end(),
  /** Something, but not HTTP. */
  garbage: ({ response }) => response.socket?.end('SSH-2.0-OpenSSH_9.2\r\n'),
  /** 200 with more headers than node takes. */
  'many-headers': ({ response }) => response.writeHead(200, { 'x-large': 'x'.repeat(20_000) }).end(),
  /** `?bytes=` bytes of text. */
  huge: ({ response, query }) => {
    response.writeHead(200, { 'content-type': 'text/plain' })
    stream(response, Buffer.alloc(Number(query.get('bytes')), 'x'))
  },
  /** Text that never ends. */
  endless: ({ response }) => {
    response.writeHead(200, { 'content-type': 'text/plain' })
    const more = (): void => {
      while (!response.destroyed && response.write('more and more and more '));
    }
    response.on('drain', more)
    more()
  },
  /** `?bytes=` zeros, compressed a thousandfold. */
  'gzip-bomb': ({ response, query }) => {
    response.writeHead(200, { 'content-type': 'text/plain', 'content-encoding': 'gzip' })
    response.end(gzipSync(Buffer.alloc(Number(query.get('bytes')))))
  },
}

function json(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

function stream(response: ServerResponse, bytes: Buffer): void {
  for (let start = 0; start < bytes.length; start += 65_536) response.write(bytes.subarray(start, start + 65_536))
  response.end()
}

export async function startStubServer(): Promise<StubServer> {
  const requests: RecordedRequest[] = []
  const waiting = new Map<number, PromiseWithResolvers<RecordedRequest>>()
  const released = Promise.withResolvers<void>()

  const server = createServer(async (incoming, response) => {
    const target = new URL(incoming.url ?? '/', 'http://stub')
    const [, mode = '', ...rest] = target.pathname.split('/')
    response.sendDate = false // the same request gets the same answer
    const over = new Promise<void>(resolve => response.once('close', resolve))
    const { method = '', url = '', headers } = incoming
    const request = { method, url, headers, body: await textOf(incoming), over }
    const earlier = requests.filter(before => before.url === url).length
    requests.push(request)
    waiting.get(requests.length)?.resolve(request)
    const answer = modes[mode]
    if (answer === undefined) response.writeHead(501).end(`no mode "${mode}"`)
    else
      answer({
        request,
        response,
        rest: rest.join('/'),
        query: target.searchParams,
        earlier,
        released: released.promise,
      })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    async received(count) {
      const arrived = requests[count - 1]
      if (arrived) return arrived
      const next = waiting.get(count) ?? Promise.withResolvers<RecordedRequest>()
      waiting.set(count, next)
      return next.promise
    },
    release: () => released.resolve(),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of incoming) parts.push(part)
  return Buffer.concat(parts).toString()
}
