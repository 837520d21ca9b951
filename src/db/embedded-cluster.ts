// One cluster of the embedded server, and the one process that may serve it. Callers see to it that nobody else makes,
// starts or stops it at the same time. Invariants:
// 1. A cluster appears whole: it is made under another name and is on the disk before it gets its own.
// 2. Whether its server runs is read from the server's own pid file and the process table, never from its log.
import { type ChildProcess, spawn } from 'node:child_process'
import { constants, existsSync, readFileSync, statSync } from 'node:fs'
import { type FileHandle, mkdtemp, open, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { messageOf, systemCode } from '../base/errors.ts'
import { identityOf } from '../base/process-lock.cjs'
import { type Account, give, reasonIn, run, spawnAs } from './embedded-account.ts'
import type { Programs } from './embedded-programs.ts'
import { LOOPBACK, preparesSocket } from './embedded-socket.ts'

/** The superuser and the database. */
export const NAME = 'mbflow'

const POLL_MS = 5
/** Crash recovery reads the whole log since the last checkpoint. */
const START_PATIENCE_MS = 120_000
/** A killed server's children may hold its memory a little longer than it lives. */
const MEMORY_PATIENCE_MS = 10_000
const STOP_PATIENCE_MS = 60_000
const STILL_STARTING = 'it is still recovering; try again later'
const LOG_LIMIT_BYTES = 10 * 1024 * 1024

export interface Postmaster {
  readonly pid: number
  readonly port: number
  readonly status: string
}

/** The major version that made the cluster; undefined when there is none. */
export function clusterMajor(data: string): number | undefined {
  const file = join(data, 'PG_VERSION')
  return existsSync(file) ? Number.parseInt(readFileSync(file, 'utf8'), 10) : undefined
}

export interface NewCluster {
  readonly data: string
  readonly passwordFile: string
  readonly programs: Programs
  readonly account: Account | undefined
  /** Survives a power failure from the first moment; otherwise it is quicker. */
  readonly durable: boolean
}

export async function createCluster({ data, passwordFile, programs, account, durable }: NewCluster): Promise<void> {
  const [folder, prefix] = [dirname(data), `${basename(data)}.new-`]
  // What an attempt that was killed left behind. Its programs may live on: they never see the draft of this attempt.
  const left = (await readdir(folder)).filter(name => name.startsWith(prefix))
  for (const name of left) await rm(join(folder, name), { recursive: true, maxRetries: 10 })
  const draft = await mkdtemp(join(folder, prefix))
  await give(draft, account)
  const locale = ['--encoding=UTF8', '--locale=C']
  // Independent of the machine's locales; before 17 there is only C, which folds the case of ASCII letters alone.
  if (programs.major >= 17) locale.push('--locale-provider=builtin', '--builtin-locale=C.UTF-8')
  const access = ['--username', NAME, '--pwfile', passwordFile, '--auth=scram-sha-256']
  const rest = ['--data-checksums', '--no-instructions', ...(durable ? [] : ['--no-sync'])]
  await run(programs.initdb, ['--pgdata', draft, ...access, ...locale, ...rest], { account })
  const single = ['--single', '-D', draft, '-c', 'exit_on_error=on', 'postgres']
  await run(programs.postgres, single, { account, input: `create database ${NAME}\n` })
  await rename(draft, data)
  if (durable) await reachDisk(folder)
}

async function reachDisk(folder: string): Promise<void> {
  const handle = await open(folder)
  await handle.sync().finally(() => handle.close())
}

/** The living server of this cluster. */
export function findPostmaster(data: string): Postmaster | undefined {
  const lines = readPidFile(data)
  const pid = Number(lines[0])
  if (identityOf(pid) === undefined || !isAtHomeIn(data, pid)) return undefined
  return { pid, port: Number(lines[3]), status: lines[7]?.trim() ?? 'starting' }
}

function readPidFile(data: string): string[] {
  try {
    return readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return []
    throw error
  }
}

/** A pid file may have been left behind and its pid be another's by now: after the restart of a container it often is. */
function isAtHomeIn(data: string, pid: number): boolean {
  try {
    const [there, here] = [statSync(`/proc/${pid}/cwd`), statSync(data)]
    return there.ino === here.ino && there.dev === here.dev
  } catch {
    return true // no /proc, or not ours to read: the pid has to do
  }
}

export interface StartOptions {
  readonly data: string
  readonly logFile: string
  readonly programs: Programs
  readonly account: Account | undefined
  readonly port: number
  readonly settings: Readonly<Record<string, string>>
  /** A shell script that runs the server, `"$@"`, on the cluster in the folder `$0`; it gets a pipe as its stdin. */
  readonly script?: string
}

/** Resolves once the server takes connections; rejects with the reason it logged. */
export async function startServer(options: StartOptions): Promise<ChildProcess> {
  const begun = systemClock.monotonic()
  // Left behind, since nobody lives here; but PostgreSQL would take any process that has the pid by now, even a dead one
  // that waits to be reaped, for its predecessor. That none of its children lives on, it sees from their shared memory.
  await rm(join(options.data, 'postmaster.pid'), { force: true })
  const log = await openLog(options.logFile)
  try {
    for (;;) {
      const { size } = await log.stat()
      const child = await spawnServer(options, log)
      try {
        await ready(child, options.data)
        return child
      } catch (error) {
        const said = await readFrom(log, size)
        const again = /still in use/.test(said) && systemClock.monotonic() - begun < MEMORY_PATIENCE_MS
        if (!again) throw new Error(`${messageOf(error)}\n${reasonIn(said)}`, { cause: error })
        await systemClock.sleep(50)
      }
    }
  } finally {
    await log.close()
  }
}

/** Not through a link: root writes here, into a folder that may be somebody else's. */
async function openLog(file: string): Promise<FileHandle> {
  const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0)
  const log = await open(file, flags, 0o640)
  if ((await log.stat()).size < LOG_LIMIT_BYTES) return log
  await log.close()
  await rename(file, `${file}.1`)
  return open(file, flags, 0o640)
}

