// What a stretch of work cost the server and a daemon. Commits and rows are counted in the write-ahead log: the server's
// statistics are seconds late, and count what the benchmark itself reads.
import { readFileSync, writeFileSync } from 'node:fs'
import type { Pool } from '../src/db/pool.ts'
import { sql } from '../src/db/sql.ts'

export interface Cost {
  /** Transactions that wrote. */
  readonly commits: number
  /** Rows inserted, updated or deleted. */
  readonly rows: number
  readonly walBytes: number
  readonly serverCpuMs: number
  readonly daemonCpuMs: number
  /** Of this process: starting executions, and waiting for them. */
  readonly driverCpuMs: number
  /** Most memory the daemon held meanwhile, without its child processes. */
  readonly peakBytes: number
}

export interface Meter {
  stop(): Promise<Cost>
}

/** The processes by their pids. */
export async function startMeter(pool: Pool, pids: { postmaster: number; daemon: number }): Promise<Meter> {
  const from = await walPosition(pool)
  forgetPeak(pids.daemon)
  const [server, daemon, driver] = [treeCpuMs(pids.postmaster), treeCpuMs(pids.daemon), process.cpuUsage()]
  return {
    async stop() {
      const spent = {
        serverCpuMs: treeCpuMs(pids.postmaster) - server,
        daemonCpuMs: treeCpuMs(pids.daemon) - daemon,
        driverCpuMs: cpuMs(process.cpuUsage(driver)),
        peakBytes: peakBytes(pids.daemon),
      }
      return { ...spent, ...(await written(pool, from)) }
    },
  }
}

async function walPosition(pool: Pool): Promise<string> {
  const [row] = await pool.rows<{ position: string }>(
    sql('bench.wal')`select pg_current_wal_flush_lsn()::text as position`,
  )
  if (row === undefined) throw new Error('the server does not say where its log is')
  return row.position
}

async function written(pool: Pool, from: string): Promise<Pick<Cost, 'commits' | 'rows' | 'walBytes'>> {
  const to = await walPosition(pool)
  const [row] = await pool.rows<{ commits: number; rows: number; bytes: number }>(sql('bench.written')`
    select pg_wal_lsn_diff(${to}::pg_lsn, ${from}::pg_lsn)::float8 as bytes,
      coalesce(sum(count) filter (where kind = 'Transaction/COMMIT'), 0)::bigint as commits,
      coalesce(sum(count) filter (where kind ~ '^Heap/(INSERT|UPDATE|HOT_UPDATE|DELETE)'), 0)::bigint as rows
    from pg_get_wal_stats(${from}::pg_lsn, ${to}::pg_lsn, true) as stats (kind, count)`)
  return { commits: row?.commits ?? 0, rows: row?.rows ?? 0, walBytes: row?.bytes ?? 0 }
}

function cpuMs({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1000
}

const TICK_MS = 10

/** Processor time of a process and all it started, living or gone. */
export function treeCpuMs(pid: number): number {
  try {
    const own = statOf(pid)
    const ticks = [11, 12, 13, 14].reduce((sum, field) => sum + Number(own[field] ?? 0), 0)
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
    return children.reduce((sum, child) => sum + treeCpuMs(Number(child)), ticks * TICK_MS)
  } catch {
    return 0 // it has just ended; its parent has what it used
  }
}

/** How many cores other programs take from now on, on average; what the host keeps from this machine counts. */
export function watchOthers(): () => number {
  const [busy, own, startedAt] = [busyMs(), treeCpuMs(process.pid), performance.now()]
  return () => Math.max(0, busyMs() - busy - (treeCpuMs(process.pid) - own)) / (performance.now() - startedAt)
}

/** Of all processors, whoever they worked for. */
function busyMs(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (
    readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? ''
  )
    .split(/\s+/)
    .slice(1)
    .map(Number)
  return (user + nice + system + irq + softirq + steal) * TICK_MS
}

export function parentOf(pid: number): number {
  return Number(statOf(pid)[1])
}

/** Fields of /proc/<pid>/stat after the name; [0] is the state. */
function statOf(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}

/** The peak counts anew from here. */
function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

function peakBytes(pid: number): number {
  const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  if (kilobytes === undefined) throw new Error(`process ${pid} does not say how much memory it held`)
  return Number(kilobytes) * 1024
}
