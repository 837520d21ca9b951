// The SQL around migrations: what a database remembers of them, the lock around a run, the partitions of events.
import type { AppliedMigration } from './migration.ts'
import type { Db } from './pool.ts'
import { sql } from './sql.ts'

const MIGRATION_LOCK = 'mbflow.migrate'

export interface ServerFacts {
  /** As in `server_version_num`: 150018. */
  readonly version: number
  readonly encoding: string
}

/** Lifts the time limits that a role or a database may set; resolves to what the server is. */
export async function prepareSession(db: Db): Promise<ServerFacts> {
  const [facts] = await db.rows<ServerFacts>(sql('migration.prepareSession')`
    select current_setting('server_version_num')::integer as version, current_setting('server_encoding') as encoding,
      set_config('statement_timeout', '0', false),
      set_config('idle_in_transaction_session_timeout', '0', false)`)
  return facts as ServerFacts
}

/** How long a statement waits for a lock; 0 = as long as it takes. */
export async function setLockTimeout(db: Db, ms: number): Promise<void> {
  await db.rows(sql('migration.setLockTimeout')`select set_config('lock_timeout', ${String(ms)}, false)`)
}

export async function tryLock(db: Db): Promise<boolean> {
  const [row] = await db.rows<{ locked: boolean }>(sql('migration.tryLock')`
    select pg_try_advisory_lock(hashtextextended(${MIGRATION_LOCK}, 0)) as locked`)
  return row?.locked === true
}

/** Waits for the lock as long as `setLockTimeout` allows; then fails with 55P03. */
export async function waitForLock(db: Db): Promise<void> {
  await db.rows(sql('migration.waitForLock')`select pg_advisory_lock(hashtextextended(${MIGRATION_LOCK}, 0))`)
}

/** The server process that holds the lock. */
export async function lockHolder(db: Db): Promise<number | undefined> {
  const [row] = await db.rows<{ pid: number }>(sql('migration.lockHolder')`
    select pid from pg_locks
    where locktype = 'advisory' and granted and objsubid = 1
      and database = (select oid from pg_database where datname = current_database())
      and (classid::bigint << 32) | objid::bigint = hashtextextended(${MIGRATION_LOCK}, 0)`)
  return row?.pid
}

export async function createMemory(db: Db): Promise<void> {
  if (await exists(db, 'public.schema_migrations')) return
  await db.run(sql('migration.createMemory')`
    create table public.schema_migrations (
      name        text primary key,
      checksum    text not null,
      applied_at  timestamptz(3) not null default now(),
      duration_ms integer not null
    )`)
  await db.run(sql('migration.describeMemory')`
    comment on table public.schema_migrations is 'Which files of migrations/ were applied to this database.'`)
  await db.run(sql('migration.describeChecksum')`
    comment on column public.schema_migrations.checksum is 'SHA-256 of the up file when it was applied.'`)
}

/** In order of application; none for a database that was never migrated. */
export async function appliedMigrations(db: Db): Promise<AppliedMigration[]> {
  if (!(await exists(db, 'public.schema_migrations'))) return []
  return db.rows(sql('migration.applied')`
    select name, checksum, applied_at as "appliedAt", duration_ms as "durationMs"
    from public.schema_migrations
    order by name`)
}

export async function remember(
  db: Db,
  { name, checksum, durationMs }: Omit<AppliedMigration, 'appliedAt'>,
): Promise<void> {
  await db.run(sql('migration.remember')`
    insert into public.schema_migrations (name, checksum, duration_ms) values (${name}, ${checksum}, ${durationMs})`)
}

export async function forget(db: Db, name: string): Promise<void> {
  await db.run(sql('migration.forget')`delete from public.schema_migrations where name = ${name}`)
}

/** What no down file covers: the memory of migrations and the queue's own schema. */
export async function dropRest(db: Db): Promise<void> {
  await db.run(sql('migration.dropQueue')`drop schema if exists pgboss cascade`)
  await db.run(sql('migration.dropMemory')`drop table if exists public.schema_migrations`)
}

/** Version of the queue's own schema; null where it is not installed. */
export async function queueVersion(db: Db): Promise<number | null> {
  if (!(await exists(db, 'pgboss.version'))) return null
  const [row] = await db.rows<{ version: number }>(sql('migration.queueVersion')`select version from pgboss.version`)
  return row?.version ?? null
}

export async function makeEventPartitions(db: Db): Promise<number> {
  const [row] = await db.rows<{ made: number }>(sql('migration.makeEventPartitions')`
    select public.mbflow_ensure_event_partitions() as made`)
  return row?.made ?? 0
}

async function exists(db: Db, table: string): Promise<boolean> {
  const [row] = await db.rows<{ found: boolean }>(
    sql('migration.exists')`select to_regclass(${table}) is not null as found`,
  )
  return row?.found === true
}
