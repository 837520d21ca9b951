// Which database: DATABASE_URL if there is one, else the embedded PostgreSQL of this machine, shared by all daemons and
// commands that use the same data folder.
import type { Clock } from '../base/clock.ts'
import type { Config, Environment } from '../base/config.ts'
import type { Logger } from '../base/log.ts'
import { createLoop, type Service } from '../base/service.ts'
import { acquireEmbedded, defaultDataDir } from './embedded.ts'

export interface Database {
  readonly url: string
  /** Folder of the embedded server; undefined for a server of the user's. */
  readonly dataDir: string | undefined
  /** A service that restarts the embedded server if it finds it dead; nothing to do for a server of the user's. */
  watch(clock: Clock): Service
  release(): Promise<void>
}

const WATCH_MS = 1_000

export async function openDatabase({
  config,
  env,
  log,
}: {
  config: Config
  env: Environment
  log: Logger
}): Promise<Database> {
  if (config.databaseUrl !== undefined) {
    const idle: Service = { name: 'database', start: async () => {}, stop: async () => {} }
    return { url: config.databaseUrl, dataDir: undefined, watch: () => idle, release: async () => {} }
  }
  const dataDir = config.dataDir ?? defaultDataDir(env, process.getuid?.())
  const server = await acquireEmbedded({
    dataDir,
    log,
    ...(config.pgBin === undefined ? {} : { binDir: config.pgBin }),
  })
  return {
    url: server.url,
    dataDir: server.dataDir,
    watch: clock =>
      createLoop({
        name: 'database',
        clock,
        log,
        every: WATCH_MS,
        tick: async () => void (await server.ensureRunning()),
      }),
    release: () => server.release(),
  }
}
