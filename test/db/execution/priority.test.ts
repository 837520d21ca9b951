// Who goes first: strictly the more urgent, and of one level whoever has been ready for longest.
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { createLimit } from '../../../src/base/limit.ts'
import type { Pool } from '../../../src/db/pool.ts'
import { control } from '../../../src/execution/control.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, documentOf, scripted, type TestEngine } from '../../support/engine.ts'

let pool: Pool
let engine: TestEngine
let workflows: readonly string[]
/** Ids of executions in the order in which their node began. */
let began: string[] = []

beforeAll(async () => {
  ;({ pool } = await createTestDatabase())
  const nodeTypes = scripted(async ({ log }) => {
    began.push(String(log.bindings().executionId))
    return { kind: 'completed', output: null }
  })
  engine = await createTestEngine(pool, { nodeTypes })
  workflows = [
    await engine.publish({ ...documentOf(['a']), name: 'one' }),
    await engine.publish({ ...documentOf(['a']), name: 'other' }),
  ]
})
afterAll(async () => {
  expect(await engine.violations()).toEqual([])
  await engine.stop()
})

const begin = async (priority: number, workflow = 0): Promise<string> =>
  (await engine.begin(workflows[workflow] ?? '', [null], { priority }))[0] ?? ''

/** A worker that holds one execution at a time runs them all; the order in which it did. */
async function inTurn(ids: readonly string[]): Promise<string[]> {
  began = []
  const runner = engine.runner({ slots: 1 })
  await runner.start()
  for (const id of ids) await engine.ended(id)
  await runner.stop()
  return began
}

test('workers take the more urgent first, and within a level first come, first served, whatever the workflow', async () => {
  const comer = fc.record({ priority: fc.integer({ min: -2, max: 2 }), workflow: fc.nat(1) })
  await fc.assert(
    fc.asyncProperty(fc.array(comer, { minLength: 5, maxLength: 15 }), async comers => {
      const come: { readonly id: string; readonly priority: number }[] = []
      for (const { priority, workflow } of comers) come.push({ id: await begin(priority, workflow), priority })
      const expected = come.toSorted((a, b) => b.priority - a.priority).map(({ id }) => id)
      expect(await inTurn(expected)).toEqual(expected)
    }),
    { numRuns: 5 },
  )
})

test('something more urgent goes before all that waits, though it comes last', async () => {
  const waiting = [await begin(0), await begin(0)]
  const urgent = await begin(100)
  expect(await inTurn([urgent, ...waiting])).toEqual([urgent, ...waiting])
})

test('who was paused is ready from its resumption on, and stands behind those who were before', async () => {
  const ask = (verb: 'pause' | 'resume', id: string) =>
    control({ ...engine.deps, ids: engine.ids }, { verb, by: 'test' }, [id])
  const paused = await begin(0)
  await ask('pause', paused)
  const other = await begin(0)
  await ask('resume', paused)
  expect(await inTurn([other, paused])).toEqual([other, paused])
})

test('among attempts that wait for room in their daemon, those of the more urgent execution go first', async () => {
  const gate = Promise.withResolvers<void>()
  const order: string[] = []
  const nodeTypes = scripted(async ({ log }) => {
    order.push(String(log.bindings().executionId))
    await gate.promise
    return { kind: 'completed', output: null }
  })
  const narrow = await createTestEngine(pool, { nodeTypes, attempts: createLimit(1) })
  const runner = narrow.runner({ slots: 10 })
  await runner.start()
  const started = async (id: string): Promise<void> => {
    runner.wake()
    while ((await narrow.eventLog.read(id)).length < 3) await systemClock.sleep(5)
  }
  const ids: string[] = []
  for (const priority of [0, -1, 0, 1]) {
    const id = await begin(priority)
    await started(id)
    ids.push(id)
  }
  gate.resolve()
  for (const id of ids) await narrow.ended(id)
  await runner.stop()
  await narrow.stop()
  const [first, low, usual, high] = ids
  expect(order).toEqual([first, high, usual, low])
})
