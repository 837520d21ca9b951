// What the database, the driver or the network said, as an error a user can act on. The message names host, port,
// database and user, never the password; the hint says what to do.
import pg from 'pg'
import { type ErrorCode, MbflowError, messageOf, systemCode } from '../base/errors.ts'
import { databaseUrl } from '../base/setting-kinds.ts'

/** Where a URL leads, as the driver understands it. */
export interface DatabaseAddress {
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
}

/** Throws CONFIG_INVALID for a URL that the driver cannot use. */
export function databaseAddress(url: string): DatabaseAddress {
  const reading = databaseUrl.read(url)
  if ('refused' in reading) {
    throw new MbflowError(
      'CONFIG_INVALID',
      `the database URL ${reading.refused}`,
      reading.hint === undefined ? {} : { hint: reading.hint },
    )
  }
  try {
    const { host, port, database = '', user = '' } = new pg.Client({ connectionString: url })
    return { host, port, database, user }
  } catch (error) {
    // Not the cause itself: it may quote the URL.
    throw new MbflowError(
      'CONFIG_INVALID',
      `the database URL cannot be used: ${systemCode(error) ?? 'it is malformed'}`,
      {
        hint: 'Special characters in the password are written as %XX; files named by sslcert, sslkey or sslrootcert must be readable.',
      },
    )
  }
}

/** Whether the database is on this machine. */
export function isLocal({ host }: DatabaseAddress): boolean {
  return host.startsWith('/') || /^(localhost|127(\.\d+){3}|::1)$/i.test(host)
}

interface Explanation {
  readonly code: ErrorCode
  /** Continues "PostgreSQL at … ". */
  readonly what: string
  readonly hint: string | ((address: DatabaseAddress) => string)
}

const unavailable = (what: string, hint: Explanation['hint']): Explanation => ({
  code: 'DATABASE_UNAVAILABLE',
  what,
  hint,
})
const busy = (what: string, hint: Explanation['hint']): Explanation => ({ code: 'DATABASE_BUSY', what, hint })
const auth = (what: string, hint: Explanation['hint']): Explanation => ({ code: 'DATABASE_AUTH', what, hint })

const NO_ANSWER = unavailable(
  'does not answer',
  'Is the server running, and do host and port in the database URL lead to it?',
)
const TLS: Explanation = {
  code: 'CONFIG_INVALID',
  what: 'and this program do not agree on encryption',
  hint: 'Set sslmode (and sslrootcert) in the database URL as the server needs it.',
}

/** By SQLSTATE or system code; the first that matches. */
const byCode: readonly (readonly [RegExp, Explanation])[] = [
  [
    /^28(000|P01)$/,
    auth('refused the login', 'Check user and password in the database URL, and pg_hba.conf on the server.'),
  ],
  [
    /^3D000$/,
    auth(
      'has no such database',
      ({ host, port, user, database }) => `Create it: createdb -h ${host} -p ${port} -U ${user} ${database}`,
    ),
  ],
  [
    /^42501$/,
    {
      code: 'DATABASE_PRIVILEGE',
      what: 'refused for lack of a privilege',
      hint: ({ user, database }) =>
        `Make the user the owner: alter database "${database}" owner to "${user}"; or grant what the message names.`,
    },
  ],
  [
    /^(42P01|3F000)$/,
    { code: 'DATABASE_NOT_MIGRATED', what: 'lacks a table of this program', hint: 'Run: mbflow migrate up' },
  ],
  [
    /^53100$/,
    {
      code: 'DISK_FULL',
      what: 'has no disk space left',
      hint: "Free space on the server's disk; nothing half-written was kept.",
    },
  ],
  [/^53[34]00$/, busy('has no connection left', 'Raise max_connections on the server, or lower MBFLOW_DB_POOL_SIZE.')],
  [/^53/, busy('is short of resources', "Try again in a moment; the server's log says what it lacks.")],
  [/^55P03$/, busy('is locked by somebody else', 'Try again in a moment; pg_stat_activity shows who holds the lock.')],
  [/^(57014|25P03|40001|40P01)$/, busy('did not finish', 'Try again in a moment.')],
  [/^57P03$/, unavailable('is starting or stopping', 'Try again in a moment.')],
  [/^(57P..|08...)$/, unavailable('closed the connection', "Try again in a moment; the server's log says why.")],
  [
    /^25006$/,
    unavailable('accepts no writes', 'It is a standby, or set to read only: name the primary in the database URL.'),
  ],
  [/^(ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EHOST|ENET|EPIPE)/, NO_ANSWER],
  [/^(CERT_|ERR_TLS|ERR_SSL|EPROTO|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/, TLS],
]

/** The driver's own errors carry no code; those of a Unix socket carry one that any file may cause. */
const byMessage: readonly (readonly [RegExp, Explanation])[] = [
  [
    /password must be a string/,
    auth('wants a password', 'Write it into the database URL: postgres://user:password@host:port/database'),
  ],
  [/does not support SSL/, TLS],
  [/^connect E(NOENT|ACCES)\b/, NO_ANSWER],
  [
    /^(timeout expired|timeout exceeded when trying|query read timeout|connection terminated|client (was closed|has encountered))/i,
    NO_ANSWER,
  ],
]

/** An error that is neither ours nor the database's becomes INTERNAL. */
export function explainDatabaseError(error: unknown, url: string): MbflowError {
  if (error instanceof MbflowError) return error
  const said = messageOf(error).replace(/\s+/g, ' ')
  const code = systemCode(error)
  const matches =
    (text: string) =>
    ([pattern]: readonly [RegExp, Explanation]): boolean =>
      pattern.test(text)
  const [, found] = byCode.find(matches(code ?? '')) ?? byMessage.find(matches(said)) ?? []
  if (found === undefined) return new MbflowError('INTERNAL', said, { cause: error })
  const address = databaseAddress(url)
  const { host, port, database, user } = address
  return new MbflowError(
    found.code,
    `PostgreSQL at ${host}:${port} (database "${database}", user "${user}") ${found.what}: ${said}`,
    {
      hint: typeof found.hint === 'string' ? found.hint : found.hint(address),
      cause: error,
    },
  )
}

/** Whether a lock that somebody else holds stood in the way: the same transaction may go through the next time. */
export function isBlocked(error: unknown): boolean {
  return /^(55P03|40P01)$/.test(systemCode(error) ?? '')
}
