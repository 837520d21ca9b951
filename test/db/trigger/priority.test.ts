// How urgent the executions of a fire are.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from '../../../src/db/sql.ts'
import { createTrigger } from '../../../src/trigger/arm.ts'
import { fireManually } from '../../../src/trigger/fire-manually.ts'
import { release } from '../../../src/trigger/release.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, documentOf, type TestEngine } from '../../support/engine.ts'
import { createTestTriggers, type TestTriggers } from '../../support/triggers.ts'

let engine: TestEngine
let triggers: TestTriggers
let workflowId: string

beforeAll(async () => {
  engine = await createTestEngine((await createTestDatabase()).pool)
  triggers = await createTestTriggers(engine)
  workflowId = await engine.publish({ ...documentOf(['a']), name: 'urgent', settings: { priority: 7 } })
})
afterAll(() => engine.stop())

let created = 0
async function create(config: { priority?: number; overlap?: string } = {}): Promise<string> {
  const key = `t${created++}`
  const fields = { workflowId, workflowName: 'urgent', key, name: key, type: 'manual', config, enabled: true } as const
  return (await engine.pool.transaction(tx => createTrigger(tx, triggers.arm, fields))).id
}

const fire = (triggerId: string, asked: { priority?: number; key?: string } = {}) =>
  fireManually({ ...triggers.arm, pool: engine.pool }, { triggerId, input: {}, scope: 'test', ...asked })

async function prioritiesOf(triggerId: string): Promise<number[]> {
  const rows = await engine.pool.rows<{ priority: number }>(sql('test.priorities')`
    select e.priority from public.executions e join pgboss.job j on j.id = e.id and j.priority = e.priority
    where trigger_id = ${triggerId} order by e.id`)
  return rows.map(row => row.priority)
}

test('the request comes before the trigger, the trigger before the workflow', async () => {
  const [plain, rated] = [await create(), await create({ priority: -3 })]
  await fire(plain)
  await fire(rated)
  await fire(rated, { priority: 50 })
  expect(await prioritiesOf(plain)).toEqual([7])
  expect(await prioritiesOf(rated)).toEqual([-3, 50])
})

test('a fire that waits keeps the priority it was asked for with', async () => {
  const id = await create({ overlap: 'buffer_all' })
  await fire(id)
  expect(await fire(id, { priority: 99 })).toMatchObject({ disposition: 'buffered' })
  await engine.pool.run(sql('test.end')`
    update public.executions set status = 'cancelled', completed_at = now() where trigger_id = ${id}`)
  await release({ ...triggers.arm, pool: engine.pool }, [id])
  expect(await prioritiesOf(id)).toEqual([7, 99])
})

test('a key that was used stands for the priority that was asked for with it', async () => {
  const id = await create()
  await fire(id, { key: 'k', priority: 1 })
  expect(await fire(id, { key: 'k', priority: 1 })).toMatchObject({ repeated: true })
  await expect(fire(id, { key: 'k' })).rejects.toMatchObject({ code: 'REQUEST_CONFLICT' })
})

test.each([101, -101, 0.5])('a priority of %s is refused', async priority => {
  await expect(fire(await create(), { priority })).rejects.toThrow('must be a whole number from -100 to 100')
})
