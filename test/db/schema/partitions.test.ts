import { describe, expect, test } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import { ensureEventPartitions } from '../../../src/db/event-partitions.ts'
import type { Pool } from '../../../src/db/pool.ts'
import { createTestDatabase } from '../../support/database.ts'
import { insert, insertOneOfEach, select } from './rows.ts'

const { pool } = await createTestDatabase()

async function ensure(monthsAhead: number, db: Pool = pool): Promise<unknown> {
  const [row] = await select(db, 'select mbflow_ensure_event_partitions($1) as made', [monthsAhead])
  return row?.made
}

/** Month names are the database's: the test may run as a month ends. */
async function monthName(ahead: number): Promise<string> {
  const [row] = await select(
    pool,
    `select to_char(now() at time zone 'UTC' + make_interval(months => $1), '"events_"YYYY_MM') as name`,
    [ahead],
  )
  return String(row?.name)
}

async function partitions(): Promise<unknown[]> {
  const rows = await select(
    pool,
    `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'events'::regclass order by 1`,
  )
  return rows.map(({ name }) => name)
}

/** An execution made in the middle of a month to come, with one event. */
async function insertAhead(months: number): Promise<unknown> {
  const { workflow } = await insertOneOfEach(pool)
  const [row] = await select(
    pool,
    `select mbflow_uuid_at(date_trunc('month', now()) + make_interval(months => $1, days => 14)) as id`,
    [months],
  )
  const execution = await insert(pool, 'executions', { id: row?.id, workflow_id: workflow?.id })
  await insert(pool, 'events', {
    execution_id: execution.id,
    sequence: 1,
    event_type: 'workflow_started',
    payload: { months },
  })
  return execution.id
}

async function whereIs(executionId: unknown): Promise<unknown> {
  const [row] = await select(pool, 'select tableoid::regclass::text as partition from events where execution_id = $1', [
    executionId,
  ])
  return row?.partition
}

test('a migrated database has this month, the next three and the default', async () => {
  expect(await partitions()).toEqual([...(await Promise.all([0, 1, 2, 3].map(monthName))), 'events_default'])
})

test('making them again makes none', async () => {
  expect(await ensure(3)).toBe(0)
})

test('the bounds follow each other without a gap', async () => {
  const bounds = await select(
    pool,
    `select substring(pg_get_expr(relpartbound, oid) from $$FROM \\('(.*?)'$$) as lower,
       substring(pg_get_expr(relpartbound, oid) from $$TO \\('(.*?)'$$) as upper
     from pg_class where relname ~ '^events_\\d{4}_\\d{2}$' and relispartition order by relname`,
  )
  expect(bounds.slice(1).map(({ lower }) => lower)).toEqual(bounds.slice(0, -1).map(({ upper }) => upper))
})

test('a new month is made when its time comes', async () => {
  expect(await ensure(4)).toBe(1)
  expect(await partitions()).toContain(await monthName(4))
})

test('processes that start together make each month once', async () => {
  const made = await Promise.all([ensure(5), ensure(5), ensure(5)])
  expect(made.map(Number).sort()).toEqual([0, 0, 1])
})

describe('rows that fell into the default before their month was made', () => {
  test('move into it, and only they', async () => {
    const [due, later] = [await insertAhead(6), await insertAhead(9)]
    expect([await whereIs(due), await whereIs(later)]).toEqual(['events_default', 'events_default'])
    expect(await ensure(6)).toBe(1)
    expect([await whereIs(due), await whereIs(later)]).toEqual([await monthName(6), 'events_default'])
  })

  test('keep their values', async () => {
    const id = await insertAhead(7)
    const before = await select(pool, 'select * from events where execution_id = $1', [id])
    await ensure(7)
    expect(await select(pool, 'select * from events where execution_id = $1', [id])).toEqual(before)
  })

  test('leave a default behind that is as guarded, keyed and described as before', async () => {
    const facts = `select obj_description('events_default'::regclass, 'pg_class') as description,
        (select array_agg(format('%s %s', tgname, tgenabled) order by tgname) from pg_trigger
          where tgrelid = 'events_default'::regclass and not tgisinternal) as triggers,
        (select array_agg(pg_get_constraintdef(oid) order by 1) from pg_constraint
          where conrelid = 'events_default'::regclass and contype <> 'n') as constraints,
        (select count(*) from pg_index where indrelid = 'events_default'::regclass) as indexes`
    const before = await select(pool, facts)
    await insertAhead(8)
    expect(await ensure(8)).toBe(1)
    expect(await select(pool, facts)).toEqual(before)
  })
})

test('a month that cannot be made now is left to the next call', async () => {
  const { pool: other } = await createTestDatabase()
  await other.executeSql(`drop table ${await monthName(3)}`)
  await other.transaction(async tx => {
    await tx.executeSql('set local idle_in_transaction_session_timeout = 0')
    await tx.executeSql('lock table events_default in access share mode')
    await ensureEventPartitions(other, silentLogger)
  })
  expect(await ensure(3, other)).toBe(1)
})
