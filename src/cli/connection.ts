// The database of a command: the one the configuration names, or the embedded one, held for as long as the command runs.
import type { Config, Environment } from '../base/config.ts'
import type { MbflowError } from '../base/errors.ts'
import { createLogger, type Logger } from '../base/log.ts'
import { openDatabase } from '../db/database.ts'
import { explainDatabaseError } from '../db/errors.ts'
import { createPool, type Pool } from '../db/pool.ts'

export interface Connection {
  readonly url: string
  /** Folder of the embedded PostgreSQL; undefined for a server of the user's. */
  readonly dataDir: string | undefined
  readonly pool: Pool
  readonly log: Logger
  /** What went wrong while it was used, in words a user can act on. */
  explain(error: unknown): MbflowError
  close(): Promise<void>
}

export async function openConnection(config: Config, env: Environment): Promise<Connection> {
  // People who run a command want its result; how the database was reached is of interest when something is wrong.
  const level = config.origins.logLevel.source === 'default' ? 'warn' : config.logLevel
  const log = await createLogger({ level, pretty: config.logFormat !== 'json' })
  const database = await openDatabase({ config, env, log })
  const pool = createPool({ url: database.url, applicationName: 'mbflow:cli', max: 4, log })
  return {
    url: database.url,
    dataDir: database.dataDir,
    pool,
    log,
    explain: error => explainDatabaseError(error, database.url),
    async close() {
      await pool.end()
      await database.release()
    },
  }
}
