// The loop that wakes what is parked: when it looks again.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../../src/base/clock.ts'
import { type Statement, sql } from '../../../src/db/sql.ts'
import { createWakeServices, type WakeDeps, wakeDue } from '../../../src/execution/wake.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, documentOf, type TestEngine } from '../../support/engine.ts'

let engine: TestEngine
beforeAll(async () => {
  engine = await createTestEngine((await createTestDatabase()).pool)
})
afterAll(() => engine.stop())

/** So many executions that are parked, and whose time has come. */
async function due(count: number): Promise<void> {
  const version = await engine.publish(documentOf(['a']))
  const ids = await engine.begin(
    version,
    Array.from({ length: count }, () => ({})),
  )
  await engine.pool.run(sql('test.due')`
    update public.executions set status = 'running', started_at = now(), wake_at = now(), parked_reason = 'delay'
    where id = any(${ids}::uuid[])`)
}

/** How long the loop means to sleep after its first passes. */
async function pauses(count: number, deps: Partial<WakeDeps> = {}): Promise<number[]> {
  const slept: number[] = []
  const done = Promise.withResolvers<void>()
  const clock: Clock = {
    ...systemClock,
    async sleep(ms, signal) {
      slept.push(ms)
      if (slept.length < count) return
      done.resolve()
      await systemClock.sleep(ms, signal)
    },
  }
  const { timers } = createWakeServices({ ...engine.deps, clock, ...deps }, () => {})
  await timers.start()
  await done.promise
  await timers.stop()
  return slept
}

test('after as many as one pass takes it looks at once, after fewer soon, and after none when it is told to', async () => {
  await due(201)
  expect(await pauses(3)).toEqual([0, 50, 15_000])
})

test('another daemon that wakes some of them does not keep it from going on with the others', async () => {
  await due(401)
  let isFirst = true
  const { pool } = engine
  /** Between what is found and what is woken another daemon wakes all of it. */
  const rows = async <R>(statement: Statement): Promise<R[]> => {
    const found = await pool.rows<R>(statement)
    if (isFirst) await wakeDue(engine.deps)
    isFirst = false
    return found
  }
  expect(await pauses(4, { pool: { ...pool, rows } })).toEqual([0, 0, 50, 15_000])
})