async function readFrom(log: FileHandle, position: number): Promise<string> {
  const length = (await log.stat()).size - position
  const { buffer } = await log.read({ buffer: Buffer.alloc(length), position })
  return buffer.toString()
}

async function spawnServer(
  { data, programs, account, port, settings, script }: StartOptions,
  log: FileHandle,
): Promise<ChildProcess> {
  const socket = (await preparesSocket(data, port)) ? '.' : '' // it runs in the folder of its data
  const server = [programs.postgres, '-D', data, '-h', LOOPBACK, '-p', String(port), '-k', socket]
  const set = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const shell = script === undefined ? [] : ['/bin/sh', '-c', script, dirname(data)]
  const [program = '', ...args] = [...shell, ...server, ...set]
  const child = spawn(program, args, {
    ...spawnAs(account),
    stdio: [script === undefined ? 'ignore' : 'pipe', log.fd, log.fd],
  })
  child.unref()
  return child
}

async function ready(child: ChildProcess, data: string): Promise<void> {
  let failed: string | undefined
  child.once('error', error => {
    failed = error.message
  })
  child.once('exit', (code, signal) => {
    failed = `it ended with ${signal ?? code}`
  })
  for (const begun = systemClock.monotonic(); ; await systemClock.sleep(POLL_MS)) {
    if (failed !== undefined) throw new Error(failed)
    if (findPostmaster(data)?.status === 'ready') return
    if (systemClock.monotonic() - begun > START_PATIENCE_MS) throw new Error(STILL_STARTING)
  }
}

/** The server that runs, once one that is starting does. */
export async function settledPostmaster(data: string): Promise<Postmaster | undefined> {
  for (const begun = systemClock.monotonic(); ; await systemClock.sleep(POLL_MS)) {
    const found = findPostmaster(data)
    if (found === undefined || found.status === 'ready') return found
    // Told to stop by somebody else, it would wait for its clients to leave, and those are we.
    if (found.status === 'stopping') await stopServer(found)
    else if (systemClock.monotonic() - begun > START_PATIENCE_MS) throw new Error(STILL_STARTING)
  }
}

/** Ends its connections, writes everything and stops. */
export async function stopServer({ pid }: Postmaster): Promise<void> {
  try {
    process.kill(pid, 'SIGINT')
  } catch (error) {
    if (systemCode(error) !== 'ESRCH') throw error
  }
  for (const begun = systemClock.monotonic(); identityOf(pid) !== undefined; await systemClock.sleep(POLL_MS)) {
    if (systemClock.monotonic() - begun > STOP_PATIENCE_MS) throw new Error(`process ${pid} does not stop`)
  }
}
