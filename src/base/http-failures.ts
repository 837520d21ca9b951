// What the errors of undici, node and zlib mean to whoever made a request, and whether another attempt could succeed.
import { excerpt, messageOf, systemCode } from './errors.ts'
import { HttpClientError, type HttpFailure } from './http-client.ts'

interface Meaning {
  /** Codes of undici, node and zlib; the name of an error that has none. */
  readonly codes: RegExp
  readonly failure: HttpFailure
  readonly retryable: boolean
  readonly words: string
}

/** What an error comes to: the first row with its code. */
const MEANINGS: readonly Meaning[] = [
  {
    codes: /^UND_ERR_(INVALID_ARG|NOT_SUPPORTED|REQ_CONTENT_LENGTH_MISMATCH)$/,
    failure: 'HTTP_REQUEST_INVALID',
    retryable: false,
    words: 'cannot be sent this request',
  },
  { codes: /^UND_ERR_(DESTROYED|CLOSED)$/, failure: 'HTTP_ABORTED', retryable: true, words: 'was not asked' },
  { codes: /^UND_ERR_HEADERS_OVERFLOW$/, failure: 'HTTP_TOO_LARGE', retryable: false, words: 'sent too many headers' },
  { codes: /^UND_ERR_(HEADERS|BODY)_TIMEOUT$/, failure: 'HTTP_PROTOCOL', retryable: true, words: 'fell silent' },
  {
    codes: /^(UND_ERR_SOCKET|UND_ERR_RES_CONTENT_LENGTH_MISMATCH|ECONNRESET|EPIPE|Z_BUF_ERROR)$/,
    failure: 'HTTP_PROTOCOL',
    retryable: true,
    words: 'cut off its response',
  },
  {
    codes: /^(EPROTO$|ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/,
    failure: 'HTTP_UNREACHABLE',
    retryable: false,
    words: 'cannot be reached over TLS',
  },
  {
    codes: /^(HPE_|HTTPParserError$|Z_|ERR_)/,
    failure: 'HTTP_PROTOCOL',
    retryable: false,
    words: 'sent a broken response',
  },
]
const NO_WAY_THERE: Omit<Meaning, 'codes'> = {
  failure: 'HTTP_UNREACHABLE',
  retryable: true,
  words: 'cannot be reached',
}

/** What went wrong with a request to `origin`, in the words of the port. */
export function explainFailure(thrown: unknown, { origin }: URL, signal: AbortSignal): HttpClientError {
  if (thrown instanceof HttpClientError) return thrown
  if (signal.aborted) {
    const message = `the request to ${origin} was aborted`
    return new HttpClientError('HTTP_ABORTED', message, { retryable: true, cause: thrown })
  }
  const code = systemCode(thrown) ?? (thrown instanceof Error ? thrown.name : '')
  const { failure, retryable, words } = MEANINGS.find(({ codes }) => codes.test(code)) ?? NO_WAY_THERE
  return new HttpClientError(failure, `${origin} ${words}: ${excerpt(messageOf(thrown), 300)}`, {
    retryable,
    cause: thrown,
  })
}
