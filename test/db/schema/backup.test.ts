// Backup and restore with the commands of the migrations README; only host, user and database are the test's.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { databaseAddress } from '../../../src/db/errors.ts'
import { migrationStatus, requireMigrated } from '../../../src/db/migrate.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'
import { insertOneOfEach, select } from './rows.ts'

const BACKUP = 'pg_dump -h localhost -U mbflow -d mbflow > mbflow_backup.sql'
const RESTORE = 'psql -h localhost -U mbflow -d mbflow < mbflow_backup.sql'

const run = promisify(execFile)
const source = await createTestDatabase()
const dir = await mkdtemp(join(tmpdir(), 'mbflow-backup-'))
afterAll(() => rm(dir, { recursive: true }))

/** Runs the command line for this database; what it prints as errors comes back. */
async function shell(command: string, { url }: TestDatabase): Promise<string> {
  const { host, port, user, database } = databaseAddress(url)
  const line = command
    .replace('localhost', host)
    .replace('-U mbflow', `-U ${user}`)
    .replace('-d mbflow', `-d ${database}`)
  const env = {
    ...process.env,
    PGPORT: String(port),
    PGPASSWORD: decodeURIComponent(new URL(url).password),
    LC_ALL: 'C',
  }
  return (await run('sh', ['-c', line], { cwd: dir, env })).stderr
}

/** Why the commands cannot be run here, if they cannot. */
async function obstacle(): Promise<string | undefined> {
  const dump = await run('pg_dump', ['--version']).catch(() => undefined)
  if (dump === undefined) return 'there is no pg_dump here'
  const client = Number(/\d+/.exec(dump.stdout)?.[0])
  const [row] = await select(source.pool, `select current_setting('server_version_num')::integer / 10000 as major`)
  const server = Number(row?.major)
  return client < server ? `pg_dump ${client} is older than the server, ${server}` : undefined
}

const CONTENT = `select (select count(*) from workflows) as workflows, (select count(*) from nodes) as nodes,
  (select count(*) from executions) as executions,
  (select json_agg(e order by execution_id, sequence) from events e) as events,
  (select json_agg(guard order by guard) from (
    select format('%s %s %s', tgrelid::regclass, tgname, tgenabled) as guard from pg_trigger where not tgisinternal) g) as triggers`

test('a backup restored into an empty database is the same database', async context => {
  const reason = await obstacle()
  if (reason !== undefined) {
    process.stdout.write(`Backup and restore were not tried: ${reason}\n`)
    context.skip(reason)
  }

  await insertOneOfEach(source.pool)
  const { execution } = await insertOneOfEach(source.pool)
  expect(await shell(BACKUP, source)).toBe('')
  const target = await createTestDatabase({ empty: true })
  expect(await shell(RESTORE, target)).toBe('')

  const before = JSON.stringify(await select(source.pool, CONTENT))
  expect(JSON.stringify(await select(target.pool, CONTENT))).toBe(before)
  await expect(requireMigrated(target.pool)).resolves.toBeUndefined()
  expect(await migrationStatus(target)).toEqual(await migrationStatus(source))
  await expect(target.pool.executeSql('delete from events')).rejects.toThrow('events are immutable')
  // New rows find their defaults and partitions.
  await insertOneOfEach(target.pool)
  expect(await select(target.pool, 'select from events where execution_id = $1', [execution?.id])).toHaveLength(1)
})
