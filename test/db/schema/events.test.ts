// The log is append-only, whatever table of it is named and whoever asks.
import { expect, test } from 'vitest'
import type { Tx } from '../../../src/db/pool.ts'
import { createTestDatabase } from '../../support/database.ts'
import { insert, insertOneOfEach, select } from './rows.ts'

const { pool } = await createTestDatabase()
const { workflow, execution } = await insertOneOfEach(pool)
// Made before there was a month for it.
const old = await insert(pool, 'executions', { id: '00dc6acf-ac00-7000-8000-000000000001', workflow_id: workflow?.id })
await insert(pool, 'events', { execution_id: old.id, sequence: 1, event_type: 'workflow_started' })

const [located] = await select(
  pool,
  'select tableoid::regclass::text as partition from events where execution_id = $1',
  [execution?.id],
)
const month = String(located?.partition)

const refused = { code: '23001', message: expect.stringMatching(/events are immutable/) }
const statements = (table: string): string[] => [
  `update ${table} set payload = '{"forged": true}'`,
  `update ${table} set execution_id = mbflow_uuid()`,
  `delete from ${table}`,
  `truncate ${table}`,
]
const everywhere = ['events', month, 'events_default'].flatMap(statements)

test('events of this month lie in its partition, those of no known month in the default', async () => {
  expect(month).toMatch(/^events_\d{4}_\d{2}$/)
  const [{ partition } = {}] = await select(
    pool,
    'select tableoid::regclass::text as partition from events where execution_id = $1',
    [old.id],
  )
  expect(partition).toBe('events_default')
})

test.each(everywhere)('%s is refused', async statement => {
  await expect(pool.executeSql(statement)).rejects.toMatchObject(refused)
})

test.each(everywhere)('%s is refused in a replication role', async statement => {
  const replica = async (tx: Tx): Promise<unknown> => {
    await tx.executeSql('set local session_replication_role = replica')
    return tx.executeSql(statement)
  }
  await expect(pool.transaction(replica)).rejects.toMatchObject(refused)
})

test('truncating what events refer to is refused', async () => {
  await expect(pool.executeSql('truncate executions cascade')).rejects.toMatchObject(refused)
})

test('deleting an execution that has events is refused', async () => {
  await expect(pool.executeSql('delete from executions where id = $1', [execution?.id])).rejects.toMatchObject({
    constraint: 'events_execution_id_fkey',
  })
})

test('an upsert cannot rewrite an event', async () => {
  await expect(
    pool.executeSql(
      `insert into events (execution_id, sequence, event_type) values ($1, 1, 'forged')
       on conflict (execution_id, sequence) do update set event_type = excluded.event_type`,
      [execution?.id],
    ),
  ).rejects.toMatchObject(refused)
})

test('a partition that was detached stays guarded', async () => {
  const detached = async (tx: Tx): Promise<unknown> => {
    await tx.executeSql(`alter table events detach partition ${month}`)
    return tx.executeSql(`delete from ${month}`)
  }
  await expect(pool.transaction(detached)).rejects.toMatchObject(refused)
})

test('a sequence is taken once per execution', async () => {
  const again = { execution_id: execution?.id, sequence: 1, event_type: 'workflow_started' }
  await expect(insert(pool, 'events', again)).rejects.toMatchObject({ code: '23505' })
})

test('an event belongs to an execution', async () => {
  const orphan = { execution_id: '01a00000-0000-7000-8000-00000000dead', sequence: 1, event_type: 'workflow_started' }
  await expect(insert(pool, 'events', orphan)).rejects.toMatchObject({ code: '23503' })
})

test('nothing of the log was changed by all that', async () => {
  expect(await select(pool, 'select event_type, payload from events')).toEqual([
    { event_type: 'workflow_started', payload: {} },
    { event_type: 'workflow_started', payload: {} },
  ])
})
