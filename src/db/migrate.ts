// Brings a database to the schema of this program, and back. Invariants:
// 1. One lock is held around a whole run, so that concurrent runs follow each other.
// 2. A file and the memory of it are one transaction (unless its header opts out): it is applied whole and remembered,
//    or neither.
// 3. Nothing is changed in a database whose past is not that of the files: newer, edited, or with a gap.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../base/clock.ts'
import { MbflowError, messageOf, systemCode } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { explainDatabaseError, isBlocked } from './errors.ts'
import { ensureEventPartitions } from './event-partitions.ts'
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
import { inSession, inTransaction, lockRuns, type Session } from './migration-session.ts'
import {
  appliedMigrations,
  createMemory,
  dropRest,
  forget,
  queueVersion,
  remember,
  setLockTimeout,
} from './migration-store.ts'
import type { Db } from './pool.ts'

export interface MigrateOptions {
  readonly url: string
  readonly log: Logger
  /** The folder of the migrations; the program's own unless named. */
  readonly dir?: string
  /** Milliseconds to wait for another run; 60 000 unless named. */
  readonly lockPatienceMs?: number
}

export interface UpOptions extends MigrateOptions {
  /** The last migration to apply: its name or number. */
  readonly to?: string
  /** Runs under the same lock once nothing is pending; for schemas that other slices own. */
  readonly afterUp?: (url: string) => Promise<void>
}

