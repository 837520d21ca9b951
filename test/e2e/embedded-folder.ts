// A data folder of its own for a test of the embedded server, and what one sees of the server from outside.
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '../../src/base/log.ts'
import { findPostmaster } from '../../src/db/embedded-cluster.ts'
import { createPool } from '../../src/db/pool.ts'
import { type Running, startProcess } from '../support/processes.ts'

export interface Folder {
  /** Holds the data folder; also for what else a test puts there. */
  readonly root: string
  readonly dataDir: string
  /** With the server, if a failed test left it running. */
  remove(): Promise<void>
}

export async function makeFolder(): Promise<Folder> {
  const root = await mkdtemp(join(tmpdir(), 'mbflow-test-'))
  await chmod(root, 0o755) // when root runs the tests, the server's account must reach it
  const dataDir = join(root, 'data')
  return {
    root,
    dataDir,
    async remove() {
      const pid = serverPid(dataDir)
      if (pid !== undefined) process.kill(pid, 'SIGQUIT')
      await rm(root, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}

/** Of the living server of this data folder. */
export function serverPid(dataDir: string): number | undefined {
  return findPostmaster(join(dataDir, 'pg'))?.pid
}

export async function query<R>(url: string, text: string): Promise<R[]> {
  const pool = createPool({ url, applicationName: 'mbflow:test', max: 1, log: silentLogger })
  try {
    return (await pool.executeSql(text)).rows as R[]
  } finally {
    await pool.end()
  }
}

/** Another process; resolves when it uses the server. */
export async function startUser(dataDir: string): Promise<Running & { readonly url: string }> {
  const user = spawnUser(dataDir)
  const url = (await user.line(/^using /)).replace('using ', '')
  return { ...user, url }
}

export function spawnUser(dataDir: string): Running {
  return startProcess(process.execPath, [join(import.meta.dirname, 'embedded-user.ts'), dataDir])
}
