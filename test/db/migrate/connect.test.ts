// A database that cannot be worked on: what the user reads.
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import type { MbflowError } from '../../../src/base/errors.ts'
import { silentLogger as log } from '../../../src/base/log.ts'
import { migrateUp, migrationStatus } from '../../../src/db/migrate.ts'
import { createTestDatabase } from '../../support/database.ts'
import { select } from '../schema/rows.ts'

const { name, url, pool } = await createTestDatabase({ empty: true })

/** The URL of the test database with something else in it. */
function changed(change: (url: URL) => void): string {
  const other = new URL(url)
  change(other)
  return other.href
}

async function refusal(given: string): Promise<MbflowError> {
  return migrateUp({ url: given, log }).then(
    () => expect.unreachable(),
    (error: MbflowError) => error,
  )
}

test('a server that is not there is unavailable', async () => {
  const error = await refusal('postgres://ann:s3cret@127.0.0.1:1/flows')
  expect(error).toMatchObject({ code: 'DATABASE_UNAVAILABLE', kind: 'unavailable' })
  expect(error.message).toMatch(
    /^PostgreSQL at 127\.0\.0\.1:1 \(database "flows", user "ann"\) does not answer: .*ECONNREFUSED/,
  )
  expect(error.message).not.toContain('s3cret')
})

test('a host that does not exist is unavailable', async () => {
  expect(await refusal('postgres://ann@nowhere.invalid/flows')).toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
})

test('a wrong password is refused without showing it', async () => {
  const error = await refusal(changed(other => Object.assign(other, { password: 's3cret' })))
  expect(error).toMatchObject({ code: 'DATABASE_AUTH', kind: 'config' })
  expect(`${error.message} ${error.hint}`).not.toContain('s3cret')
})

test('a missing database comes with the command that makes it', async () => {
  const error = await refusal(changed(other => Object.assign(other, { pathname: '/no_such_database' })))
  expect(error).toMatchObject({
    code: 'DATABASE_AUTH',
    hint: expect.stringMatching(/^Create it: createdb .* no_such_database$/),
  })
})

test('a user without privileges is told to be made the owner', async () => {
  const role = `mbflow_test_${randomBytes(4).toString('hex')}`
  await pool.executeSql('revoke create on schema public from public')
  await pool.executeSql(`create role ${role} login password 'x'`)
  const error = await refusal(changed(other => Object.assign(other, { username: role, password: 'x' })))
  await pool.executeSql(`drop role ${role}`)
  expect(error).toMatchObject({
    code: 'DATABASE_PRIVILEGE',
    kind: 'config',
    hint: expect.stringContaining(`owner to "${role}"`),
  })
})

test('a user who may only read and write needs no more where nothing is pending', async () => {
  const { url: migrated, pool: owner } = await createTestDatabase()
  const role = `mbflow_test_${randomBytes(4).toString('hex')}`
  await owner.executeSql('revoke create on schema public from public')
  await owner.executeSql(`create role ${role} login password 'x'`)
  await owner.executeSql(`grant select on schema_migrations to ${role}`)
  const applied = await migrateUp({
    url: Object.assign(new URL(migrated), { username: role, password: 'x' }).href,
    log,
  })
  await owner.executeSql(`drop owned by ${role}`)
  await owner.executeSql(`drop role ${role}`)
  expect(applied).toEqual([])
})

test('a database that cannot hold every text is refused', async () => {
  const [server] = await select(pool, `select current_setting('server_version_num')::integer as version`)
  const provider = Number(server?.version) >= 150_000 ? "locale_provider 'libc'" : ''
  await pool.executeSql(`create database "${name}_latin" template template0 encoding 'LATIN1' ${provider} locale 'C'`)
  const error = await refusal(changed(other => Object.assign(other, { pathname: `/${name}_latin` })))
  expect(error).toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('LATIN1'),
    hint: expect.stringMatching(/UTF8/),
  })
})

test('a URL that is none is refused before anything is opened', async () => {
  await expect(migrationStatus({ url: 'localhost:5432/flows' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})

test('a folder without migrations is refused', async () => {
  await expect(migrateUp({ url, log, dir: '/nowhere' })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('/nowhere'),
  })
})
