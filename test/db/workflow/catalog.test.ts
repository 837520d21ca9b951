import { beforeAll, expect, test } from 'vitest'
import { createIds } from '../../../src/base/id.ts'
import type { Db, Pool } from '../../../src/db/pool.ts'
import { createCatalog } from '../../../src/workflow/catalog.ts'
import { publishWorkflow } from '../../../src/workflow/publish.ts'
import { createTestDatabase } from '../../support/database.ts'
import { document } from './documents.ts'

const NOBODY = '00000000-0000-7000-8000-000000000000'
let pool: Pool
let [one, two] = ['', '']
beforeAll(async () => {
  pool = (await createTestDatabase()).pool
  const ids = createIds(Date.now)
  one = (await pool.transaction(tx => publishWorkflow(tx, { ids }, document('one')))).workflow.id
  two = (await pool.transaction(tx => publishWorkflow(tx, { ids }, document('two')))).workflow.id
})

/** The database, counting its statements; the first `failures` of them fail. */
function counted(failures = 0): Db & { count(): number } {
  let count = 0
  return {
    rows: async statement => {
      if (++count <= failures) throw new Error('connection lost')
      return pool.rows(statement)
    },
    run: statement => pool.run(statement),
    count: () => count,
  }
}

test('a plan is loaded once and then kept', async () => {
  const db = counted()
  const catalog = createCatalog(db)
  const plan = await catalog.plan(one)
  expect(plan.workflow.name).toBe('one')
  expect(plan.waves).toEqual([[0], [1]])
  expect(await catalog.plan(one)).toBe(plan)
  expect(db.count()).toBe(1)
})

test('several plans are one statement, and only for those not kept', async () => {
  const db = counted()
  const catalog = createCatalog(db)
  await catalog.plan(one)
  const plans = await catalog.plans([one, two, two])
  expect([...plans].map(([id, plan]) => [id, plan.workflow.name])).toEqual([
    [one, 'one'],
    [two, 'two'],
  ])
  expect(db.count()).toBe(2)
})

test('those who ask at the same time share one statement', async () => {
  const db = counted()
  const catalog = createCatalog(db)
  const [a, b, both] = await Promise.all([catalog.plan(one), catalog.plan(one), catalog.plans([two, one])])
  expect(a).toBe(b)
  expect(both.get(one)).toBe(a)
  expect(db.count()).toBe(2)
})

test('a failure is not kept', async () => {
  const catalog = createCatalog(counted(1))
  await expect(catalog.plan(one)).rejects.toThrow('connection lost')
  expect((await catalog.plan(one)).workflow.name).toBe('one')
})

test('a version that does not exist has no plan', async () => {
  const catalog = createCatalog(pool)
  await expect(catalog.plan(NOBODY)).rejects.toMatchObject({ code: 'WORKFLOW_NOT_FOUND' })
  expect([...(await catalog.plans([NOBODY, one])).keys()]).toEqual([one])
})

test('a draft is loaded each time: it may still change', async () => {
  await pool.executeSql(`insert into workflows (id, name) values ($1, 'draft')`, [NOBODY])
  const db = counted()
  const catalog = createCatalog(db)
  await catalog.plan(NOBODY)
  await catalog.plan(NOBODY)
  expect(db.count()).toBe(2)
})

test('a deleted version still has a plan: executions go on with the version they began with', async () => {
  await pool.executeSql(`update workflows set deleted_at = now() where id = $1`, [two])
  expect((await createCatalog(pool).plan(two)).workflow.name).toBe('two')
})
