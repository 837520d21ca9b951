// The one connection of a migration run. It is direct and its own: the lock around a run belongs to the session, which a
// transaction pooler would hand to somebody else.
import pg from 'pg'
import { MbflowError, systemCode } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { databaseAddress, explainDatabaseError } from './errors.ts'
import {
  lockHolder,
  prepareSession,
  type ServerFacts,
  setLockTimeout,
  tryLock,
  waitForLock,
} from './migration-store.ts'
import type { Db } from './pool.ts'
import type { Statement } from './sql.ts'

export interface Session extends Db {
  readonly url: string
  /** Sends statements as they stand in a file. */
  script(text: string): Promise<void>
}

const MIN_SERVER = 140_000
const LOCK_PATIENCE_MS = 60_000

/** Whatever goes wrong in `work` comes out as an error for the user. */
export async function inSession<T>(url: string, work: (session: Session) => Promise<T>): Promise<T> {
  databaseAddress(url) // refuses a URL that the driver would misread
  const client = new pg.Client({
    connectionString: url,
    application_name: 'mbflow:migrate',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  })
  // A connection that breaks fails the statement in flight, or the next one.
  client.on('error', () => {})
  const send = ({ text, values }: Statement): Promise<pg.QueryResult> => client.query(text, [...values])
  const session: Session = {
    url,
    rows: async <R>(statement: Statement) => (await send(statement)).rows as R[],
    run: async statement => (await send(statement)).rowCount ?? 0,
    script: async text => void (await client.query(text)),
  }
  try {
    await client.connect()
    refuseServer(await prepareSession(session))
    return await work(session)
  } catch (error) {
    throw explainDatabaseError(error, url)
  } finally {
    await client.end().catch(() => {})
  }
}

function refuseServer({ version, encoding }: ServerFacts): void {
  if (version < MIN_SERVER) {
    throw new MbflowError('CONFIG_INVALID', `the server is PostgreSQL ${Math.floor(version / 10_000)}`, {
      hint: 'mbflow needs PostgreSQL 14 or newer.',
    })
  }
  if (encoding !== 'UTF8') {
    throw new MbflowError('CONFIG_INVALID', `the database's encoding is ${encoding}`, {
      hint: 'mbflow needs UTF8: createdb --encoding=UTF8 --template=template0 …',
    })
  }
}

/** Takes the lock around a run; it goes with the session. Waits for another run, 60 s unless told. */
export async function lockRuns(
  session: Session,
  { log, patienceMs = LOCK_PATIENCE_MS }: { log: Logger; patienceMs?: number | undefined },
): Promise<void> {
  if (await tryLock(session)) return
  const holder = await lockHolder(session)
  log.warn({ evt: 'migrate.waiting', holder }, 'another migration is running; waiting for it')
  await setLockTimeout(session, patienceMs)
  try {
    await waitForLock(session)
  } catch (error) {
    if (systemCode(error) !== '55P03') throw error
    const by = `the server process ${holder ?? '(unknown)'} of another migration`
    throw new MbflowError('MIGRATION_LOCKED', `${by} still holds the lock after ${patienceMs / 1000} s`, {
      hint: 'Try again when it is done. If it hangs, select pg_terminate_backend(<process>) ends it; its file is rolled back.',
    })
  }
}

export async function inTransaction(session: Session, work: () => Promise<void>): Promise<void> {
  await session.script('begin')
  try {
    await work()
    await session.script('commit')
  } catch (error) {
    await session.script('rollback').catch(() => {})
    throw error
  }
}
