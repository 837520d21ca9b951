// The port through which nodes reach other hosts; the only implementation (undici, guarded against SSRF) is `base/http-guard`.

export interface HttpRequest {
  readonly method: string
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  readonly signal: AbortSignal
  /** Refuse a response body larger than this, in bytes after decompression. */
  readonly maxBytes: number
}

export interface HttpResponse {
  readonly status: number
  /** Lower-case names, as the server sent them; repeated headers joined by ", ". */
  readonly headers: Readonly<Record<string, string>>
  /** Decompressed. */
  readonly body: Uint8Array
}

/** Never follows redirects; throws HttpClientError and nothing else. */
export interface HttpClient {
  request(request: HttpRequest): Promise<HttpResponse>
}

export type HttpFailure =
  | 'HTTP_URL_INVALID'
  | 'HTTP_REQUEST_INVALID' // a method or header that HTTP cannot carry
  | 'HTTP_ADDRESS_REFUSED' // the SSRF guard
  | 'HTTP_SECRET_ASTRAY' // it would take a secret to another origin
  | 'HTTP_UNREACHABLE' // DNS, connect, TLS
  | 'HTTP_ABORTED' // the signal, or the client was closed
  | 'HTTP_TOO_LARGE'
  | 'HTTP_PROTOCOL' // broken or cut-off response

export class HttpClientError extends Error {
  readonly code: HttpFailure
  readonly retryable: boolean
  constructor(code: HttpFailure, message: string, extras: { retryable?: boolean; cause?: unknown } = {}) {
    super(message, extras.cause === undefined ? undefined : { cause: extras.cause })
    this.name = 'HttpClientError'
    this.code = code
    this.retryable = extras.retryable ?? false
  }
}

/** Why `url` is none a request can go to, or null. */
export function urlProblem(url: string): string | null {
  const target = URL.parse(url)
  if (target === null) return 'must be an absolute URL such as https://example.com/path'
  if (target.protocol !== 'http:' && target.protocol !== 'https:')
    return `must begin with http: or https:, not ${target.protocol}`
  if (target.username !== '' || target.password !== '')
    return 'must not hold credentials; send them in an Authorization header'
  return null
}
