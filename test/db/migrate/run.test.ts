// What the four commands do to a database.
import { expect, test } from 'vitest'
import { silentLogger as log } from '../../../src/base/log.ts'
import { migrateDown, migrateReset, migrateUp, migrationStatus, requireMigrated } from '../../../src/db/migrate.ts'
import type { RawDb } from '../../../src/db/pool.ts'
import { installQueue } from '../../../src/queue/queue.ts'
import { createTestDatabase } from '../../support/database.ts'
import { insertOneOfEach, select } from '../schema/rows.ts'
import { LAST, migrationFolder, OWN } from './folder.ts'

/** Everything in the schema `public`, by kind and name. */
async function inventory(db: RawDb): Promise<unknown[]> {
  const rows = await select(
    db,
    `select format('%s %s', relkind, relname) as thing from pg_class where relnamespace = 'public'::regnamespace
     union all select format('function %s', oid::regprocedure) from pg_proc where pronamespace = 'public'::regnamespace
     union all select format('constraint %s on %s', conname, conrelid::regclass) from pg_constraint where connamespace = 'public'::regnamespace
     union all select format('trigger %s on %s', tgname, tgrelid::regclass) from pg_trigger where not tgisinternal
     union all select format('type %s', typname) from pg_type where typnamespace = 'public'::regnamespace
     order by 1`,
  )
  return rows.map(({ thing }) => thing)
}

test('up applies every file in order, remembers it, and makes the partitions', async () => {
  const { url, pool } = await createTestDatabase({ empty: true })
  expect((await migrateUp({ url, log })).map(({ name }) => name)).toEqual(OWN)
  const { migrations } = await migrationStatus({ url })
  expect(migrations.map(({ state }) => state)).toEqual(OWN.map(() => 'applied'))
  for (const { appliedAt } of migrations) expect(Date.now() - Number(appliedAt)).toBeLessThan(60_000)
  const [months] = await select(pool, `select count(*) as n from pg_inherits where inhparent = 'events'::regclass`)
  expect(months).toEqual({ n: 5 })
})

test('up again applies nothing and makes a partition that has come due', async () => {
  const { url, pool } = await createTestDatabase()
  const [last] = await select(
    pool,
    `select max(relname) as name from pg_class where relname ~ '^events_\\d{4}_\\d{2}$'`,
  )
  await pool.executeSql(`drop table ${last?.name}`)
  expect(await migrateUp({ url, log })).toEqual([])
  expect(await select(pool, 'select to_regclass($1) is not null as back', [last?.name])).toEqual([{ back: true }])
})

test('up --to stops after the migration named, by name or number', async () => {
  const { url } = await createTestDatabase({ empty: true })
  expect((await migrateUp({ url, log, to: '001' })).map(({ name }) => name)).toEqual(OWN.slice(0, 1))
  expect((await migrateUp({ url, log, to: '002_event_partitions' })).map(({ name }) => name)).toEqual(OWN.slice(1, 2))
})

test('up --to an unknown migration is refused by naming those there are', async () => {
  const { url } = await createTestDatabase({ empty: true })
  await expect(migrateUp({ url, log, to: '01' })).rejects.toMatchObject({
    code: 'USAGE',
    hint: `There are: ${OWN.join(', ')}`,
  })
})

test('what other slices install runs once nothing is pending', async () => {
  const { url } = await createTestDatabase({ empty: true })
  const calls: string[] = []
  const afterUp = async (given: string): Promise<void> => void calls.push(given)
  await migrateUp({ url, log, to: '002', afterUp })
  expect(calls).toEqual([])
  await migrateUp({ url, log, afterUp })
  expect(calls).toEqual([url])
})

test('down rolls back the last migration, or as many as told', async () => {
  const { url } = await createTestDatabase()
  expect((await migrateDown({ url, log })).map(({ name }) => name)).toEqual([LAST])
  expect((await migrateDown({ url, log, steps: 99 })).map(({ name }) => name)).toEqual(OWN.slice(0, -1).reverse())
  expect(await migrateDown({ url, log })).toEqual([])
})

