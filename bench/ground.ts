// What a workload runs on: a PostgreSQL of its own with durable settings, and daemons as processes. All of it ends with
// this process, however that ends.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { statfsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { systemClock } from '../src/base/clock.ts'
import { createIds, type Ids } from '../src/base/id.ts'
import { silentLogger } from '../src/base/log.ts'
import { startTemporary } from '../src/db/embedded.ts'
import { migrateUp } from '../src/db/migrate.ts'
import { createPool, type Pool } from '../src/db/pool.ts'
import { sql } from '../src/db/sql.ts'
import { createQueue, installQueue, type Queue } from '../src/queue/queue.ts'
import { type Meter, parentOf, startMeter } from './cost.ts'

/** What puts executions into a database and looks at them. */
export interface Driver {
  readonly url: string
  readonly pool: Pool
  readonly queue: Queue
  readonly ids: Ids
}

export interface Ground extends Driver {
  readonly postmaster: number
  /** A daemon with these settings; resolves when it runs. */
  daemon(env?: Readonly<Record<string, string>>): Promise<Daemon>
  /** Counts from now on what the server and the daemon spend. */
  meter(daemon: Daemon): Promise<Meter>
}

export interface Daemon {
  readonly pid: number
  stop(): Promise<void>
}

/** Sizes, and what makes a commit last. */
const SETTINGS = {
  shared_buffers: '1GB',
  max_wal_size: '8GB',
  checkpoint_timeout: '15min',
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
}
const ROOT = join(import.meta.dirname, '..')

export async function onGround<T>(work: (ground: Ground) => Promise<T>): Promise<T> {
  const server = await startTemporary({ log: silentLogger, settings: SETTINGS })
  const { url } = server
  const pool = createPool({
    url,
    applicationName: 'mbflow:bench',
    max: 4,
    log: silentLogger,
    statementTimeout: 600_000,
  })
  const queue = createQueue({ pool, log: silentLogger, supervise: false })
  const daemons = new Set<Daemon>()
  try {
    await migrateUp({ url, log: silentLogger, afterUp: direct => installQueue(direct, silentLogger) })
    await requireDurable(pool)
    await pool.executeSql('create extension pg_walinspect')
    await queue.start()
    const postmaster = await postmasterOf(pool)
    return await work({
      url,
      pool,
      queue,
      ids: createIds(systemClock.now),
      postmaster,
      async daemon(env) {
        const daemon = await startDaemon(url, env)
        daemons.add(daemon)
        return daemon
      },
      meter: daemon => startMeter(pool, { postmaster, daemon: daemon.pid }),
    })
  } finally {
    await Promise.all([...daemons].map(daemon => daemon.stop()))
    await queue.stop()
    await pool.end()
    await server.stop()
  }
}

/** Of the PostgreSQL that workloads run on. */
export async function serverVersion(): Promise<string> {
  const server = await startTemporary({ log: silentLogger })
  const pool = createPool({ url: server.url, applicationName: 'mbflow:bench', max: 1, log: silentLogger })
  try {
    return await show(pool, 'server_version')
  } finally {
    await pool.end()
    await server.stop()
  }
}

const TMPFS = 0x01021994

/** A figure on a server that may lose commits is none. */
async function requireDurable(pool: Pool): Promise<void> {
  for (const setting of ['fsync', 'synchronous_commit', 'full_page_writes']) {
    if ((await show(pool, setting)) !== 'on') throw new Error(`${setting} is off`)
  }
  const folder = await show(pool, 'data_directory')
  if (statfsSync(folder).type === TMPFS)
    throw new Error(`${folder} is memory, not a disk: set TMPDIR to a folder on one`)
}

async function show(pool: Pool, setting: string): Promise<string> {
  const [row] = await pool.rows<{ value: string }>(sql('bench.show')`select current_setting(${setting}) as value`)
  return row?.value ?? ''
}

async function postmasterOf(pool: Pool): Promise<number> {
  const [row] = await pool.rows<{ pid: number }>(sql('bench.pid')`select pg_backend_pid() as pid`)
  return parentOf(row?.pid ?? 0)
}

/** As `npm start` and the launcher start it. */
const daemonFlags: string[] = createRequire(import.meta.url)('../bin/daemon-flags.cjs')

async function startDaemon(url: string, env: Readonly<Record<string, string>> = {}): Promise<Daemon> {
  const settings = { DATABASE_URL: url, PORT: '0', LOG_LEVEL: 'error', MBFLOW_LOG_FORMAT: 'json', ...env }
  const child = spawn(process.execPath, [...daemonFlags, join(ROOT, 'bin/mbflow'), 'start', '--no-migrate'], {
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', MBFLOW_LIFELINE: '3', ...settings },
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  })
  const ended = once(child, 'exit')
  await Promise.race([
    running(child),
    ended.then(([code]) => Promise.reject(new Error(`the daemon ended with ${code}`))),
  ])
  return {
    pid: child.pid ?? 0,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

function running({ stdout }: ChildProcess): Promise<void> {
  return new Promise(resolve => {
    stdout?.on('data', text => {
      if (String(text).includes('is running')) resolve()
    })
  })
}
