// Why a request is not taken. The codes are closed; what they say is read by whoever sent it, so it never holds a secret,
// the signature that was expected, or anything the sender did not already know.

/** Each with the HTTP status it is answered with. */
export const refusalStatuses = {
  ADDRESS_REFUSED: 403,
  BODY_INVALID: 400,
  CREDENTIALS_MISSING: 401,
  CREDENTIALS_WRONG: 401,
  DELIVERY_CONFLICT: 409,
  DELIVERY_ID_MISSING: 400,
  /** No such hook, or none that takes this method, or a disabled one: which, is nobody's business. */
  HOOK_NOT_FOUND: 404,
  MEDIA_TYPE_UNSUPPORTED: 415,
  /** More at once than can be written down. */
  OVERLOADED: 503,
  QUERY_INVALID: 400,
  RATE_LIMITED: 429,
  REQUEST_TOO_LARGE: 413,
  /** Ours to mend: what the config names is missing, or is no key. The sender does well to try again later. */
  SECRET_UNUSABLE: 503,
  SIGNATURE_MALFORMED: 401,
  SIGNATURE_MISSING: 401,
  SIGNATURE_WRONG: 401,
  TIMESTAMP_OUTSIDE: 401,
} as const

export type RefusalCode = keyof typeof refusalStatuses

export interface Refused {
  readonly kind: 'refused'
  readonly code: RefusalCode
  readonly message: string
  /** What the header WWW-Authenticate says, of who is not proven. */
  readonly authenticate?: string
  /** Seconds after which it is worth another try. */
  readonly retryAfter?: number
}

export function refused(code: RefusalCode, message: string, retryAfter?: number): Refused {
  return { kind: 'refused', code, message, ...(retryAfter === undefined ? {} : { retryAfter }) }
}

export const hookNotFound: Refused = refused('HOOK_NOT_FOUND', 'there is no such hook')
