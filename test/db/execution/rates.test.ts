// Rates: how often executions of a workflow begin, who waits for its time, and who goes on when.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import type { Pool } from '../../../src/db/pool.ts'
import { sql } from '../../../src/db/sql.ts'
import { findExecution } from '../../../src/execution/find.ts'
import { createPacer } from '../../../src/execution/pace.ts'
import { dropFullBuckets } from '../../../src/execution/rate-store.ts'
import { rescueSilent } from '../../../src/execution/wake.ts'
import { createTestDatabase } from '../../support/database.ts'
import { type LimitScene, limitScene } from '../../support/limit-scene.ts'

const HOUR_MS = 3_600_000
const NEVER_MS = 3_600_000

let pool: Pool
let scene: LimitScene
beforeEach(async () => {
  ;({ pool } = await createTestDatabase())
  scene = await limitScene(pool)
})
afterEach(async () => {
  expect(await scene.end()).toEqual([])
})

async function passedAt(): Promise<number[]> {
  const rows = await pool.rows<{ at: Date }>(sql('test.passed')`
    select created_at as at from public.events where event_type = 'execution_passed' order by created_at`)
  return rows.map(row => row.at.getTime())
}

const oneAnHour = { limit: 1, period_ms: HOUR_MS }

/** Executions one after the other, each where it stands before the next comes. */
async function begin(
  workflowId: string,
  ...expected: readonly (readonly [input: unknown, standing: string, priority?: number])[]
): Promise<string[]> {
  const ids: string[] = []
  for (const [input, standing, priority = 0] of expected) {
    const [id = ''] = await scene.engine.begin(workflowId, [input as never], { priority })
    scene.runner.wake()
    await scene.becomes([id], [standing])
    ids.push(id)
  }
  return ids
}

/** An hour goes by, so many times. */
async function pass(hours = 1): Promise<void> {
  await pool.run(sql('test.pass')`
    update public.rate_buckets set counted_at = counted_at - ${hours} * interval '1 hour', wake_at = wake_at - ${hours} * interval '1 hour'`)
  scene.pace()
}

test('who comes too often waits without a job, pending, and begins when its time has come, the oldest first', async () => {
  const [a = '', b = '', c = ''] = await begin(
    await scene.publish({ rate: oneAnHour }),
    ['a', 'running'],
    ['b', 'rate'],
    ['c', 'rate'],
  )
  expect(await findExecution(pool, b)).toMatchObject({ status: 'pending', parked_reason: 'rate', rate_key: 'test' })
  expect((await findExecution(pool, b)).line).toMatchObject({ ahead: 0 })
  const { line } = await findExecution(pool, c)
  expect(line?.ahead).toBe(1)
  expect(Date.parse(line?.next_at ?? '')).toBeGreaterThan(Date.now() + HOUR_MS / 2)
  expect(await scene.engine.queue.live([b, c])).toEqual(new Set())
  expect(await rescueSilent(scene.engine.deps, 0)).toBe(0)
  expect(scene.runner.held()).toBe(1)
  await pass()
  await scene.becomes([a, b, c], ['running', 'running', 'rate'])
  await pass()
  await scene.becomes([c], ['running'])
  scene.finish(a, b, c)
  await scene.becomes([a, b, c], Array(3).fill('completed'))
  expect((await scene.types(b)).slice(0, 3)).toEqual(['execution_throttled', 'execution_passed', 'workflow_started'])
  expect((await scene.types(a)).slice(0, 2)).toEqual(['execution_passed', 'workflow_started'])
})

test('as many as the bucket holds begin at once, and then one after the other', async () => {
  const ids = await scene.engine.begin(await scene.publish({ rate: { ...oneAnHour, burst: 2 } }), [1, 2, 3, 4, 5])
  scene.runner.wake()
  await scene.becomes(ids, ['running', 'running', 'rate', 'rate', 'rate'])
  await pass(2)
  await scene.becomes(ids, ['running', 'running', 'running', 'running', 'rate'])
  await pass(1)
  await scene.becomes(ids, Array(5).fill('running'))
})

test('nobody is woken but by the clock: the next begins when its token is there', async () => {
  const ids = await scene.engine.begin(
    await scene.publish({ rate: { limit: 2, period_ms: 1_000, burst: 1 } }),
    [1, 2, 3],
  )
  scene.runner.wake()
  scene.finish(...ids)
  await scene.becomes(ids, Array(3).fill('completed'))
  const passed = await passedAt()
  expect(passed).toHaveLength(3)
  expect((passed[1] ?? 0) - (passed[0] ?? 0)).toBeGreaterThanOrEqual(499)
  expect((passed[2] ?? 0) - (passed[1] ?? 0)).toBeGreaterThanOrEqual(499)
  expect((passed[2] ?? 0) - (passed[0] ?? 0)).toBeLessThan(5_000)
})

