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
  /** Lower-case names; repeated headers joined by ", ". */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** Never follows redirects; throws HttpClientError. */
export interface HttpClient {
  request(request: HttpRequest): Promise<HttpResponse>
}

export type HttpFailure =
  | 'HTTP_URL_INVALID'
  | 'HTTP_ADDRESS_REFUSED' // the SSRF guard
  | 'HTTP_UNREACHABLE' // DNS, connect, TLS
  | 'HTTP_ABORTED' // the signal
  | 'HTTP_TOO_LARGE'
  | 'HTTP_PROTOCOL' // broken or cut-off response

export class HttpClientError extends Error {
  readonly code: HttpFailure
  readonly retryable: boolean
  constructor(code: HttpFailure, message: string, retryable: boolean, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'HttpClientError'
    this.code = code
    this.retryable = retryable
  }
}
