import { beforeAll, expect, test } from 'vitest'
import { createIds } from '../../../src/base/id.ts'
import type { Pool } from '../../../src/db/pool.ts'
import { findWorkflow, listWorkflows } from '../../../src/workflow/find.ts'
import { archiveWorkflow, publishWorkflow } from '../../../src/workflow/publish.ts'
import { createTestDatabase } from '../../support/database.ts'
import { document, node } from './documents.ts'

let pool: Pool
let firstId: string
beforeAll(async () => {
  pool = (await createTestDatabase()).pool
  const ids = createIds(Date.now)
  await pool.transaction(async tx => {
    firstId = (await publishWorkflow(tx, { ids }, document('alpha'))).workflow.id
    await publishWorkflow(tx, { ids }, document('alpha', { description: 'second' }))
    await publishWorkflow(tx, { ids }, document('beta'))
    await publishWorkflow(tx, { ids }, document('beta', { description: 'second' }))
    await archiveWorkflow(tx, 'beta')
    await publishWorkflow(tx, { ids }, document('gamma', { nodes: [node('only')], edges: [] }))
  })
})

test('a name stands for its active version', async () => {
  expect(await findWorkflow(pool, { workflow: 'alpha' })).toMatchObject({ version: 2, status: 'active' })
})

test('a name without an active version stands for its newest', async () => {
  expect(await findWorkflow(pool, { workflow: 'beta' })).toMatchObject({ version: 2, status: 'archived' })
})

test('a given version is found, active or not', async () => {
  expect(await findWorkflow(pool, { workflow: 'alpha', version: 1 })).toMatchObject({ version: 1, status: 'archived' })
})

test('a version is found by its id', async () => {
  expect(await findWorkflow(pool, { workflow: firstId })).toMatchObject({ name: 'alpha', version: 1 })
})

test('a misspelt name is not found, and the error says what was meant', async () => {
  await expect(findWorkflow(pool, { workflow: 'gama' })).rejects.toMatchObject({
    code: 'WORKFLOW_NOT_FOUND',
    message: 'there is no workflow "gama"',
    hint: 'did you mean "gamma"?',
  })
})

test('a version that does not exist is not found, and the error names the newest', async () => {
  await expect(findWorkflow(pool, { workflow: 'alpha', version: 9 })).rejects.toMatchObject({
    code: 'WORKFLOW_NOT_FOUND',
    message: 'the workflow "alpha" has no version 9',
    hint: 'its newest is 2',
  })
})

test('an id that does not exist is not found', async () => {
  const id = '00000000-0000-7000-8000-000000000000'
  await expect(findWorkflow(pool, { workflow: id })).rejects.toMatchObject({ code: 'WORKFLOW_NOT_FOUND' })
})

test('the list has one line per name with what it stands for', async () => {
  const { items, next } = await listWorkflows(pool, { limit: 10 })
  expect(next).toBeNull()
  expect(items.map(({ name, version, status, node_count }) => [name, version, status, node_count])).toEqual([
    ['alpha', 2, 'active', 2],
    ['beta', 2, 'archived', 2],
    ['gamma', 1, 'active', 1],
  ])
})

test('the list counts the triggers of a name', async () => {
  await pool.executeSql(
    `insert into triggers (workflow_id, workflow_name, key, name, type)
     select id, name, 'k' || i, 'k', 'manual' from workflows, generate_series(1, 3) i where name = 'gamma'`,
  )
  const { items } = await listWorkflows(pool, { after: 'beta', limit: 1 })
  expect(items.map(({ name, trigger_count }) => [name, trigger_count])).toEqual([['gamma', 3]])
})

test('pages follow each other without gap or repetition', async () => {
  const first = await listWorkflows(pool, { limit: 2 })
  const second = await listWorkflows(pool, { limit: 2, after: first.next })
  expect([first, second].map(({ items }) => items.map(({ name }) => name))).toEqual([['alpha', 'beta'], ['gamma']])
  expect(second.next).toBeNull()
})