test('each value of a key has a rate of its own', async () => {
  const workflow = await scene.publish({ rate: { ...oneAnHour, key: 'input.customer' } })
  const ids = await begin(
    workflow,
    [{ customer: 'acme' }, 'running'],
    [{ customer: 'bolt' }, 'running'],
    [{ customer: 'acme' }, 'rate'],
  )
  expect((await scene.engine.eventLog.read(ids[2] ?? ''))[0]?.body).toEqual({
    type: 'execution_throttled',
    payload: { key: 'test/"acme"' },
  })
})

test('a key that cannot be told fails the execution before anything of it runs', async () => {
  const [id = ''] = await begin(await scene.publish({ rate: { ...oneAnHour, key: 'input.nothing' } }), [{}, 'failed'])
  const { error } = await findExecution(pool, id)
  expect(error).toMatch(/^LIMIT_KEY_FAILED: settings\.rate\.key: it must yield a text/)
})

test('with skip, who comes too often is cancelled and says why', async () => {
  const ids = await begin(
    await scene.publish({ rate: { ...oneAnHour, on_limit: 'skip' } }),
    ['a', 'running'],
    ['b', 'cancelled'],
  )
  expect((await findExecution(pool, ids[1] ?? '')).error).toContain(
    'by rate:test: as many of test have begun as its rate allows',
  )
})

test('those of higher priority go first, those of one priority by age', async () => {
  const ids = await begin(
    await scene.publish({ rate: oneAnHour }),
    ['first', 'running'],
    ['usual', 'rate'],
    ['high', 'rate', 5],
    ['high too', 'rate', 5],
  )
  const order: string[] = []
  for (let i = 0; i < 3; i++) {
    await pass()
    const running = 2 + i
    while (scene.runs().length < running) await systemClock.sleep(5)
    order.push(String(scene.runs().at(-1)))
  }
  expect(order).toEqual(['high', 'high too', 'usual'])
  scene.finish(...ids)
})

test('who is cancelled while it waits leaves its time to the next', async () => {
  const [, b = '', c = ''] = await begin(
    await scene.publish({ rate: oneAnHour }),
    ['a', 'running'],
    ['b', 'rate'],
    ['c', 'rate'],
  )
  await scene.ask('cancel', b)
  await pass()
  await scene.becomes([b, c], ['cancelled', 'running'])
})

test('who is paused while it waits leaves the line, and comes back to it by its age', async () => {
  const [, b = '', c = ''] = await begin(
    await scene.publish({ rate: oneAnHour }),
    ['a', 'running'],
    ['b', 'rate'],
    ['c', 'rate'],
  )
  await scene.ask('pause', b)
  await scene.ask('resume', b)
  await scene.becomes([b], ['rate'])
  await pass()
  await scene.becomes([b, c], ['running', 'rate'])
})

test('a retry begins once more, and counts', async () => {
  const [id = ''] = await begin(await scene.publish({ rate: oneAnHour }), ['a', 'running'])
  await scene.ask('cancel', id)
  await scene.becomes([id], ['cancelled'])
  await scene.ask('retry', id)
  await scene.becomes([id], ['rate'])
  await pass()
  await scene.becomes([id], ['running'])
})

test('who has its place and waits for its time keeps the place', async () => {
  const settings = { concurrency: { max: 2 }, rate: oneAnHour }
  const [a = '', b = '', c = ''] = await begin(
    await scene.publish(settings),
    ['a', 'running'],
    ['b', 'rate'],
    ['c', 'limit'],
  )
  scene.finish(a)
  await scene.becomes([a, b, c], ['completed', 'rate', 'rate'])
  await pass()
  await scene.becomes([b, c], ['running', 'rate'])
})

test('who raises the rate means those who wait, too', async () => {
  const old = await begin(await scene.publish({ rate: oneAnHour }), ['a', 'running'], ['b', 'rate'], ['c', 'rate'])
  await scene.publish({ rate: { limit: 100, period_ms: 1_000 } })
  const deps = { ...scene.engine.deps, ids: scene.engine.ids, pollInterval: NEVER_MS, onAdmitted: scene.runner.wake }
  const another = createPacer(deps) // its first look is at every line
  await another.start()
  await scene.becomes(old, Array(3).fill('running'))
  await another.stop()
})

test('buckets that have long been full are dropped, and those that somebody waits for are not', async () => {
  await begin(await scene.publish({ rate: oneAnHour }), ['a', 'running'], ['b', 'rate'])
  await begin(await scene.publish({ rate: oneAnHour }, { name: 'other' }), ['a', 'running'])
  await pool.run(sql('test.long')`update public.rate_buckets set full_at = now() - interval '1 day'`)
  await dropFullBuckets(pool, 100)
  expect(await pool.rows(sql('test.buckets')`select key from public.rate_buckets`)).toEqual([{ key: 'test' }])
})
