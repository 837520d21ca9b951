// What a run refuses, and what it says then.
import { describe, expect, test } from 'vitest'
import { silentLogger as log } from '../../../src/base/log.ts'
import { migrateDown, migrateReset, migrateUp, migrationStatus, requireMigrated } from '../../../src/db/migrate.ts'
import { createTestDatabase } from '../../support/database.ts'
import { select } from '../schema/rows.ts'
import { LAST, migrationFolder, OWN } from './folder.ts'

describe('a file that was edited after it was applied', () => {
  test('stops up, down and the start of a daemon, by name', async () => {
    const { url, pool } = await createTestDatabase()
    await pool.executeSql(`update schema_migrations set checksum = 'other' where name = '001_init_schema'`)
    const refused = { code: 'MIGRATION_EDITED', message: expect.stringContaining('001_init_schema.up.sql') }
    await expect(migrateUp({ url, log })).rejects.toMatchObject(refused)
    await expect(migrateDown({ url, log })).rejects.toMatchObject(refused)
    await expect(requireMigrated(pool)).rejects.toMatchObject(refused)
    const { migrations } = await migrationStatus({ url })
    expect(migrations.map(({ state }) => state)).toEqual(['edited', ...OWN.slice(1).map(() => 'applied')])
  })

  test('does not stop reset', async () => {
    const { url, pool } = await createTestDatabase()
    await pool.executeSql(`update schema_migrations set checksum = 'other'`)
    expect(await migrateReset({ url, log })).toHaveLength(OWN.length)
  })
})

test('a database that is newer than the program is left alone', async () => {
  const { url, pool } = await createTestDatabase()
  await pool.executeSql(`insert into schema_migrations (name, checksum, duration_ms) values ('004_later', 'x', 1)`)
  const refused = {
    code: 'DATABASE_NEWER',
    message: expect.stringContaining('004_later'),
    hint: expect.stringMatching(/upgrade/i),
  }
  await expect(migrateUp({ url, log })).rejects.toMatchObject(refused)
  await expect(migrateDown({ url, log })).rejects.toMatchObject(refused)
  await expect(migrateReset({ url, log })).rejects.toMatchObject(refused)
  await expect(requireMigrated(pool)).rejects.toMatchObject(refused)
})

test('a migration below an applied one is not slipped in', async () => {
  const { url, pool } = await createTestDatabase()
  await pool.executeSql(`delete from schema_migrations where name = '002_event_partitions'`)
  await expect(migrateUp({ url, log })).rejects.toMatchObject({ code: 'MIGRATION_ORDER' })
})

describe('a daemon on a database', () => {
  test('that this program migrated may start', async () => {
    const { pool } = await createTestDatabase()
    await expect(requireMigrated(pool)).resolves.toBeUndefined()
  })

  test('that lacks migrations is told which, and the command', async () => {
    const { url, pool } = await createTestDatabase({ empty: true })
    await migrateUp({ url, log, to: '002' })
    await expect(requireMigrated(pool)).rejects.toMatchObject({
      code: 'DATABASE_NOT_MIGRATED',
      message: expect.stringContaining(LAST),
      hint: 'Run: mbflow migrate up',
    })
  })
})

describe('a script that fails', () => {
  test('is named with line, column and SQLSTATE, and nothing of it is kept', async () => {
    const { url, pool } = await createTestDatabase({ empty: true })
    const dir = await migrationFolder({
      '001_good': ['create table good ();', 'drop table good;'],
      '002_bad': ['create table half ();\n\nselect nothing\nfrom half;', ''],
    })
    await expect(migrateUp({ url, log, dir })).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      message: '002_bad.up.sql:3:8: column "nothing" does not exist (SQLSTATE 42703)',
      hint: 'Nothing of this file was kept.',
    })
    expect(
      await select(pool, `select to_regclass('good') is not null as good, to_regclass('half') is null as gone`),
    ).toEqual([{ good: true, gone: true }])
    const { migrations } = await migrationStatus({ url, dir })
    expect(migrations.map(({ state }) => state)).toEqual(['applied', 'applied', 'pending'])
  })

  test('passes on what PostgreSQL adds', async () => {
    const { url } = await createTestDatabase({ empty: true })
    const dir = await migrationFolder({ '001_bad': ["insert into pg_class values ('x');\n", ''] })
    const raise = `do $$ begin raise exception 'no' using detail = 'The detail.', hint = 'The hint.'; end $$`
    const withHint = await migrationFolder({ '001_bad': [raise, ''] })
    await expect(migrateUp({ url, log, dir })).rejects.toMatchObject({ code: 'MIGRATION_FAILED' })
    await expect(migrateUp({ url, log, dir: withHint })).rejects.toMatchObject({
      message: '001_bad.up.sql: no (SQLSTATE P0001)',
      hint: 'The detail. The hint. Nothing of this file was kept.',
    })
  })

  test('on the way down leaves its migration applied', async () => {
    const { url } = await createTestDatabase({ empty: true })
    const dir = await migrationFolder({ '001_a': ['create table a ();', 'drop table b;'] })
    await migrateUp({ url, log, dir })
    await expect(migrateDown({ url, log, dir })).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringMatching(/^001_a\.down\.sql: table "b" does not exist/),
    })
    const { migrations } = await migrationStatus({ url, dir })
    expect(migrations.at(-1)).toMatchObject({ name: '001_a', state: 'applied' })
  })

  test('because of what a user built on the tables names it', async () => {
    const { url, pool } = await createTestDatabase()
    await pool.executeSql('create view dashboard as select status from executions')
    await expect(migrateReset({ url, log })).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      hint: expect.stringContaining('view dashboard depends on table executions'),
    })
  })
})

describe('locks', () => {
  test('another run that does not end is named by its server process', async () => {
    const { url, pool } = await createTestDatabase()
    await pool.transaction(async tx => {
      const [holder] = await select(
        tx,
        `select pg_backend_pid() as pid, pg_advisory_xact_lock(hashtextextended('mbflow.migrate', 0))`,
      )
      await expect(migrateUp({ url, log, lockPatienceMs: 100 })).rejects.toMatchObject({
        code: 'MIGRATION_LOCKED',
        kind: 'busy',
        message: expect.stringContaining(String(holder?.pid)),
      })
    })
  })

  test('a table that somebody holds for a moment is waited for', async () => {
    const { url, pool } = await createTestDatabase()
    const { promise: taken, resolve: took } = Promise.withResolvers<void>()
    const { promise: release, resolve: free } = Promise.withResolvers<void>()
    const holder = pool.transaction(async tx => {
      await tx.executeSql('set local idle_in_transaction_session_timeout = 0')
      await tx.executeSql('lock table trigger_fires in access share mode')
      took()
      await release
    })
    await taken
    const steps = OWN.length - OWN.indexOf('003_trigger_ledger')
    const down = migrateDown({ url, log, steps })
    // Seen waiting: only then is it let go.
    await expect
      .poll(() => select(pool, `select from pg_locks where relation = 'trigger_fires'::regclass and not granted`))
      .toHaveLength(1)
    free()
    await holder
    expect(await down).toHaveLength(steps)
  })
})
