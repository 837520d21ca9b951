// A figure counts only if what the run left in the database is what its shape promises.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bareRate } from '../../../bench/bare.ts'
import type { Driver } from '../../../bench/ground.ts'
import { begin, layered, over, publish, requireRecorded, type Workflow } from '../../../bench/shapes.ts'
import type { Runner } from '../../../src/queue/runner.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, type TestEngine } from '../../support/engine.ts'

let engine: TestEngine
let runner: Runner
let driver: Driver
let workflow: Workflow

beforeAll(async () => {
  const { pool, url } = await createTestDatabase()
  engine = await createTestEngine(pool)
  runner = engine.runner()
  driver = { url, pool, queue: engine.queue, ids: engine.ids }
  workflow = await publish(driver, layered('measured', 2, 2))
})

afterAll(async () => {
  await runner.stop()
  await engine.stop()
})

test('executions that did not run are refused', async () => {
  const batch = await begin(driver, workflow, { count: 3 })
  await expect(requireRecorded(driver, batch)).rejects.toThrow('"execution pending":3')
})

test('executions that the engine ran are what the shape promises', async () => {
  await runner.start()
  const batch = await begin(driver, workflow, { count: 3 })
  await over(driver, batch)
  await expect(requireRecorded(driver, batch)).resolves.toBeUndefined()
})

test('an execution too many is refused', async () => {
  const batch = await begin(driver, workflow, { count: 3 })
  await over(driver, batch)
  await expect(requireRecorded(driver, { ...batch, count: 2 })).rejects.toThrow('"execution completed":3')
})

test('the bare limit writes what the engine records', async () => {
  await expect(bareRate(driver, workflow, 300)).resolves.toBeGreaterThan(0)
})
