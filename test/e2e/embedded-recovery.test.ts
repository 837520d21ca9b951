import { once } from 'node:events'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { truncate } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { silentLogger } from '../../src/base/log.ts'
import { acquireEmbedded, type EmbeddedServer } from '../../src/db/embedded.ts'
import { createPool } from '../../src/db/pool.ts'
import { makeFolder, query, serverPid, startUser } from './embedded-folder.ts'

// One folder for all: each test finds the server stopped and leaves it so.
let dataDir: string
beforeAll(async () => {
  const made = await makeFolder()
  dataDir = made.dataDir
  return made.remove
})

const acquire = (): Promise<EmbeddedServer> => acquireEmbedded({ dataDir, log: silentLogger })

async function killServer(): Promise<void> {
  process.kill(serverPid(dataDir) ?? Number.NaN, 'SIGKILL')
  await expect.poll(() => serverPid(dataDir), { interval: 1 }).toBeUndefined()
}

/** Listens where the stopped server did. */
async function occupy(url: string): Promise<void> {
  const other = createServer().listen(Number(new URL(url).port), '127.0.0.1')
  await once(other, 'listening')
  onTestFinished(() => void other.close())
}

test('a killed server is started again on its port, with everything that was committed', async () => {
  const server = await acquire()
  await query(server.url, 'create table many as select generate_series(1, 1500) as n')
  await killServer()
  expect(await server.ensureRunning()).toBe(true)
  expect(await query(server.url, 'select count(*)::int from many')).toEqual([{ count: 1500 }])
  await server.release()
})

test('a server that runs is left alone', async () => {
  const server = await acquire()
  const pid = serverPid(dataDir)
  expect(await server.ensureRunning()).toBe(false)
  expect(serverPid(dataDir)).toBe(pid)
  await server.release()
})

test('the pool of one process goes on after another process has started the killed server again', async () => {
  const server = await acquire()
  const pool = createPool({ url: server.url, applicationName: 'mbflow:test', max: 2, log: silentLogger })
  await pool.executeSql('select 1')
  const other = await startUser(dataDir)
  await killServer()
  other.send('SIGUSR2')
  await other.line(/^looked true/)
  expect((await pool.executeSql('select 2 as two')).rows).toEqual([{ two: 2 }])
  await pool.end()
  await other.stop('SIGINT')
  await server.release()
})

test('of processes that find it dead at once, exactly one starts it', async () => {
  const users = await Promise.all([startUser(dataDir), startUser(dataDir), startUser(dataDir)])
  await killServer()
  for (const user of users) user.send('SIGUSR2')
  const looked = await Promise.all(users.map(user => user.line(/^(looked|failed) /)))
  expect(looked.sort()).toEqual(['looked false', 'looked false', 'looked true'])
  await Promise.all(users.map(user => user.stop('SIGINT')))
})

test('a server that somebody told to stop is started again while it is in use', async () => {
  const server = await acquire()
  const pool = createPool({ url: server.url, applicationName: 'mbflow:test', max: 1, log: silentLogger })
  await pool.executeSql('select 1')
  process.kill(serverPid(dataDir) ?? Number.NaN, 'SIGTERM') // lets its clients finish
  await expect.poll(() => server.ensureRunning(), { interval: 1 }).toBe(true)
  expect((await pool.executeSql('select 2 as two')).rows).toEqual([{ two: 2 }])
  await pool.end()
  await server.release()
})

test('nobody starts it again after leaving', async () => {
  const server = await acquire()
  await server.release()
  expect(await server.ensureRunning()).toBe(false)
  expect(serverPid(dataDir)).toBeUndefined()
})

test('its port is given up when another program has taken it and nobody uses the server', async () => {
  const first = await acquire()
  await first.release()
  await occupy(first.url)
  const second = await acquire()
  expect(second.url).not.toBe(first.url)
  expect(await query(second.url, 'select 1 as alive')).toEqual([{ alive: 1 }])
  await second.release()
})

test('its port is not given up while another process holds its URL', async () => {
  const server = await acquire()
  await killServer()
  await occupy(server.url)
  await expect(acquire()).rejects.toMatchObject({ code: 'EMBEDDED_FAILED', message: /was taken by another program/ })
  await server.release()
})

test('a pid file whose pid is another process by now does not stop it from starting', async () => {
  const first = await acquire()
  const file = join(dataDir, 'pg', 'postmaster.pid')
  const left = readFileSync(file, 'utf8')
  await first.release()
  writeFileSync(file, left.replace(/^\d+/, String(process.pid)))

  const second = await acquire()
  expect(second.started).toBe(true)
  expect(await query(second.url, 'select 1 as alive')).toEqual([{ alive: 1 }])
  await second.release()
})

test('a log that has grown past 10 MB is put aside at the next start', async () => {
  const first = await acquire()
  await first.release()
  const log = join(dataDir, 'postgres.log')
  await truncate(log, 10 * 1024 * 1024)
  const second = await acquire()
  await second.release()
  expect(statSync(`${log}.1`).size).toBe(10 * 1024 * 1024)
  expect(statSync(log).size).toBeLessThan(10_000)
})
