// Errors as HTTP answers: RFC 9457 problem documents. The one place where a kind of error becomes a status. What is our
// fault is logged in full and answered without its details.
import { STATUS_CODES } from 'node:http'
import { type ErrorKind, MbflowError, type Problem } from '../base/errors.ts'

export const PROBLEM_TYPE = 'application/problem+json'

/** `type` is absent, which RFC 9457 reads as about:blank: the title is the status, `code` says the rest. */
export interface ProblemDocument {
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly hint?: string
  readonly problems?: readonly Problem[]
}

const statuses: Readonly<Record<ErrorKind, number>> = {
  usage: 400,
  invalid: 400,
  not_found: 404,
  conflict: 409,
  gone: 410,
  unfit: 422,
  busy: 503,
  unavailable: 503,
  config: 500,
  internal: 500,
}

/** An answer with a status of its own, where no error of ours stands behind it. */
export function problem(status: number, code: string, detail: string): ProblemDocument {
  return { title: STATUS_CODES[status] ?? 'Unknown Error', status, detail, code }
}

export function problemOf(thrown: unknown): ProblemDocument {
  if (thrown instanceof MbflowError && statuses[thrown.kind] !== 500) {
    const { code, kind, message, hint, problems } = thrown
    return {
      ...problem(statuses[kind], code, message),
      ...(hint !== undefined && { hint }),
      ...(problems.length > 0 && { problems }),
    }
  }
  const { statusCode: status, message } = frameworkError(thrown)
  if (status < 500) return problem(status, codes[status] ?? 'REQUEST_INVALID', message)
  if (status === 503) return problem(503, 'UNAVAILABLE', 'the request took too long')
  return problem(500, 'INTERNAL', 'something went wrong on our side; the log of the server says what')
}

const codes: Readonly<Record<number, string>> = {
  413: 'REQUEST_TOO_LARGE',
  414: 'URL_TOO_LONG',
  415: 'MEDIA_TYPE_UNSUPPORTED',
}

/** Errors of the HTTP framework carry the status they stand for. */
function frameworkError(thrown: unknown): { statusCode: number; message: string } {
  const { statusCode, message } = (thrown ?? {}) as { statusCode?: unknown; message?: unknown }
  const code = (thrown as { code?: unknown } | undefined)?.code
  const ours = typeof code === 'string' && code.startsWith('FST_')
  if (!ours || typeof statusCode !== 'number') return { statusCode: 500, message: '' }
  return { statusCode, message: String(message) }
}

/** For what the HTTP parser of Node refuses, by its error code. */
export function problemOfSocket(code: string): ProblemDocument {
  if (code === 'HPE_HEADER_OVERFLOW') return problem(431, 'HEADERS_TOO_LARGE', 'the headers are too large')
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return problem(408, 'REQUEST_TIMEOUT', 'the request did not arrive in time')
  return problem(400, 'REQUEST_INVALID', 'this is not a valid HTTP request')
}
