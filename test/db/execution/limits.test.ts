// Limits on the executions of a workflow: who runs, who waits, and who goes on when.
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Pool } from '../../../src/db/pool.ts'
import { findExecution } from '../../../src/execution/find.ts'
import { rescueSilent } from '../../../src/execution/wake.ts'
import { createTestDatabase } from '../../support/database.ts'
import { type LimitScene, limitScene } from '../../support/limit-scene.ts'

let pool: Pool
let scene: LimitScene
beforeEach(async () => {
  ;({ pool } = await createTestDatabase())
  scene = await limitScene(pool)
})
afterEach(async () => {
  expect(await scene.end()).toEqual([])
})

const one = { concurrency: { max: 1 } }

/** Executions one after the other, each where it stands before the next comes. */
async function begin(
  workflowId: string,
  ...expected: readonly [input: unknown, standing: string][]
): Promise<string[]> {
  const ids: string[] = []
  for (const [input, standing] of expected) {
    const [id = ''] = await scene.engine.begin(workflowId, [input as never])
    scene.runner.wake()
    await scene.becomes([id], [standing])
    ids.push(id)
  }
  return ids
}

test('one execution at a time: the others wait without a job, pending, and go on one after the other, the oldest first', async () => {
  const [a = '', b = '', c = ''] = await begin(
    await scene.publish(one),
    ['a', 'running'],
    ['b', 'limit'],
    ['c', 'limit'],
  )
  expect(await findExecution(pool, b)).toMatchObject({ status: 'pending', parked_reason: 'limit', started_at: null })
  expect((await findExecution(pool, c)).line).toEqual({ ahead: 1, next_at: null })
  expect((await findExecution(pool, a)).line).toBeNull()
  expect(await scene.engine.queue.live([b, c])).toEqual(new Set())
  expect(scene.runner.held()).toBe(1)
  scene.finish(a)
  await scene.becomes([a, b, c], ['completed', 'running', 'limit'])
  scene.finish(b)
  await scene.becomes([b, c], ['completed', 'running'])
  scene.finish(c)
  await scene.becomes([c], ['completed'])
  expect((await scene.types(b)).slice(0, 3)).toEqual(['execution_limited', 'execution_admitted', 'workflow_started'])
})

test('many that come at once get as many places as there are', async () => {
  const ids = await scene.engine.begin(await scene.publish({ concurrency: { max: 3 } }), [1, 2, 3, 4, 5])
  scene.runner.wake()
  await scene.becomes(ids, ['running', 'running', 'running', 'limit', 'limit'])
  scene.finish(...ids)
  await scene.becomes(ids, Array(5).fill('completed'))
})

test('a key has a limit for each of its values; a number is not the text that looks like it', async () => {
  const byCustomer = { concurrency: { max: 1, key: 'input.customer' } }
  const ids = await begin(
    await scene.publish(byCustomer),
    [{ customer: '7' }, 'running'],
    [{ customer: 7 }, 'running'],
    [{ customer: '7' }, 'limit'],
  )
  expect((await scene.engine.eventLog.read(ids[2] ?? ''))[0]?.body).toEqual({
    type: 'execution_limited',
    payload: { key: 'test/"7"' },
  })
  scene.finish(...ids)
  await scene.becomes(ids, Array(3).fill('completed'))
})

test.each([
  ['input.nothing', 'it must yield a text, a number or a boolean, and yields nothing'],
  ['input', 'it must yield a text, a number or a boolean, and yields an object'],
  ['input.many', 'it must yield a text, a number or a boolean, and yields a list'],
  ['input.long', 'it yields 302 characters, and at most 256 are allowed'],
])('a key that cannot be told fails the execution before anything of it runs: %s', async (key, why) => {
  const [id = ''] = await begin(await scene.publish({ concurrency: { max: 1, key } }), [
    { many: ['a'], long: 'x'.repeat(300) },
    'failed',
  ])
  expect((await findExecution(pool, id)).error).toContain(`LIMIT_KEY_FAILED: settings.concurrency.key: ${why}`)
})

test('with on_limit skip one more is cancelled before it begins, and says why', async () => {
  const workflow = await scene.publish({ concurrency: { max: 1, on_limit: 'skip' } })
  const [a = '', b = ''] = await begin(workflow, ['a', 'running'], ['b', 'cancelled'])
  expect(await findExecution(pool, b)).toMatchObject({
    started_at: null,
    error: 'EXECUTION_CANCELLED: by limit:test: 1 of test are under way, and on_limit is skip',
  })
  scene.finish(a)
  await scene.becomes([a], ['completed'])
  const [c = ''] = await begin(workflow, ['c', 'running'])
  scene.finish(c)
  await scene.becomes([c], ['completed'])
})

