// What an attempt is given of secrets, and what keeps them from getting anywhere but where they are meant to go. A class
// for the reason that its context is one: most attempts ask for no secret, and pay for no more than this object.
//
// 1. Nothing it logs or comes to has a value that it asked for; `[secret NAME]` stands there instead.
// 2. A value that it sends to one origin goes to no other: redirects and next pages lead where a server says, and their
//    requests may still hold it, in the URL, a header or the body. The first request is the one that was meant.
import { untilAborted } from '../base/abort.ts'
import { hideSecrets, holdsSecret, type Revealed } from '../base/hide-secrets.ts'
import { type HttpClient, HttpClientError, type HttpRequest } from '../base/http-client.ts'
import { createScrubbed, type Logger } from '../base/log.ts'
import { requireSecret, type Secrets } from '../base/secrets.ts'
import type { PlanNode } from '../workflow/waves.ts'

export interface World {
  readonly secrets: Secrets
  readonly http: HttpClient
  readonly log: Logger
}

interface Attempted {
  readonly executionId: string
  readonly node: PlanNode
  readonly abort: AbortController
}

/** The world as one attempt sees it. */
export class Secrecy {
  readonly #world: World
  readonly #attempted: Attempted
  #revealed: Map<string, string> | undefined
  #http: HttpClient | undefined
  #log: Logger | undefined

  constructor(world: World, attempted: Attempted) {
    this.#world = world
    this.#attempted = attempted
  }

  async secret(name: string): Promise<string> {
    const value = await untilAborted(this.#attempted.abort.signal, requireSecret(this.#world.secrets, name))
    this.keep(name, value)
    return value
  }

  /** From now on the value is a secret. */
  keep(name: string, value: string): void {
    this.#revealed ??= new Map()
    this.#revealed.set(name, value)
  }

  get http(): HttpClient {
    this.#http ??= confined(this.#world.http, () => this.#revealed)
    return this.#http
  }

  get log(): Logger {
    const { executionId, node } = this.#attempted
    this.#log ??= createScrubbed(this.#world.log.child({ executionId, node: node.key }), line => this.hide(line))
    return this.#log
  }

  /** Without the values that were asked for; the same value if there were none. */
  hide<T>(value: T): T {
    return this.#revealed === undefined ? value : hideSecrets(value, this.#revealed)
  }
}

function confined(http: HttpClient, revealed: () => Revealed | undefined): HttpClient {
  let home: string | undefined
  return {
    async request(request) {
      const origin = URL.parse(request.url)?.origin
      home ??= origin
      const secrets = origin === home ? undefined : revealed()
      if (secrets !== undefined && holdsSecret(textOf(request), secrets))
        throw new HttpClientError('HTTP_SECRET_ASTRAY', `a secret that was sent to ${home} would go to ${origin}`)
      return http.request(request)
    },
  }
}

function textOf({ url, headers = {}, body = '' }: HttpRequest): string {
  return [url, ...Object.values(headers), typeof body === 'string' ? body : Buffer.from(body).toString()].join('\n')
}
