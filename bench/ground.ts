// What a benchmark runs on: a PostgreSQL of its own with durable settings, daemons as processes, and what the run cost.
// Nothing is compared across runs: every figure of ours stands beside the bare limit measured in the same run.
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../src/base/clock.ts'
import { createIds, type Ids } from '../src/base/id.ts'
import { silentLogger } from '../src/base/log.ts'
import { acquireEmbedded } from '../src/db/embedded.ts'
import { migrateUp } from '../src/db/migrate.ts'
import { createPool, type Pool } from '../src/db/pool.ts'
import { createQueue, installQueue, type Queue } from '../src/queue/queue.ts'

export interface Ground {
  readonly url: string
  readonly pool: Pool
  readonly queue: Queue
  readonly ids: Ids
  /** A daemon with these settings; resolves when it runs. */
  daemon(env?: Readonly<Record<string, string>>): Promise<Daemon>
  cost(daemon?: Daemon): Promise<Cost>
  close(): Promise<void>
}

export interface Daemon {
  readonly pid: number
  stop(): Promise<void>
}

/** Counters at one moment; differences mean something. */
export interface Cost {
  readonly commits: number
  readonly walBytes: number
  readonly serverCpuMs: number
  readonly daemonCpuMs: number
  /** Most memory the daemon ever held, bytes. */
  readonly peakBytes: number
}

/** Sizes only: durability stays as a server has it by default. */
const SETTINGS = { shared_buffers: '1GB', max_wal_size: '8GB', checkpoint_timeout: '15min' }
const ROOT = join(import.meta.dirname, '..')

export async function openGround(): Promise<Ground> {
  const folder = await mkdtemp(join(tmpdir(), 'mbflow-bench-'))
  await chmod(folder, 0o755)
  const server = await acquireEmbedded({ dataDir: join(folder, 'data'), log: silentLogger, settings: SETTINGS })
  const { url } = server
  await migrateUp({ url, log: silentLogger, afterUp: direct => installQueue(direct, silentLogger) })
  const pool = createPool({
    url,
    applicationName: 'mbflow:bench',
    max: 4,
    log: silentLogger,
    statementTimeout: 600_000,
  })
  await durable(pool)
  const queue = createQueue({ pool, log: silentLogger, supervise: false })
  await queue.start()
  const postmaster = Number(readFileSync(join(folder, 'data', 'pg', 'postmaster.pid'), 'utf8').split('\n')[0])
  return {
    url,
    pool,
    queue,
    ids: createIds(systemClock.now),
    daemon: env => startDaemon(url, env),
    async cost(daemon) {
      const { rows } =
        await pool.executeSql(`select xact_commit::integer as commits, pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 as wal
        from pg_stat_database where datname = current_database()`)
      const [{ commits, wal } = { commits: 0, wal: 0 }] = rows as { commits: number; wal: number }[]
      return {
        commits,
        walBytes: wal,
        serverCpuMs: treeCpuMs(postmaster),
        daemonCpuMs: daemon === undefined ? 0 : treeCpuMs(daemon.pid),
        peakBytes: daemon === undefined ? 0 : peakBytes(daemon.pid),
      }
    },
    async close() {
      await queue.stop()
      await pool.end()
      await server.release()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A figure on a server that may lose commits is none. */
async function durable(pool: Pool): Promise<void> {
  for (const setting of ['fsync', 'synchronous_commit', 'full_page_writes']) {
    const { rows } = await pool.executeSql(`show ${setting}`)
    if (!JSON.stringify(rows).includes('"on"')) throw new Error(`${setting} is off`)
  }
}

async function startDaemon(url: string, env: Readonly<Record<string, string>> = {}): Promise<Daemon> {
  const settings = { DATABASE_URL: url, PORT: '0', LOG_LEVEL: 'warn', MBFLOW_LOG_FORMAT: 'json', ...env }
  const child = spawn(process.execPath, [join(ROOT, 'bin/mbflow'), 'start', '--no-migrate'], {
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await running(child)
  return {
    pid: child.pid ?? 0,
    stop: () =>
      new Promise(resolve => {
        child.once('exit', () => resolve())
        child.kill('SIGTERM')
      }),
  }
}

function running(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('exit', code => reject(new Error(`the daemon ended with ${code}`)))
    child.stdout?.on('data', text => {
      if (String(text).includes('is running')) resolve()
    })
  })
}

const TICK_MS = 10

/** Processor time of a process and all it started, living or gone. */
function treeCpuMs(pid: number): number {
  const children = readdirSync('/proc').filter(name => /^\d+$/.test(name) && statOf(name)?.[1] === String(pid))
  const own = statOf(String(pid)) ?? []
  const ended = [11, 12, 13, 14].reduce((sum, field) => sum + Number(own[field] ?? 0), 0)
  return ended * TICK_MS + children.reduce((sum, child) => sum + treeCpuMs(Number(child)), 0)
}

/** Fields of /proc/<pid>/stat after the name; [0] is the state. */
function statOf(pid: string): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined // it has just ended
  }
}

function peakBytes(pid: number): number {
  const [, kilobytes = '0'] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}
