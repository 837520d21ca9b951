import { existsSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { silentLogger } from '../../src/base/log.ts'
import { acquireEmbedded } from '../../src/db/embedded.ts'
import { overTcp } from '../../src/db/embedded-socket.ts'
import { type Folder, makeFolder, query, serverPid } from './embedded-folder.ts'

let folder: Folder
beforeAll(async () => {
  folder = await makeFolder()
  return folder.remove
})

async function acquire(dataDir: string): Promise<{ url: string; port: string }> {
  const { url, release } = await acquireEmbedded({ dataDir, log: silentLogger })
  onTestFinished(release)
  return { url, port: new URL(url).port }
}

/** Null through a Unix socket. */
async function clientOf(url: string): Promise<string | null | undefined> {
  const [row] = await query<{ address: string | null }>(url, 'select host(inet_client_addr()) as address')
  return row?.address
}

test('is reached through a Unix socket, and by programs that know none through TCP', async () => {
  const { url, port } = await acquire(folder.dataDir)
  expect(await clientOf(url)).toBeNull()
  expect(overTcp(url)).toMatch(new RegExp(`^postgres://mbflow:.+@127\\.0\\.0\\.1:${port}/mbflow$`))
  expect(await clientOf(overTcp(url))).toBe('127.0.0.1')
})

test('is reached through TCP alone from a folder whose path is too long for a socket', async () => {
  const deep = join(folder.root, 'a'.repeat(100))
  await mkdir(deep, { mode: 0o755 })
  const { url } = await acquire(join(deep, 'data'))
  expect(await clientOf(url)).toBe('127.0.0.1')
})

test('a folder with spaces, commas and colons in its name has a socket too', async () => {
  const odd = join(folder.root, 'a b,c:d@e')
  await mkdir(odd, { mode: 0o755 })
  const { url } = await acquire(join(odd, 'data'))
  expect(await clientOf(url)).toBeNull()
})

test('a socket that a killed server left behind does not stop the next one, whoever has its pid by now', async () => {
  const { url, port } = await acquire(folder.dataDir)
  const socket = join(folder.dataDir, 'pg', `.s.PGSQL.${port}`)
  process.kill(serverPid(folder.dataDir) ?? 0, 'SIGKILL')
  await expect.poll(() => serverPid(folder.dataDir)).toBeUndefined()
  expect(existsSync(socket)).toBe(true)
  writeFileSync(`${socket}.lock`, `${process.pid}\n`)
  const again = await acquire(folder.dataDir)
  expect(again.url).toBe(url)
  expect(await clientOf(again.url)).toBeNull()
})
