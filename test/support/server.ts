// The PostgreSQL server tests run on: the one TEST_DATABASE_URL names, else a container when a container engine answers,
// else the embedded one. A server of ours keeps nothing and takes its databases with it when it stops; on a given server
// the databases of the run are dropped.
import { messageOf } from '../../src/base/errors.ts'
import { type Logger, silentLogger } from '../../src/base/log.ts'
import { startTemporary } from '../../src/db/embedded.ts'
import { createPool } from '../../src/db/pool.ts'

export interface TestServer {
  readonly source: string
  /** Of a database in which others can be created. */
  readonly url: string
  stop(): Promise<void>
}

const IMAGE = 'postgres:17-alpine'
const CONTAINER_PATIENCE_MS = 180_000
/** Nothing in it outlives the run, so nothing needs to reach the disk. */
const CONTAINER_SETTINGS = ['fsync=off', 'full_page_writes=off', 'synchronous_commit=off', 'max_connections=300']

/** `run` is the beginning of the names of all databases of this run. */
export async function openServer(run: string, log: Logger): Promise<TestServer> {
  return given(run, log) ?? (await container()) ?? (await embedded(log))
}

function given(run: string, log: Logger): TestServer | undefined {
  const url = process.env.TEST_DATABASE_URL
  if (!url) return undefined
  return { source: 'TEST_DATABASE_URL', url, stop: () => dropDatabases(url, run, log) }
}

async function container(): Promise<TestServer | undefined> {
  const { getContainerRuntimeClient } = await import('testcontainers')
  const engine = await getContainerRuntimeClient().catch(() => undefined)
  if (engine === undefined) return undefined
  try {
    const { PostgreSqlContainer } = await import('@testcontainers/postgresql')
    const command = ['postgres', ...CONTAINER_SETTINGS.flatMap(setting => ['-c', setting])]
    const starting = new PostgreSqlContainer(IMAGE).withCommand(command).start()
    const started = await Promise.race([starting, giveUp(CONTAINER_PATIENCE_MS)])
    return {
      source: `container ${IMAGE}`,
      url: started.getConnectionUri(),
      stop: async () => void (await started.stop()),
    }
  } catch (error) {
    process.stderr.write(`A container engine answers, but ${IMAGE} did not start: ${messageOf(error)}\n`)
    return undefined
  }
}

function giveUp(ms: number): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`no answer after ${ms / 1000} s`)), ms).unref()
  })
}

async function embedded(log: Logger): Promise<TestServer> {
  return { source: 'embedded PostgreSQL', ...(await startTemporary({ log })) }
}

async function dropDatabases(url: string, run: string, log: Logger): Promise<void> {
  const pool = createPool({ url, applicationName: 'mbflow:test', max: 1, log })
  const { rows } = await pool.executeSql('select datname from pg_database where starts_with(datname, $1)', [run])
  for (const { datname } of rows as { datname: string }[])
    await pool.executeSql(`drop database "${datname}" with (force)`)
  await pool.end()
}

/** Adds a database to the server at `server` and gives its URL. */
export async function createDatabase(server: string, name: string, template: string): Promise<string> {
  const pool = createPool({ url: server, applicationName: 'mbflow:test', max: 1, log: silentLogger })
  await pool.executeSql(`create database "${name}" template "${template}"`).finally(() => pool.end())
  const url = new URL(server)
  url.pathname = `/${name}`
  return url.href
}