test.each(OWN)('down of %s leaves what was there before it', async name => {
  const { url, pool } = await createTestDatabase({ empty: true })
  const before = OWN[OWN.indexOf(name) - 1]
  if (before !== undefined) await migrateUp({ url, log, to: before })
  else await migrateDown({ url, log }) // remembers nothing yet
  const remembered = /schema_migrations/
  const earlier = (await inventory(pool)).filter(thing => !remembered.test(String(thing)))
  await migrateUp({ url, log, to: name })
  await migrateDown({ url, log })
  expect((await inventory(pool)).filter(thing => !remembered.test(String(thing)))).toEqual(earlier)
})

test('up, down and up again gives the same schema', async () => {
  const { url, pool } = await createTestDatabase({ empty: true })
  await migrateUp({ url, log })
  const first = await inventory(pool)
  await migrateDown({ url, log, steps: OWN.length })
  await migrateUp({ url, log })
  expect(await inventory(pool)).toEqual(first)
})

test('the log survives the way down to unpartitioned events and back', async () => {
  const { url, pool } = await createTestDatabase()
  const { execution } = await insertOneOfEach(pool)
  const log_ = 'select id, sequence, event_type, payload, created_at from events where execution_id = $1'
  const before = await select(pool, log_, [execution?.id])
  await migrateDown({ url, log, steps: 2 })
  expect(await select(pool, log_, [execution?.id])).toEqual(before)
  await migrateUp({ url, log })
  expect(await select(pool, log_, [execution?.id])).toEqual(before)
})

test('reset leaves nothing, and up starts anew', async () => {
  const { url, pool } = await createTestDatabase()
  await insertOneOfEach(pool)
  await migrateReset({ url, log })
  expect(await inventory(pool)).toEqual([])
  expect(await select(pool, `select to_regnamespace('pgboss') is null as gone`)).toEqual([{ gone: true }])
  await migrateUp({ url, log, afterUp: () => installQueue(url, log) })
  await expect(requireMigrated(pool)).resolves.toBeUndefined()
})

test('status names the version of the queue', async () => {
  const { url, pool } = await createTestDatabase()
  const [installed] = await select(pool, 'select version from pgboss.version')
  expect((await migrationStatus({ url })).queueVersion).toBe(installed?.version)
})

test('status of an empty database says that everything is pending, and changes nothing', async () => {
  const { url, pool } = await createTestDatabase({ empty: true })
  const { migrations, queueVersion } = await migrationStatus({ url })
  expect(migrations.map(({ state, appliedAt }) => [state, appliedAt])).toEqual(OWN.map(() => ['pending', null]))
  expect(queueVersion).toBeNull()
  expect(await inventory(pool)).toEqual([])
})

test('two runs at the same time follow each other, and both succeed', async () => {
  const { url } = await createTestDatabase({ empty: true })
  const runs = await Promise.all([migrateUp({ url, log }), migrateUp({ url, log })])
  expect(runs.map(({ length }) => length).sort()).toEqual([0, OWN.length])
})

test('a script that must not run in a transaction runs outside one', async () => {
  const { url, pool } = await createTestDatabase({ empty: true })
  const dir = await migrationFolder({
    '001_table': ['create table t (x integer);', 'drop table t;'],
    '002_index': [
      '-- mbflow:no-transaction\ncreate index concurrently t_x_idx on t (x);\nanalyze t;\n',
      '-- mbflow:no-transaction\ndrop index concurrently t_x_idx;\n',
    ],
  })
  await migrateUp({ url, log, dir })
  expect(await select(pool, `select to_regclass('t_x_idx') is not null as there`)).toEqual([{ there: true }])
  expect((await migrateDown({ url, log, dir })).map(({ name }) => name)).toEqual(['002_index'])
})
