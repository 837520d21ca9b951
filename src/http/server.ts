// The HTTP server of a daemon: limits, security headers, problem documents for everything that goes wrong, and a stop
// that lets requests in flight end. What it serves is in `routes/`. Invariants:
// 1. Every error answer is a problem document (RFC 9457), also for what never reaches a route.
// 2. Stopping accepts no new connection, answers what was accepted, and cuts what has not ended after the drain timeout.
import type { Server } from 'node:http'
import { type FastifyHttpOptions, type FastifyInstance, type FastifyReply, fastify } from 'fastify'
import type { Logger } from '../base/log.ts'
import { listenUrl } from '../base/origin.ts'
import type { Service } from '../base/service.ts'
import type { Receiver } from '../inbox/receive.ts'
import { type ListenOptions, listen } from './listen.ts'
import { PROBLEM_TYPE, type ProblemDocument, problem, problemOf, problemOfSocket } from './problem.ts'
import { addCallbackRoutes, type CallbacksDeps } from './routes/callbacks.ts'
import { addEventRoutes, type EventsDeps } from './routes/events.ts'
import { addFireRoutes, type FireRouteDeps } from './routes/fire.ts'
import { addHookRoutes } from './routes/hooks.ts'
import { addOpsRoutes, type OpsDeps } from './routes/ops.ts'

export interface HttpServerOptions extends ListenOptions, OpsDeps, EventsDeps, FireRouteDeps, CallbacksDeps {
  /** How long `stop` waits for requests in flight, milliseconds. */
  readonly drainTimeout: number
  readonly receiver: Receiver
  readonly log: Logger
}

export interface HttpServer extends Service {
  /** Where it can be reached from this machine, e.g. `http://127.0.0.1:7377`; only while it runs. */
  url(): string
}

const LIMITS = {
  bodyLimit: 1024 * 1024,
  requestTimeout: 30_000,
  keepAliveTimeout: 72_000,
  maxRequestsPerSocket: 1_000,
  http: { headersTimeout: 15_000, maxHeaderSize: 16 * 1024 },
} as const satisfies FastifyHttpOptions<Server>

/** Answers are data: no browser may run, frame, cache or guess at them. */
const SECURITY_HEADERS = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': '',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
}

export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { drainTimeout, log } = options
  let app: FastifyInstance | undefined

  function url(): string {
    const address = app?.server.address()
    if (!address || typeof address === 'string') throw new Error('the HTTP server is not listening')
    return listenUrl(address.address, address.port)
  }

  return {
    name: 'http',
    async start() {
      if (app) return
      const built = build(options)
      await listen(built, options)
      app = built
      log.info({ evt: 'http.listening', url: url() }, 'listening')
    },
    async stop() {
      if (!app) return
      const closing = app
      app = undefined
      const cut = setTimeout(() => closing.server.closeAllConnections(), drainTimeout)
      await closing.close()
      clearTimeout(cut)
    },
    url,
  }
}

function build({ log, receiver, ...deps }: HttpServerOptions): FastifyInstance {
  const app = fastify({
    ...LIMITS,
    // What still arrives on open connections while the server stops is answered, and the connections are closed.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    frameworkErrors: (error, _request, reply: FastifyReply) => {
      send(reply.headers(SECURITY_HEADERS), problemOf(error))
    },
    clientErrorHandler: answerBrokenRequest,
  })
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers(SECURITY_HEADERS)
  })
  app.setErrorHandler((error, { method, routeOptions }, reply) => {
    const answer = problemOf(error)
    if (answer.status >= 500) {
      log.error({ evt: 'http.failed', err: error, method, route: routeOptions.url }, 'a request failed')
    }
    if (answer.status === 503) reply.header('retry-after', '1')
    send(reply, answer)
  })
  app.setNotFoundHandler(({ url }, reply) => {
    send(reply, problem(404, 'NOT_FOUND', `there is nothing at ${url.split('?')[0]}`))
  })
  // Bodies are bytes: routes read them themselves, strictly.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  refuseOtherMethods(app, () => {
    addOpsRoutes(app, deps)
    addEventRoutes(app, deps)
    addFireRoutes(app, deps)
    addCallbackRoutes(app, deps)
  })
  addHookRoutes(app, receiver)
  return app
}

function send(reply: FastifyReply, answer: ProblemDocument): void {
  reply.code(answer.status).type(PROBLEM_TYPE).send(answer)
}

/** Every URL that `addRoutes` adds answers 405 to the methods it does not serve. */
function refuseOtherMethods(app: FastifyInstance, addRoutes: () => void): void {
  const served = new Map<string, string[]>()
  app.addHook('onRoute', ({ url, method }) => {
    served.set(url, [...(served.get(url) ?? []), ...[method].flat()])
  })
  addRoutes()
  for (const [url, methods] of [...served]) {
    const allow = methods.join(', ')
    app.route({
      url,
      method: app.supportedMethods.filter(method => !methods.includes(method)),
      handler: ({ method }, reply) => {
        const detail = `${method} is not possible here; ${allow} is`
        send(reply.header('allow', allow), problem(405, 'METHOD_NOT_ALLOWED', detail))
      },
    })
  }
}

/** What is not even HTTP never reaches a route: it is answered on the bare socket. */
const answerBrokenRequest: NonNullable<FastifyHttpOptions<Server>['clientErrorHandler']> = (error, socket) => {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const answer = problemOfSocket(error.code)
  const body = JSON.stringify(answer)
  const head = [
    `HTTP/1.1 ${answer.status} ${answer.title}`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
