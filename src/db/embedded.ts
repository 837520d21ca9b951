// The PostgreSQL that MBFlow brings along: one server per data folder, shared by every mbflow process that uses it.
// 1. Whoever needs the server first starts it, and the last one out stops it; a user that was killed does not count.
//    Joining, leaving, starting and stopping happen under a lock on the data folder that dies with its holder.
// 2. The server outlives the process that started it, and any user that finds it dead starts it again.
// 3. Its port stays the same while anybody uses it, since each of them holds the URL.
// 4. It listens on the loopback and a Unix socket only, and asks for a random password.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { MbflowError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { withLock } from '../base/process-lock.cjs'
import { maskUrl } from '../base/setting-kinds.ts'
import { choosePort, freePort, passwordIn, urlOf } from './embedded-access.ts'
import { give } from './embedded-account.ts'
import {
  clusterMajor,
  createCluster,
  findPostmaster,
  NAME,
  settledPostmaster,
  startServer,
  stopServer,
} from './embedded-cluster.ts'
import { explained } from './embedded-failure.ts'
import { makeFolders, type Place, placeIn, programsFor } from './embedded-place.ts'
import { countUsers, joinUsers } from './embedded-users.ts'

export interface EmbeddedServer {
  readonly url: string
  readonly dataDir: string
  /** This call started it. */
  readonly started: boolean
  /** Leaves; the last one out stops the server. */
  release(): Promise<void>
  /** Starts the server again, on its port, if it died; true if it had to. */
  ensureRunning(): Promise<boolean>
}

interface ServerOptions {
  readonly log: Logger
  /** The folder of the server's programs, instead of looking for them. */
  readonly binDir?: string | undefined
  /** PostgreSQL's own; they count for the process that starts the server. */
  readonly settings?: Readonly<Record<string, string>>
}

export interface EmbeddedOptions extends ServerOptions {
  readonly dataDir: string
}

/** Longer than a start with crash recovery may take. */
const LOCK_PATIENCE_MS = 150_000
const SETTINGS = { cluster_name: NAME, log_checkpoints: 'off' }
const THROW_AWAY = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '300' }

/** As root for the whole machine, otherwise the user's own. */
export function defaultDataDir(env: Readonly<Record<string, string | undefined>>, uid: number | undefined): string {
  if (uid === 0) return '/var/lib/mbflow'
  const { XDG_DATA_HOME: data = '', HOME: home = homedir() } = env
  return join(isAbsolute(data) ? data : join(home, '.local', 'share'), 'mbflow')
}

export async function acquireEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const { dataDir, log } = options
  const place = placeIn(dataDir)
  const begun = systemClock.monotonic()
  const { port, started, password, user } = await explained(place, async () => {
    await makeFolders(place)
    return alone(place, async () => {
      const mayMove = countUsers(place.users) === 0
      const password = await passwordIn(place)
      if (clusterMajor(place.data) === undefined) {
        const programs = await programsFor(place, options.binDir)
        await createCluster({ ...place, programs, durable: true })
      }
      const up = await bringUp(place, options, mayMove)
      return { ...up, password, user: joinUsers(place.users) }
    })
  })
  const url = urlOf(place.data, port, password)
  const facts = { port, dataDir, ms: since(begun) }
  if (started) log.info({ evt: 'embedded.started', ...facts }, 'the embedded PostgreSQL runs')
  else log.info({ evt: 'embedded.adopted', ...facts }, 'the embedded PostgreSQL was running')

  async function restart(): Promise<boolean> {
    const begun = systemClock.monotonic()
    const up = await explained(place, () => alone(place, () => bringUp(place, options, false)))
    const now = urlOf(place.data, up.port, password)
    if (now !== url) {
      const [from, to] = [url, now].map(maskUrl)
      throw new MbflowError('EMBEDDED_FAILED', `the embedded PostgreSQL moved from ${from} to ${to}`, {
        hint: 'restart this process',
      })
    }
    const facts = { port, dataDir, ms: since(begun) }
    if (up.started) log.warn({ evt: 'embedded.restarted', ...facts }, 'the embedded PostgreSQL had died and runs again')
    return up.started
  }

  async function leave(): Promise<void> {
    const begun = systemClock.monotonic()
    const stopped = await explained(place, () => alone(place, () => leaveUsers(place, user)))
    if (stopped) log.info({ evt: 'embedded.stopped', dataDir, ms: since(begun) }, 'the embedded PostgreSQL has stopped')
  }

  let left: Promise<void> | undefined
  return {
    url,
    dataDir,
    started,
    release: () => {
      left ??= leave()
      return left
    },
    ensureRunning: async () => {
      if (left !== undefined || findPostmaster(place.data)?.status === 'ready') return false
      return restart()
    },
  }
}

function alone<T>({ lockFile }: Place, work: () => Promise<T>): Promise<T> {
  return withLock(lockFile, LOCK_PATIENCE_MS, work)
}

async function bringUp(
  place: Place,
  { binDir, settings }: ServerOptions,
  mayMove: boolean,
): Promise<{ readonly port: number; readonly started: boolean }> {
  const found = await settledPostmaster(place.data)
  if (found !== undefined) return { port: found.port, started: false }
  const programs = await programsFor(place, binDir)
  const port = await choosePort(place.portFile, { mayMove })
  await startServer({ ...place, programs, port, settings: { ...SETTINGS, ...settings } })
  return { port, started: true }
}

/** True if this was the last user and the server was stopped. */
async function leaveUsers({ data, users }: Place, user: string): Promise<boolean> {
  await rm(user, { force: true })
  const server = countUsers(users) === 0 ? findPostmaster(data) : undefined
  if (server === undefined) return false
  await stopServer(server)
  return true
}

const since = (begun: number): number => Math.round(systemClock.monotonic() - begun)

/** A server with neither past nor future: its data end with it, and it ends with this process, even by `kill -9`. */
export async function startTemporary({
  log,
  binDir,
  settings,
}: ServerOptions): Promise<{ url: string; stop(): Promise<void> }> {
  const begun = systemClock.monotonic()
  const place = placeIn(await mkdtemp(join(tmpdir(), 'mbflow-postgresql-')))
  try {
    return await explained(place, async () => {
      await give(place.folder, place.account)
      const password = await passwordIn(place)
      const programs = await programsFor(place, binDir)
      await createCluster({ ...place, programs, durable: false })
      const port = await freePort()
      const set = { ...SETTINGS, ...THROW_AWAY, ...settings }
      const server = await startServer({ ...place, programs, port, settings: set, script: END_WITH_STDIN })
      const ended = once(server, 'exit')
      const { folder: dataDir } = place
      log.info({ evt: 'embedded.started', port, dataDir, ms: since(begun) }, 'a temporary PostgreSQL runs')
      return {
        url: urlOf(place.data, port, password),
        async stop() {
          server.ref()
          server.stdin?.end()
          await ended
        },
      }
    })
  } catch (error) {
    await rm(place.folder, { recursive: true, force: true })
    throw error
  }
}

/** Stops the server when its stdin, a pipe from us, ends, for whatever reason it does; then the folder goes too. */
const END_WITH_STDIN = `
exec 3<&0
"$@" </dev/null 3<&- & server=$!
{ read -r _ <&3; kill -INT $server; } & watcher=$!
wait $server; code=$?
kill $watcher
rm -rf "$0"
exit $code`
