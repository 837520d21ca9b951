// The only file that imports pg's pool. Invariants:
// 1. Connections are pipelined: statements issued together share a round trip, with the `begin` and `commit` around
//    them also a write; they still run in order.
// 2. `transaction` retries the whole unit on serialization failure and deadlock (40001, 40P01), at most 5 times with
//    jitter, so `work` must not have effects outside the database.
// 3. A connection that failed inside a transaction other than by a clean rollback is destroyed, never reused.
// 4. A broken connection is an error of its next statement, never of the process.
// 5. Only transaction-scoped state is used on pooled connections, so a transaction pooler may sit in between.
import pg from 'pg'
import { systemClock } from '../base/clock.ts'
import { MbflowError, messageOf, systemCode } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { readers } from './readers.ts'
import type { Statement } from './sql.ts'

/** Something that runs statements. */
export interface Db {
  /** The rows a statement returns. */
  rows<R>(statement: Statement): Promise<R[]>
  /** How many rows a statement changed. */
  run(statement: Statement): Promise<number>
}

/** For libraries that bring their own SQL (pg-boss's `db` option). */
export interface RawDb {
  executeSql(
    text: string | { name: string; text: string; values: unknown[] },
    values?: unknown[],
  ): Promise<{ rows: unknown[] }>
}

/** A transaction in progress; functions that write take this, so that writing outside one does not compile. */
export interface Tx extends Db, RawDb {
  readonly inTransaction: true
}

export interface Pool extends Db, RawDb {
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** A transaction of statements that are sent together, before `send` returns: one round trip, its commit included. Once. */
  atOnce<T>(send: (tx: Tx) => Promise<T>): Promise<T>
  end(): Promise<void>
}

export interface PoolOptions {
  readonly url: string
  /** Shows in pg_stat_activity, e.g. `mbflow:engine`. */
  readonly applicationName: string
  readonly max: number
  readonly log: Logger
  /** Milliseconds; 0 = none. */
  readonly statementTimeout?: number
  /** A transaction left idle longer than this is ended by the server, so that a paused process holds no locks. */
  readonly idleInTransactionTimeout?: number
}

/** SQLSTATEs that the data is to blame for: wrong, against a constraint, or too large. */
const REFUSAL = /^(22...|23...|54...|XX000)$/
/** Any other SQLSTATE is the fault of the server's state (starting, read-only, in want of a privilege …), any system code the network's. */
const TRANSIENT_CODE = /^([0-9A-Z]{5}|E(?!RR_)[A-Z_]+|(CERT|DEPTH|SELF|UNABLE|ERR_TLS|ERR_SSL)_[A-Z_]+)$/
const TRANSIENT_MESSAGE =
  /connection terminated|connection error|timeout exceeded when trying to connect|query read timeout|client was closed/i

/**
 * Whether the same statement could succeed when it is sent again later, to a database that is well. Whether a COMMIT so
 * answered took effect is unknown.
 */
export function isTransient(error: unknown): boolean {
  if (error instanceof MbflowError) return false
  const code = systemCode(error)
  if (code === undefined) return TRANSIENT_MESSAGE.test(messageOf(error))
  return TRANSIENT_CODE.test(code) && !REFUSAL.test(code)
}

const OUTLAST_MS = 200

/** Repeats `work` until the database answers, or until the signal aborts: then the last error. Only for what may run twice. */
export async function outlast<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (signal.aborted || !isTransient(error)) throw error
      await systemClock.sleep(OUTLAST_MS, signal)
    }
  }
}

/** Sends statements in one write to the socket: with one for each, the writes would cost more than what they carry. */
function inOneWrite<T>(client: pg.PoolClient, send: () => T): T {
  const { stream } = (client as pg.PoolClient & Pick<pg.Client, 'connection'>).connection
  stream.cork()
  try {
    return send()
  } finally {
    stream.uncork()
  }
}

const IN_FAILED_TRANSACTION = '25P02'
const CONFLICTS = new Set(['40001', '40P01'])
const ATTEMPTS = 5

/** Whether a transaction failed because of another one, and can succeed if it is tried again. */
export function isConflict(error: unknown): boolean {
  return CONFLICTS.has(systemCode(error) ?? '')
}

/** Repeats what failed because of another transaction. */
export async function despiteConflicts<T>(work: () => Promise<T>): Promise<T> {
  for (let i = 1; ; i++) {
    try {
      return await work()
    } catch (error) {
      if (i === ATTEMPTS || !isConflict(error)) throw error
      await systemClock.sleep(2 ** i * 5 * Math.random())
    }
  }
}

export function createPool(options: PoolOptions): Pool {
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: options.applicationName,
    max: options.max,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    pipeline: true,
    statement_timeout: options.statementTimeout ?? 30_000,
    query_timeout: (options.statementTimeout ?? 30_000) + 5_000,
    idle_in_transaction_session_timeout: options.idleInTransactionTimeout ?? 2_000,
    types: readers,
  } as pg.PoolConfig)
  // A connection may break while it is idle, or between two statements of a transaction: nobody awaits it then, and
  // without a listener of its own the event would end the process. Whoever uses it next gets the error.
  const lost = (error: Error): void => {
    if (!pool.ending) options.log.warn({ evt: 'db.connection_lost', err: error }, 'a database connection was lost')
  }
  pool.on('error', () => {})
  pool.on('connect', client => client.on('error', lost))

  const send = (client: pg.Pool | pg.PoolClient, statement: Statement): Promise<pg.QueryResult> =>
    client.query({ name: statement.name, text: statement.text, values: statement.values as unknown[] })

  const db = (client: pg.Pool | pg.PoolClient): Db & RawDb => ({
    rows: async <R>(statement: Statement) => (await send(client, statement)).rows as R[],
    run: async statement => (await send(client, statement)).rowCount ?? 0,
    executeSql: (text, values) => client.query(text, values),
  })

  async function attempt<T>(work: (tx: Tx) => Promise<T>, isSentAtOnce: boolean): Promise<T> {
    const client = await pool.connect()
    // Of statements sent together the first that failed is the cause; what the others say of it is an echo.
    let cause: unknown
    const watched = (raw: Db & RawDb): Db & RawDb => {
      const watch = <R>(answer: Promise<R>): Promise<R> => {
        answer.catch((error: unknown) => {
          if (systemCode(error) !== IN_FAILED_TRANSACTION) cause ??= error
        })
        return answer
      }
      return {
        rows: statement => watch(raw.rows(statement)),
        run: statement => watch(raw.run(statement)),
        executeSql: (text, values) => watch(raw.executeSql(text, values)),
      }
    }
    try {
      const [working, ending] = inOneWrite(client, () => {
        client.query('begin').catch(() => {}) // its failure shows in the first statement too
        const working = work({ ...watched(db(client)), inTransaction: true })
        return [working, isSentAtOnce ? client.query('commit') : undefined]
      })
      if (!isSentAtOnce) await working
      const [result, end] = await Promise.all([working, ending ?? client.query('commit')])
      if (end.command !== 'COMMIT') throw new Error('the transaction had failed and was rolled back')
      client.release()
      return result
    } catch (error) {
      await client.query('rollback').then(
        () => client.release(),
        () => client.release(true),
      )
      throw systemCode(error) === IN_FAILED_TRANSACTION ? (cause ?? error) : error
    }
  }

  return {
    ...db(pool),
    transaction: work => despiteConflicts(() => attempt(work, false)),
    atOnce: work => attempt(work, true),
    end: () => pool.end(),
  }
}
