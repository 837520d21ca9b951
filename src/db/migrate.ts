// Brings a database to the schema of this program, and back. Invariants:
// 1. One session lock is held around a whole run, so that concurrent runs follow each other; it needs a direct
//    connection, and this file alone opens one for it.
// 2. A file and the memory of it are one transaction (unless the file's header opts out): it is applied whole and
//    remembered, or neither.
// 3. Nothing is changed in a database whose past is not that of the files: newer, edited, or with a gap.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { systemClock } from '../base/clock.ts'
import { MbflowError, messageOf, systemCode } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { databaseAddress, explainDatabaseError } from './errors.ts'
import {
  compare,
  inState,
  lineAndColumn,
  type Migration,
  type MigrationStatus,
  readMigrations,
  refuseEdited,
  refuseGap,
  refuseNewer,
  refusePending,
  type Script,
  separateStatements,
} from './migration.ts'
import {
  appliedMigrations,
  createMemory,
  dropRest,
  forget,
  lockHolder,
  makeEventPartitions,
  prepareSession,
  queueVersion,
  remember,
  tryLock,
  waitForLock,
} from './migration-store.ts'
import type { Db } from './pool.ts'
import type { Statement } from './sql.ts'

export interface MigrateOptions {
  readonly url: string
  readonly log: Logger
  /** The folder of the migrations; the program's own unless named. */
  readonly dir?: string
  /** How long to wait for another run; 60 s unless named. */
  readonly lockPatienceMs?: number
}

export interface UpOptions extends MigrateOptions {
  /** The last migration to apply: its name or number. */
  readonly to?: string
  /** Runs under the same lock once nothing is pending; for schemas that other slices own. */
  readonly afterUp?: (url: string) => Promise<void>
}

export interface MigrationStep {
  readonly name: string
  readonly durationMs: number
}

export interface MigrationReport {
  readonly migrations: readonly MigrationStatus[]
  /** Version of the queue's own schema; null where it is not installed. */
  readonly queueVersion: number | null
}

const OWN_FOLDER = fileURLToPath(new URL('../../migrations', import.meta.url))
const LOCK_PATIENCE_MS = 60_000
const MIN_SERVER = 140_000
/** A statement waits this long for a lock on a table, and with it everything that queues up behind it. */
const LOCK_TIMEOUT_MS = 2_000
const ATTEMPTS = 5
const BLOCKED = new Set(['55P03', '40P01'])

/** Applies what is pending, then makes the partitions of events; resolves to what was applied. */
export function migrateUp(options: UpOptions): Promise<MigrationStep[]> {
  return locked(options, async (session, migrations) => {
    await createMemory(session)
    const statuses = compare(migrations, await appliedMigrations(session))
    refuseNewer(statuses)
    refuseEdited(statuses)
    refuseGap(statuses)
    const pending = new Set(inState(statuses, 'pending'))
    const wanted = upTo(migrations, options.to).filter(({ name }) => pending.has(name))
    const steps: MigrationStep[] = []
    for (const migration of wanted) {
      const durationMs = await run(session, migration.up, async ms => remember(session, { ...migration, durationMs: ms }))
      options.log.info({ evt: 'migrate.applied', migration: migration.name, ms: durationMs }, 'migration applied')
      steps.push({ name: migration.name, durationMs })
    }
    if (wanted.length === pending.size) {
      await ensureEventPartitions(session, options.log)
      await options.afterUp?.(options.url)
    }
    return steps
  })
}

/** Rolls back the last migrations, one unless told; resolves to what was rolled back. */
export function migrateDown({ steps = 1, ...options }: MigrateOptions & { readonly steps?: number }): Promise<MigrationStep[]> {
  return locked(options, async (session, migrations) => {
    const statuses = compare(migrations, await appliedMigrations(session))
    refuseNewer(statuses)
    refuseEdited(statuses)
    return rollBack(session, { migrations, statuses, steps, log: options.log })
  })
}