test('with on_limit cancel_oldest the newest run, and what is older is cancelled whether it ran or waited', async () => {
  const workflow = await scene.publish({ concurrency: { max: 1, on_limit: 'cancel_oldest' } })
  const [a = ''] = await begin(workflow, ['a', 'running'])
  const [b = '', c = ''] = await scene.engine.begin(workflow, ['b', 'c'])
  scene.runner.wake()
  await scene.becomes([a, b, c], ['cancelled', 'cancelled', 'running'])
  expect((await findExecution(pool, a)).error).toBe(
    'EXECUTION_CANCELLED: by limit:test: a newer execution came, and on_limit is cancel_oldest',
  )
  scene.finish(c)
  await scene.becomes([c], ['completed'])
})

test('one that waits can be cancelled, or paused; resumed, it comes to the end of the line of its age', async () => {
  const [a = '', b = '', c = '', d = ''] = await begin(
    await scene.publish(one),
    ['a', 'running'],
    ['b', 'limit'],
    ['c', 'limit'],
    ['d', 'limit'],
  )
  expect(await scene.ask('cancel', b)).toMatchObject({ is: 'cancelled' })
  expect(await scene.ask('pause', c)).toMatchObject({ is: 'paused' })
  scene.finish(a)
  await scene.becomes([a, b, c, d], ['completed', 'cancelled', 'paused', 'running'])
  await scene.ask('resume', c)
  await scene.becomes([c], ['limit'])
  scene.finish(c, d)
  await scene.becomes([c, d], ['completed', 'completed'])
})

test('one that is paused keeps its place', async () => {
  const workflow = await scene.publish(one, { lines: ['a -> b'] })
  const [a = ''] = await begin(workflow, ['a', 'running'])
  await scene.ask('pause', a)
  scene.finish(a)
  await scene.becomes([a], ['paused'])
  const [b = ''] = await begin(workflow, ['b', 'limit'])
  await scene.ask('resume', a)
  await scene.becomes([a, b], ['completed', 'running'])
  scene.finish(b)
  await scene.becomes([b], ['completed'])
})

test('one that was over and is retried needs a place again', async () => {
  const workflow = await scene.publish(one)
  const [a = ''] = await begin(workflow, ['a', 'running'])
  await scene.ask('cancel', a)
  await scene.becomes([a], ['cancelled'])
  const [b = ''] = await begin(workflow, ['b', 'running'])
  await scene.ask('retry', a)
  await scene.becomes([a, b], ['limit', 'running'])
  expect(await findExecution(pool, a)).toMatchObject({ status: 'running', parked_reason: 'limit' })
  scene.finish(a, b)
  await scene.becomes([a, b], ['completed', 'completed'])
})

test('a retried one that waits can be cancelled', async () => {
  const workflow = await scene.publish(one)
  const [a = ''] = await begin(workflow, ['a', 'running'])
  await scene.ask('cancel', a)
  await scene.becomes([a], ['cancelled'])
  const [b = ''] = await begin(workflow, ['b', 'running'])
  await scene.ask('retry', a)
  await scene.becomes([a], ['limit'])
  await scene.ask('cancel', a)
  await scene.becomes([a, b], ['cancelled', 'running'])
  scene.finish(b)
  await scene.becomes([b], ['completed'])
})

test('how many may run is what the active version says, for executions of every version', async () => {
  const [a = '', b = '', c = ''] = await begin(
    await scene.publish(one),
    ['a', 'running'],
    ['b', 'limit'],
    ['c', 'limit'],
  )
  const [d = ''] = await begin(await scene.publish({ concurrency: { max: 3 } }), ['d', 'limit'])
  await scene.becomes([a, b, c, d], ['running', 'running', 'running', 'limit'])
  scene.finish(a, b, c, d)
  await scene.becomes([a, b, c, d], Array(4).fill('completed'))
})

test('workflows of other names have limits of their own', async () => {
  const ids = [
    ...(await begin(await scene.publish(one, { name: 'first' }), ['a', 'running'])),
    ...(await begin(await scene.publish(one, { name: 'second' }), ['b', 'running'])),
  ]
  scene.finish(...ids)
  await scene.becomes(ids, ['completed', 'completed'])
})

test('those of higher priority go first, those of one priority by age', async () => {
  const workflow = await scene.publish(one)
  const [first = ''] = await begin(workflow, ['first', 'running'])
  const order: string[] = []
  for (const priority of [0, 5, -5, 5, 0]) {
    const [id = ''] = await scene.engine.begin(workflow, ['x'], { priority })
    order.push(id)
  }
  scene.runner.wake()
  await scene.becomes(order, Array(5).fill('limit'))
  const [a = '', b = '', c = '', d = '', e = ''] = order
  let before = first
  for (const next of [b, d, a, e, c]) {
    scene.finish(before)
    await scene.becomes([before, next], ['completed', 'running'])
    before = next
  }
  scene.finish(before)
  await scene.becomes([before], ['completed'])
})

test('one that waits is not taken for one that lost its job', async () => {
  const [a = '', b = ''] = await begin(await scene.publish(one), ['a', 'running'], ['b', 'limit'])
  expect(await rescueSilent(scene.engine.deps, -1)).toBe(0)
  scene.finish(a, b)
  await scene.becomes([a, b], ['completed', 'completed'])
})
