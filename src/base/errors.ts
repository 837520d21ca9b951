// Every error a user can meet, with one closed list of codes. A code is stable: it may be added, never renamed or reused.
// The kind decides the exit code of a command and the status of an HTTP answer, in one place each.

export type ErrorKind =
  | 'usage' // the command line is wrong
  | 'config' // the configuration or the installation is wrong
  | 'invalid' // the data given is wrong
  | 'not_found'
  | 'conflict' // right data, wrong moment
  | 'gone' // it was there once
  | 'unfit' // understood, but not what is asked for
  | 'busy' // somebody else holds it: try again
  | 'unavailable' // something we need does not answer
  | 'internal' // our fault

export const errorKinds = {
  BACKFILL_NOT_FOUND: 'not_found',
  CALENDAR_NOT_FOUND: 'not_found',
  CALLBACK_GONE: 'gone',
  CALLBACK_INVALID: 'unfit',
  CALLBACK_NOT_FOUND: 'not_found',
  CALLBACK_USED: 'conflict',
  CONFIG_INVALID: 'config',
  DATABASE_AUTH: 'config',
  DATABASE_BUSY: 'busy',
  DATABASE_NEWER: 'config',
  DATABASE_NOT_MIGRATED: 'config',
  DATABASE_PRIVILEGE: 'config',
  DATABASE_UNAVAILABLE: 'unavailable',
  DISK_FULL: 'unavailable',
  DOCUMENT_INVALID: 'invalid',
  EMBEDDED_FAILED: 'unavailable',
  EVENT_INVALID: 'invalid',
  EXECUTION_CANCELLING: 'conflict',
  EXECUTION_COMPENSATING: 'conflict',
  EXECUTION_FAILED: 'conflict',
  EXECUTION_IS_ITEM: 'conflict',
  EXECUTION_NOT_DEAD: 'conflict',
  EXECUTION_NOT_FOUND: 'not_found',
  EXECUTION_OPEN: 'conflict',
  EXECUTION_OVER: 'conflict',
  EXECUTION_TOO_LONG: 'conflict',
  FILE_UNREADABLE: 'invalid',
  INPUT_INVALID: 'invalid',
  INTERNAL: 'internal',
  LISTEN_FAILED: 'unavailable',
  MASTER_KEY_MISSING: 'config',
  MASTER_KEY_WRONG: 'config',
  MIGRATION_EDITED: 'config',
  MIGRATION_FAILED: 'internal',
  MIGRATION_LOCKED: 'busy',
  MIGRATION_ORDER: 'config',
  MIGRATION_PENDING: 'conflict',
  NAME_AMBIGUOUS: 'conflict',
  NODE_COMPENSATES: 'conflict',
  NODE_NOT_FOUND: 'not_found',
  NODE_NOT_RUN: 'conflict',
  PLUGIN_INVALID: 'config',
  QUEUE_VERSION: 'config',
  REFUSED: 'conflict',
  REQUEST_CONFLICT: 'conflict',
  SECRET_INVALID: 'invalid',
  SECRET_NOT_FOUND: 'not_found',
  TRIGGER_DISABLED: 'conflict',
  TRIGGER_NOT_FOUND: 'not_found',
  TRIGGER_NOT_WEBHOOK: 'invalid',
  TRIGGER_PAUSED: 'conflict',
  USAGE: 'usage',
  VERIFICATION_FAILED: 'internal',
  WORKFLOW_NOT_ACTIVE: 'conflict',
  WORKFLOW_NOT_FOUND: 'not_found',
} as const satisfies Record<string, ErrorKind>

export type ErrorCode = keyof typeof errorKinds

/** One thing wrong in something a user wrote: where (a path such as `nodes[2].config.url`), what, and what to do. */
export interface Problem {
  readonly path: string
  readonly message: string
  readonly hint?: string
}

export interface ErrorExtras {
  readonly hint?: string
  readonly problems?: readonly Problem[]
  readonly details?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

/** An error meant to be read by a user: `message` says what was wrong and where, `hint` what to do about it. */
export class MbflowError extends Error {
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly problems: readonly Problem[]
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, extras: ErrorExtras = {}) {
    super(message, extras.cause === undefined ? undefined : { cause: extras.cause })
    this.name = 'MbflowError'
    this.code = code
    this.hint = extras.hint
    this.problems = extras.problems ?? []
    this.details = extras.details ?? {}
  }

  get kind(): ErrorKind {
    return errorKinds[this.code]
  }
}

/** The message of anything that was thrown; for logs and for errors that cross a border. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof AggregateError && thrown.message === '') return thrown.errors.map(messageOf).join('; ')
  if (thrown instanceof Error) return thrown.message === '' ? thrown.name : thrown.message
  return String(thrown)
}

/** The `code` of a system or driver error (`ECONNREFUSED`, a SQLSTATE), if it carries one. */
export function systemCode(thrown: unknown): string | undefined {
  if (thrown instanceof AggregateError && thrown.errors.length > 0) return systemCode(thrown.errors[0])
  const code = (thrown as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

/** `text` as a message can show it: on one line, only what can be printed and stored, at most `length` characters. */
export function excerpt(text: string, length: number): string {
  const line = text.replace(/[\p{C}\s]+/gu, ' ').trim()
  return line.length > length ? `${line.slice(0, length - 1).replace(/\p{Cs}$/u, '')}…` : line
}