/** Rolls back everything and drops the queue's schema: what is left is what was there before the first `up`. */
export function migrateReset(options: MigrateOptions): Promise<MigrationStep[]> {
  return locked(options, async (session, migrations) => {
    const statuses = compare(migrations, await appliedMigrations(session))
    refuseNewer(statuses)
    const steps = await rollBack(session, { migrations, statuses, steps: migrations.length, log: options.log })
    await inTransaction(session, () => dropRest(session))
    return steps
  })
}

/** Changes nothing, waits for nobody. */
export function migrationStatus(options: MigrateOptions): Promise<MigrationReport> {
  const migrations = readFolder(options.dir)
  return connected(options.url, async session => ({
    migrations: compare(migrations, await appliedMigrations(session)),
    queueVersion: await queueVersion(session),
  }))
}

/** Throws unless the database is what this program was written for: DATABASE_NEWER, MIGRATION_EDITED, DATABASE_NOT_MIGRATED. */
export async function requireMigrated(db: Db, dir?: string): Promise<void> {
  const statuses = compare(readFolder(dir), await appliedMigrations(db))
  refuseNewer(statuses)
  refuseEdited(statuses)
  refusePending(statuses)
}

/**
 * Makes the partitions of events for this month and the next ones; for every start, before any role runs. If somebody
 * holds the tables it is left to the next call: until then the default partition takes the rows.
 */
export async function ensureEventPartitions(db: Db, log: Logger): Promise<void> {
  try {
    const made = await makeEventPartitions(db)
    if (made > 0) log.info({ evt: 'migrate.partitions_made', made }, 'event partitions made')
  } catch (error) {
    if (!BLOCKED.has(systemCode(error) ?? '')) throw error
    log.warn({ evt: 'migrate.partitions_postponed', err: error }, 'event partitions could not be made now')
  }
}

function upTo(migrations: readonly Migration[], to: string | undefined): readonly Migration[] {
  if (to === undefined) return migrations
  const last = migrations.findIndex(({ name }) => name === to || name.startsWith(`${to}_`))
  if (last >= 0) return migrations.slice(0, last + 1)
  throw new MbflowError('USAGE', `there is no migration "${to}"`, { hint: `There are: ${migrations.map(({ name }) => name).join(', ')}` })
}

interface RollBack {
  readonly migrations: readonly Migration[]
  readonly statuses: readonly MigrationStatus[]
  readonly steps: number
  readonly log: Logger
}

async function rollBack(session: Session, { migrations, statuses, steps, log }: RollBack): Promise<MigrationStep[]> {
  const pending = new Set(inState(statuses, 'pending'))
  const last = migrations.filter(({ name }) => !pending.has(name)).slice(-steps)
  const done: MigrationStep[] = []
  for (const { name, down } of last.toReversed()) {
    const durationMs = await run(session, down, () => forget(session, name))
    log.info({ evt: 'migrate.rolled_back', migration: name, ms: durationMs }, 'migration rolled back')
    done.push({ name, durationMs })
  }
  return done
}

/** Runs a script and, in its transaction, what is to be remembered of it; resolves to the milliseconds it took. */
async function run(session: Session, script: Script, after: (durationMs: number) => Promise<void>): Promise<number> {
  const startedAt = systemClock.monotonic()
  const elapsed = (): number => Math.round(systemClock.monotonic() - startedAt)
  const statements = separateStatements(script.text)
  for (let attempt = 1; ; attempt++) {
    try {
      if (statements === undefined) {
        await inTransaction(session, async () => {
          await session.script(script.text)
          await after(elapsed())
        })
      } else {
        for (const statement of statements) await session.script(statement)
        await after(elapsed())
      }
      return elapsed()
    } catch (error) {
      if (!BLOCKED.has(systemCode(error) ?? '') || attempt === ATTEMPTS) throw failure(session.url, script, error)
    }
  }
}

