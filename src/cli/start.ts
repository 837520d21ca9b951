import type { Config } from '../base/config.ts'
import type { Logger } from '../base/log.ts'
import { maskUrl } from '../base/setting-kinds.ts'
import type { Database } from '../db/database.ts'
import { overTcp } from '../db/embedded-socket.ts'
import type { CliContext, Family } from './context.ts'
import { addSettingOptions, daemonSettings } from './settings.ts'

interface StartOptions {
  readonly examples?: boolean
  readonly migrate: boolean
}

export const startFamily: Family = (program, context) => {
  const start = program
    .command('start')
    .description('Start a daemon: fires triggers, runs executions, serves HTTP, until interrupted')
    .option('--examples', 'load the example workflows into a database that has no workflow yet')
    .option('--no-migrate', 'do not bring the database up to date; refuse to start if it is not')
    .action((options: StartOptions) => startDaemon(context, options))
  addSettingOptions(start, daemonSettings)
}

async function startDaemon(context: CliContext, { examples = false, migrate }: StartOptions): Promise<void> {
  const interrupted = context.interrupted()
  const { createLogger } = await import('../base/log.ts')
  const { environment } = await import('../base/config.ts')
  const { openDatabase } = await import('../db/database.ts')
  const { createDaemon } = await import('../app.ts')
  const config = context.config()
  const nodeTypes = await context.nodeTypes()
  const log = await createLogger({
    level: config.logLevel,
    pretty: config.logFormat === 'pretty' || (config.logFormat === 'auto' && process.stderr.isTTY === true),
  })
  const database = await openDatabase({ config, env: environment(), log })
  try {
    await prepare(database, { migrate, log })
    const daemon = createDaemon({ config, database, log, nodeTypes })
    try {
      await daemon.start()
      if (examples) await loadExamples(database, log)
      for (const line of welcome({ config, database, url: daemon.url() })) process.stdout.write(`${line}\n`)
      await new Promise<void>(resolve => {
        if (interrupted.aborted) resolve()
        else interrupted.addEventListener('abort', () => resolve(), { once: true })
      })
      log.info({ evt: 'daemon.draining' }, 'stopping: running nodes may end; interrupt again to leave at once')
    } finally {
      await daemon.stop()
    }
    log.info({ evt: 'daemon.stopped' }, 'stopped')
  } finally {
    await database.release()
  }
}

async function prepare({ url }: Database, { migrate, log }: { migrate: boolean; log: Logger }): Promise<void> {
  const { migrateUp, requireMigrated } = await import('../db/migrate.ts')
  const { createPool } = await import('../db/pool.ts')
  const { explainDatabaseError } = await import('../db/errors.ts')
  if (migrate) {
    const { installQueue } = await import('../queue/queue.ts')
    await migrateUp({ url, log, afterUp: direct => installQueue(direct, log) })
    return
  }
  const pool = createPool({ url, applicationName: 'mbflow:start', max: 1, log })
  try {
    await requireMigrated(pool)
  } catch (error) {
    throw explainDatabaseError(error, url)
  } finally {
    await pool.end()
  }
}

async function loadExamples({ url }: Database, log: Logger): Promise<void> {
  const { applyExamples } = await import('./examples.ts')
  const applied = await applyExamples(url, log)
  if (applied > 0) log.info({ evt: 'examples.loaded', workflows: applied }, 'loaded the example workflows')
}

interface Running {
  readonly config: Config
  readonly database: Database
  readonly url: string | undefined
}

/** The last thing a start says. */
function welcome({ config, database, url }: Running): string[] {
  const data =
    database.dataDir === undefined
      ? maskUrl(database.url)
      : `${database.dataDir} (embedded PostgreSQL at ${maskUrl(overTcp(database.url))})`
  return [
    '',
    'MBFlow is running.',
    '',
    `  Roles    ${config.roles.join(', ')}`,
    `  HTTP     ${url ?? 'not served by this daemon'}${url === undefined ? '' : '  (/healthz, /readyz, /metrics)'}`,
    `  Data     ${data}`,
    '',
    '  Try      bin/mbflow trigger list',
    '           bin/mbflow execution watch',
    '           bin/mbflow workflow list',
    '',
    '  Ctrl-C stops it.',
    '',
  ]
}