export interface DownOptions extends MigrateOptions {
  /** How many migrations to roll back; 1 unless named. */
  readonly steps?: number
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
/** A statement waits this long for a lock on a table, and with it everything that queues up behind it. */
const LOCK_TIMEOUT_MS = 2_000
const ATTEMPTS = 5

/** Applies what is pending, then makes the partitions of events; resolves to what was applied. */
export function migrateUp(options: UpOptions): Promise<MigrationStep[]> {
  return inRun(options, async (session, migrations) => {
    await inTransaction(session, () => createMemory(session))
    const statuses = compare(migrations, await appliedMigrations(session))
    refuseNewer(statuses)
    refuseEdited(statuses)
    refuseGap(statuses)
    const pending = new Set(inState(statuses, 'pending'))
    const wanted = upTo(migrations, options.to).filter(({ name }) => pending.has(name))
    const steps: MigrationStep[] = []
    for (const { name, checksum, up } of wanted) {
      const durationMs = await run(session, up, ms => remember(session, { name, checksum, durationMs: ms }))
      options.log.info({ evt: 'migrate.applied', migration: name, ms: durationMs }, 'migration applied')
      steps.push({ name, durationMs })
    }
    if (wanted.length === pending.size) {
      await ensureEventPartitions(session, options.log)
      await options.afterUp?.(options.url)
    }
    return steps
  })
}

/** Rolls back the last migrations; resolves to what was rolled back. */
export function migrateDown({ steps = 1, ...options }: DownOptions): Promise<MigrationStep[]> {
  return inRun(options, async (session, migrations) => {
    const statuses = compare(migrations, await appliedMigrations(session))
    refuseNewer(statuses)
    refuseEdited(statuses)
    return rollBack(session, lastApplied(migrations, statuses, steps), options.log)
  })
}

/** Rolls back everything and drops the queue's schema: what is left is what was there before the first `up`. */
export function migrateReset(options: MigrateOptions): Promise<MigrationStep[]> {
  return inRun(options, async (session, migrations) => {
    const statuses = compare(migrations, await appliedMigrations(session))
    refuseNewer(statuses)
    const steps = await rollBack(session, lastApplied(migrations, statuses, migrations.length), options.log)
    await inTransaction(session, () => dropRest(session))
    return steps
  })
}

/** Changes nothing and waits for nobody. */
export async function migrationStatus({ url, dir }: Pick<MigrateOptions, 'url' | 'dir'>): Promise<MigrationReport> {
  const migrations = readFolder(dir)
  return inSession(url, async session => ({
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

function upTo(migrations: readonly Migration[], to: string | undefined): readonly Migration[] {
  if (to === undefined) return migrations
  const last = migrations.findIndex(({ name }) => name === to || name.startsWith(`${to}_`))
  if (last >= 0) return migrations.slice(0, last + 1)
  const names = migrations.map(({ name }) => name).join(', ')
  throw new MbflowError('USAGE', `there is no migration "${to}"`, { hint: `There are: ${names}` })
}

function lastApplied(
  migrations: readonly Migration[],
  statuses: readonly MigrationStatus[],
  count: number,
): readonly Migration[] {
  const pending = new Set(inState(statuses, 'pending'))
  return migrations.filter(({ name }) => !pending.has(name)).slice(-count)
}

async function rollBack(session: Session, migrations: readonly Migration[], log: Logger): Promise<MigrationStep[]> {
  const steps: MigrationStep[] = []
  for (const { name, down } of migrations.toReversed()) {
    const durationMs = await run(session, down, () => forget(session, name))
    log.info({ evt: 'migrate.rolled_back', migration: name, ms: durationMs }, 'migration rolled back')
    steps.push({ name, durationMs })
  }
  return steps
}

/** Runs a script and writes, in its transaction, what is to be remembered; resolves to the milliseconds it took. */
async function run(session: Session, script: Script, note: (durationMs: number) => Promise<void>): Promise<number> {
  const startedAt = systemClock.monotonic()
  const elapsed = (): number => Math.round(systemClock.monotonic() - startedAt)
  const statements = separateStatements(script.text)
  try {
    if (statements === undefined) {
      await runWhole(session, script, () => note(elapsed()))
    } else {
      // An index built aside waits for every transaction older than itself; giving up would leave half of it behind.
      await setLockTimeout(session, 0)
      for (const statement of statements) await session.script(statement)
      await note(elapsed())
      await setLockTimeout(session, LOCK_TIMEOUT_MS)
    }
    return elapsed()
  } catch (error) {
    throw failure(error, script, session.url)
  }
}

/** Tries again when a table stays locked or a deadlock ends it: nothing was kept. */
async function runWhole(session: Session, { text }: Script, note: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await inTransaction(session, async () => {
        await session.script(text)
        await note()
      })
    } catch (error) {
      if (!isBlocked(error) || attempt === ATTEMPTS) throw error
    }
  }
}

/** What PostgreSQL refuses in the script is the script's failure; what ails the database stays that. */
function failure(error: unknown, { file, text }: Script, url: string): MbflowError {
  const explained = explainDatabaseError(error, url)
  const sqlstate = systemCode(error)
  if (sqlstate === undefined || !['INTERNAL', 'DATABASE_NOT_MIGRATED'].includes(explained.code)) {
    const { code, message, hint, cause } = explained
    return new MbflowError(code, `${file}: ${message}`, { cause, ...(hint !== undefined && { hint }) })
  }
  const { position, detail, hint } = error as { position?: string; detail?: string; hint?: string }
  const whole = separateStatements(text) === undefined
  const { line, column } = lineAndColumn(text, Number(position ?? 1))
  const where = whole && position !== undefined ? `${file}:${line}:${column}` : file
  const kept = whole ? 'Nothing of this file was kept.' : 'What came before in this file was kept.'
  return new MbflowError('MIGRATION_FAILED', `${where}: ${messageOf(error)} (SQLSTATE ${sqlstate})`, {
    hint: [detail, hint, kept].filter(Boolean).join(' '),
    cause: error,
  })
}

async function inRun<T>(
  options: MigrateOptions,
  work: (session: Session, migrations: Migration[]) => Promise<T>,
): Promise<T> {
  const migrations = readFolder(options.dir)
  return inSession(options.url, async session => {
    await lockRuns(session, { log: options.log, patienceMs: options.lockPatienceMs })
    await setLockTimeout(session, LOCK_TIMEOUT_MS)
    return work(session, migrations)
  })
}

function readFolder(dir = OWN_FOLDER): Migration[] {
  try {
    const names = readdirSync(dir).filter(name => name.endsWith('.sql'))
    return readMigrations(new Map(names.map(name => [name, readFileSync(join(dir, name), 'utf8')])))
  } catch (error) {
    if (error instanceof MbflowError) throw error
    throw new MbflowError('CONFIG_INVALID', `cannot read the migrations: ${messageOf(error)}`, {
      hint: 'Install mbflow again.',
      cause: error,
    })
  }
}
