// A version that was published never changes.
import { describe, expect, test } from 'vitest'
import type { Tx } from '../../../src/db/pool.ts'
import { createTestDatabase } from '../../support/database.ts'
import { insert, insertOneOfEach, type Row, select } from './rows.ts'

const { pool } = await createTestDatabase()

const refused = { code: '23001', message: expect.stringMatching(/was published/) }

async function insertPublished(): Promise<Readonly<Record<string, Row>>> {
  const rows = await insertOneOfEach(pool)
  await pool.executeSql(`update workflows set status = 'active', published_at = now() where id = $1`, [
    rows.workflow?.id,
  ])
  return rows
}

const published = await insertPublished()
const draft = await insertOneOfEach(pool)
const node = published.first?.id
const edge = published.edge?.id

test.each<[string, string, unknown[]]>([
  [
    'a new node',
    `insert into nodes (workflow_id, key, name, type) values ($1, 'c', 'C', 'http')`,
    [published.workflow?.id],
  ],
  ['another config', `update nodes set config = '{"url": "x"}' where id = $1`, [node]],
  [
    'another position together with another name',
    `update nodes set position = '{"x": 1}', name = 'Z' where id = $1`,
    [node],
  ],
  ['the end of a node', 'delete from nodes where id = $1', [node]],
  ['a node that leaves', 'update nodes set workflow_id = $2 where id = $1', [node, draft.workflow?.id]],
  [
    'a node that comes',
    `update nodes set workflow_id = $2, key = 'd' where id = $1`,
    [draft.second?.id, published.workflow?.id],
  ],
  [
    'a new edge',
    'insert into edges (workflow_id, source_node_id, target_node_id) values ($1, $2, $3)',
    [published.workflow?.id, published.second?.id, node],
  ],
  ['another condition', `update edges set condition = '{"on": "error"}' where id = $1`, [edge]],
  ['the end of an edge', 'delete from edges where id = $1', [edge]],
  ['other variables', `update workflows set variables = '{"a": 1}' where id = $1`, [published.workflow?.id]],
  ['other settings', `update workflows set settings = '{"timeout_ms": 1}' where id = $1`, [published.workflow?.id]],
  ['another name', `update workflows set name = 'other' where id = $1`, [published.workflow?.id]],
  ['another version', 'update workflows set version = 9 where id = $1', [published.workflow?.id]],
  [
    'never having been published',
    `update workflows set status = 'draft', published_at = null where id = $1`,
    [published.workflow?.id],
  ],
])('%s is refused', async (_change, statement, values) => {
  await expect(pool.executeSql(statement, values)).rejects.toMatchObject(refused)
})

test('where a node is drawn may change', async () => {
  await pool.executeSql(`update nodes set position = '{"x": 5, "y": 6}', updated_at = now() where id = $1`, [node])
  expect(await select(pool, 'select position from nodes where id = $1', [node])).toEqual([{ position: { x: 5, y: 6 } }])
})

test('it may be archived, described and labelled', async () => {
  const { workflow } = await insertPublished()
  const change = `update workflows set status = 'archived', description = 'd', metadata = '{"team": "x"}', deleted_at = now() where id = $1`
  await expect(pool.executeSql(change, [workflow?.id])).resolves.toBeDefined()
})

test('a draft may change in every way', async () => {
  const { workflow, first, edge: own } = await insertOneOfEach(pool)
  await pool.executeSql(`update nodes set config = '{"url": "x"}', key = 'z' where id = $1`, [first?.id])
  await pool.executeSql('delete from edges where id = $1', [own?.id])
  await pool.executeSql(`update workflows set variables = '{"a": 1}', version = 2 where id = $1`, [workflow?.id])
})

test('a version that never ran can be deleted whole', async () => {
  const { id } = await insert(pool, 'workflows', { name: 'never ran' })
  const from = await insert(pool, 'nodes', { workflow_id: id, key: 'a', name: 'A', type: 'http' })
  const to = await insert(pool, 'nodes', { workflow_id: id, key: 'b', name: 'B', type: 'http' })
  await insert(pool, 'edges', { workflow_id: id, source_node_id: from.id, target_node_id: to.id })
  await pool.executeSql('update workflows set published_at = now() where id = $1', [id])
  await pool.executeSql('delete from workflows where id = $1', [id])
  expect(await select(pool, 'select from nodes where workflow_id = $1', [id])).toEqual([])
})

describe('a change and a publication at the same time', () => {
  const change = (tx: Tx, workflow: unknown): Promise<unknown> =>
    tx.executeSql(`insert into nodes (workflow_id, key, name, type) values ($1, 'late', 'L', 'http')`, [workflow])
  const publish = (tx: Tx, workflow: unknown): Promise<unknown> =>
    tx.executeSql('update workflows set published_at = now() where id = $1', [workflow])

  test.each([
    ['the publication waits for a change under way', change, publish],
    ['a change waits for the publication under way', publish, change],
  ])('%s', async (_order, first, second) => {
    const { workflow } = await insertOneOfEach(pool)
    const impatient = pool.transaction(async holder => {
      await first(holder, workflow?.id)
      await pool.transaction(async waiter => {
        await waiter.executeSql(`set local lock_timeout = '100ms'`)
        await second(waiter, workflow?.id)
      })
    })
    await expect(impatient).rejects.toMatchObject({ code: '55P03' })
  })
})