/** What is wrong with the database stays that; what the database refused in the script becomes MIGRATION_FAILED. */
function failure(url: string, { file, text }: Script, error: unknown): MbflowError {
  const explained = explainDatabaseError(error, url)
  if (explained.code !== 'INTERNAL' && explained.code !== 'DATABASE_NOT_MIGRATED') return explained
  const { code, position, detail, hint } = error as pg.DatabaseError
  const { line, column } = lineAndColumn(text, Number(position ?? 1))
  const where = position === undefined || separateStatements(text) ? file : `${file}:${line}:${column}`
  return new MbflowError('MIGRATION_FAILED', `${where}: ${messageOf(error)} (SQLSTATE ${code ?? 'unknown'})`, {
    hint: [detail, hint, 'Nothing of this file was kept.'].filter(Boolean).join(' '),
    cause: error,
  })
}

/** The one connection of a run. */
interface Session extends Db {
  readonly url: string
  /** Sends statements as they stand in a file. */
  script(text: string): Promise<void>
}

async function inTransaction(session: Session, work: () => Promise<void>): Promise<void> {
  await session.script('begin')
  try {
    await work()
    await session.script('commit')
  } catch (error) {
    await session.script('rollback').catch(() => {})
    throw error
  }
}

async function locked<T>(options: MigrateOptions, work: (session: Session, migrations: Migration[]) => Promise<T>): Promise<T> {
  const migrations = readFolder(options.dir)
  return connected(options.url, async session => {
    if (!(await tryLock(session))) {
      const holder = await lockHolder(session)
      const by = holder === undefined ? 'another run' : `the run of server process ${holder}`
      options.log.info({ evt: 'migrate.waiting', holder }, 'another migration is running; waiting for it')
      await awaitLock(session, { by, patienceMs: options.lockPatienceMs ?? LOCK_PATIENCE_MS })
    }
    return work(session, migrations)
  })
}

async function awaitLock(session: Session, { by, patienceMs }: { by: string; patienceMs: number }): Promise<void> {
  await prepareSession(session, patienceMs)
  try {
    await waitForLock(session)
  } catch (error) {
    if (systemCode(error) !== '55P03') throw error
    throw new MbflowError('MIGRATION_LOCKED', `${by} still holds the migration lock after ${patienceMs / 1000} s`, {
      hint: 'Try again when it is done. If it hangs: select pg_terminate_backend(<process>) ends it, and its file is rolled back.',
    })
  }
  await prepareSession(session, LOCK_TIMEOUT_MS)
}

async function connected<T>(url: string, work: (session: Session) => Promise<T>): Promise<T> {
  databaseAddress(url)
  const client = new pg.Client({
    connectionString: url,
    application_name: 'mbflow:migrate',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  })
  // The statement in flight fails with it; between statements the next one does.
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
    refuseServer(await prepareSession(session, LOCK_TIMEOUT_MS))
    return await work(session)
  } catch (error) {
    throw explainDatabaseError(error, url)
  } finally {
    await client.end().catch(() => {})
  }
}

function refuseServer({ version, encoding }: { version: number; encoding: string }): void {
  if (version < MIN_SERVER) {
    throw new MbflowError('CONFIG_INVALID', `the server is PostgreSQL ${Math.floor(version / 10_000)}`, { hint: 'mbflow needs PostgreSQL 14 or newer.' })
  }
  if (encoding !== 'UTF8') {
    throw new MbflowError('CONFIG_INVALID', `the database's encoding is ${encoding}`, {
      hint: 'mbflow needs UTF8: createdb --encoding=UTF8 --template=template0 …',
    })
  }
}

function readFolder(dir = OWN_FOLDER): Migration[] {
  let files: [string, string][]
  try {
    const names = readdirSync(dir).filter(name => name.endsWith('.sql'))
    files = names.map(name => [name, readFileSync(join(dir, name), 'utf8')])
  } catch (error) {
    throw new MbflowError('CONFIG_INVALID', `cannot read the migrations: ${messageOf(error)}`, { hint: 'Install mbflow again.', cause: error })
  }
  return readMigrations(new Map(files))
}
