import { expect, inject, test } from 'vitest'
import { createTestDatabase } from '../../support/database.ts'

test('a test database is migrated, with the queue', async () => {
  const { pool } = await createTestDatabase()
  const { rows } = await pool.executeSql(
    "select to_regclass('executions') is not null as ours, to_regclass('pgboss.job') is not null as queue",
  )
  expect(rows).toEqual([{ ours: true, queue: true }])
})

test('an empty test database has no table', async () => {
  const { pool } = await createTestDatabase({ empty: true })
  const { rows } = await pool.executeSql("select from pg_class where relnamespace = 'public'::regnamespace")
  expect(rows).toEqual([])
})

test('its url leads to it and its name is of this run', async () => {
  const { pool, name, url } = await createTestDatabase({ empty: true })
  const { rows } = await pool.executeSql('select current_database() as name')
  expect(rows).toEqual([{ name }])
  expect(new URL(url).pathname).toBe(`/${name}`)
  expect(name).toContain(inject('server').template)
})

test('databases made at the same time are different ones', async () => {
  const databases = await Promise.all([createTestDatabase(), createTestDatabase(), createTestDatabase()])
  expect(new Set(databases.map(({ name }) => name)).size).toBe(3)
})
