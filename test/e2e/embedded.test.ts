import { existsSync, globSync } from 'node:fs'
import { join, relative } from 'node:path'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { silentLogger } from '../../src/base/log.ts'
import { acquireEmbedded, defaultDataDir, type EmbeddedServer } from '../../src/db/embedded.ts'
import { makeFolder, query, serverPid, spawnUser, startUser } from './embedded-folder.ts'

// One folder for all tests that need some cluster: each finds the server stopped and leaves it so.
let dataDir: string
beforeAll(async () => {
  const made = await makeFolder()
  dataDir = made.dataDir
  return made.remove
})

const acquire = (folder = dataDir): Promise<EmbeddedServer> => acquireEmbedded({ dataDir: folder, log: silentLogger })

async function acquireForTest(): Promise<EmbeddedServer> {
  const server = await acquire()
  onTestFinished(() => server.release())
  return server
}

test('serves a UTF-8 database named mbflow to its superuser mbflow', async () => {
  const { url } = await acquireForTest()
  const rows = await query(
    url,
    "select current_user, current_database(), current_setting('server_encoding') as encoding",
  )
  expect(rows).toEqual([{ current_user: 'mbflow', current_database: 'mbflow', encoding: 'UTF8' }])
})

test('refuses a client without the password', async () => {
  const { url } = await acquireForTest()
  const wrong = url.replace(/:[^:@]+@/, ':guess@')
  await expect(query(wrong, 'select 1')).rejects.toThrow('password authentication failed')
})

test('keeps its data and its port from one start to the next', async () => {
  const first = await acquire()
  await query(first.url, 'create table kept (it text)')
  await first.release()
  expect(serverPid(dataDir)).toBeUndefined()

  const second = await acquireForTest()
  expect(second.url).toBe(first.url)
  expect(await query(second.url, 'select count(*)::int from kept')).toEqual([{ count: 0 }])
})

test('outlives the process that started it while another uses it, and stops with the last', async () => {
  const starter = await startUser(dataDir)
  const other = await startUser(dataDir)
  expect(other.url).toBe(starter.url)

  await starter.stop('SIGINT')
  expect(await query(other.url, 'select 1 as alive')).toEqual([{ alive: 1 }])

  await other.stop('SIGINT')
  expect(serverPid(dataDir)).toBeUndefined()
})

test('does not count a user that was killed', async () => {
  const killed = await startUser(dataDir)
  const last = await startUser(dataDir)
  await killed.stop('SIGKILL')
  await last.stop('SIGINT')
  expect(serverPid(dataDir)).toBeUndefined()
})

test('a relative folder is the one seen from here', async () => {
  const server = await acquire(relative(process.cwd(), dataDir))
  expect(existsSync(join(dataDir, 'pg'))).toBe(true)
  await server.release()
})

test('is one server for processes that start at once on an empty folder', async () => {
  const { dataDir: empty, remove } = await makeFolder()
  onTestFinished(remove)
  const users = await Promise.all([startUser(empty), startUser(empty), startUser(empty)])
  expect(new Set(users.map(user => user.url)).size).toBe(1)
  await Promise.all(users.map(user => user.stop('SIGINT')))
  expect(serverPid(empty)).toBeUndefined()
})

test('is there for a process that arrives while the last one leaves', async () => {
  let present = await startUser(dataDir)
  for (let i = 0; i < 5; i++) {
    const leaving = present
    const [arrived] = await Promise.all([startUser(dataDir), leaving.stop('SIGINT')])
    expect(await query(arrived.url, 'select 1 as alive')).toEqual([{ alive: 1 }])
    present = arrived
  }
  await present.stop('SIGINT')
})

test('is made anew after a process was killed that was making it', async () => {
  const { dataDir: empty, remove } = await makeFolder()
  onTestFinished(remove)
  const killed = spawnUser(empty)
  const isMaking = (): boolean => globSync('pg.new-*', { cwd: empty }).length > 0
  await expect.poll(isMaking, { interval: 5, timeout: 20_000 }).toBe(true)
  await killed.stop('SIGKILL')

  const server = await acquire(empty)
  expect(await query(server.url, 'select 1 as alive')).toEqual([{ alive: 1 }])
  await server.release()
})

test.each([
  [0, {}, '/var/lib/mbflow'],
  [1000, { HOME: '/home/ada' }, '/home/ada/.local/share/mbflow'],
  [1000, { HOME: '/home/ada', XDG_DATA_HOME: '/data' }, '/data/mbflow'],
  [1000, { HOME: '/home/ada', XDG_DATA_HOME: 'not/absolute' }, '/home/ada/.local/share/mbflow'],
])('keeps the data of user %s with %o in %s', (uid, env, expected) => {
  expect(defaultDataDir(env, uid)).toBe(expected)
})
