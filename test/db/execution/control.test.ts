// Cancel and pause, against real executions and their races.
import { beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import type { Pool } from '../../../src/db/pool.ts'
import { sql } from '../../../src/db/sql.ts'
import { controlIn } from '../../../src/execution/control.ts'
import { findExecution } from '../../../src/execution/find.ts'
import { buryDead } from '../../../src/execution/wake.ts'
import type { Outcome } from '../../../src/node/node-type.ts'
import { done, hanging, scene } from '../../support/control-scene.ts'
import { createTestDatabase } from '../../support/database.ts'

let pool: Pool
beforeAll(async () => {
  ;({ pool } = await createTestDatabase())
})

test('a pending execution is cancelled at once, without a worker, and leaves no job', async () => {
  const { engine, id, ask, nodes, end } = await scene(pool, { lines: ['a -> b'] }, async () => done)
  expect(await ask({ verb: 'cancel', reason: 'no longer needed' })).toEqual({
    executionId: id,
    kind: 'done',
    is: 'cancelled',
  })
  const row = await findExecution(pool, id)
  expect(row).toMatchObject({ status: 'cancelled', error: 'EXECUTION_CANCELLED: by test: no longer needed' })
  expect(await nodes()).toEqual(['a skipped', 'b skipped'])
  expect(await engine.queue.live([id])).toEqual(new Set())
  await end()
})

test('a running execution is cancelled: its attempt is aborted and has failed, what had not begun is skipped', async () => {
  const node = hanging()
  const { engine, id, ask, work, nodes, end } = await scene(pool, { lines: ['a -> b'] }, (_, context) =>
    node.attempt(context),
  )
  await work()
  await node.begun
  expect(await ask('cancel')).toMatchObject({ kind: 'done', is: 'cancelling' })
  await node.aborted
  expect((await engine.ended(id)).status).toBe('cancelled')
  expect(await nodes()).toEqual(['a failed', 'b skipped'])
  await end()
})

test('a second cancel changes nothing and says so', async () => {
  const { ask, types, end } = await scene(pool, { lines: ['a'] }, async () => done)
  await ask('cancel')
  const before = await types()
  expect(await ask('cancel')).toMatchObject({ kind: 'unchanged', why: 'it is cancelled already' })
  expect(await types()).toEqual(before)
  await end()
})

test('within a transaction that fails nothing was asked', async () => {
  const { engine, id, types, end } = await scene(pool, { lines: ['a'] }, async () => done)
  const failing = pool.transaction(async tx => {
    await controlIn(
      tx,
      { ...engine.deps, ids: engine.ids },
      { command: { verb: 'cancel', by: 'test' }, executionIds: [id] },
    )
    throw new Error('the caller thinks better of it')
  })
  await expect(failing).rejects.toThrow('thinks better')
  expect(await types()).toEqual([])
  await end()
})

test('a cancellation that no worker is told of takes effect at its next append', async () => {
  const node = hanging()
  const { engine, id, quietly, work, nodes, end } = await scene(pool, { lines: ['a -> b'] }, (_, context) =>
    node.attempt(context),
  )
  await work()
  await node.begun
  await quietly('cancel')
  node.release(done)
  expect((await engine.ended(id)).status).toBe('cancelled')
  expect(await nodes()).toEqual(['a completed', 'b skipped'])
  await end()
})

test('a parked execution is woken to be cancelled', async () => {
  const policies = { a: { retry: { delay_ms: 600_000, max_delay_ms: 600_000 } } }
  const later: Outcome = { kind: 'failed', error: { code: 'LATER', message: 'not yet', retryable: true } }
  const { engine, id, ask, work, types, becomes, end } = await scene(
    pool,
    { lines: ['a'], policies },
    async () => later,
  )
  await work()
  await becomes('running')
  for (; !(await types()).includes('execution_parked'); await systemClock.sleep(10));
  await ask('cancel')
  expect((await engine.ended(id)).status).toBe('cancelled')
  expect((await types()).slice(-5)).toEqual([
    'execution_parked', 'workflow_cancel_requested', 'execution_woken', 'node_failed', 'workflow_cancelled',
  ]) // biome-ignore format: one line
  await end()
})

test('a pause lets the running attempt end and starts nothing; resumed, it goes on from there', async () => {
  const node = hanging()
  const { engine, id, ask, work, nodes, becomes, end } = await scene(pool, { lines: ['a -> b'] }, (key, context) =>
    key === 'a' ? node.attempt(context) : Promise.resolve(done),
  )
  await work()
  await node.begun
  expect(await ask('pause')).toMatchObject({ is: 'pausing' })
  node.release(done)
  await becomes('paused')
  expect(await nodes()).toEqual(['a completed'])
  expect(await findExecution(pool, id)).toMatchObject({ parked_reason: 'paused', wake_at: null })
  expect(await ask('resume')).toMatchObject({ is: 'running' })
  expect((await engine.ended(id)).status).toBe('completed')
  await end()
})

test('a pending execution is paused without a worker and waits, however many workers look for work', async () => {
  const ran: string[] = []
  const { engine, id, ask, work, end } = await scene(pool, { lines: ['a'] }, async key => {
    ran.push(key)
    return done
  })
  expect(await ask('pause')).toMatchObject({ is: 'paused' })
  expect(await engine.queue.live([id])).toEqual(new Set())
  await work()
  await systemClock.sleep(100)
  expect(ran).toEqual([])
  expect(await ask('resume')).toMatchObject({ is: 'pending' })
  expect((await engine.ended(id)).status).toBe('completed')
  await end()
})

test('a job that is left over from before a pause is dropped by whoever claims it', async () => {
  const { engine, id, ask, work, becomes, end } = await scene(pool, { lines: ['a'] }, async () => done)
  await ask('pause')
  await pool.transaction(tx => engine.queue.enqueue(tx, [{ id, executionIds: [id], turn: 0, priority: 0 }]))
  await work()
  for (; (await engine.queue.live([id])).size > 0; await systemClock.sleep(10));
  await becomes('paused')
  await end()
})

test('a cancelled execution that lost every worker is buried as cancelled', async () => {
  const node = hanging()
  const { engine, id, quietly, work, end } = await scene(pool, { lines: ['a'] }, (_, context) => node.attempt(context))
  await work()
  await node.begun
  await quietly('cancel')
  await pool.run(sql('test.bury')`
    with gone as (delete from pgboss.job where id = ${id} returning data)
    insert into pgboss.job (name, data) select 'exec_dead', data from gone`)
  await buryDead(engine.deps)
  expect((await findExecution(pool, id)).status).toBe('cancelled')
  node.release(done)
  await end()
})

test.each([
  ['cancel', ['cancelled']],
  ['pause', ['paused', 'completed']], // it completes if there was nothing left to hold back
] as const)('a %s that meets the last append leaves one of two ends, and both are whole', async (verb, statuses) => {
  for (let round = 0; round < 10; round++) {
    const node = hanging()
    const { engine, id, ask, work, becomes, end } = await scene(pool, { lines: ['a -> b'] }, (key, context) =>
      key === 'a' ? node.attempt(context) : Promise.resolve(done),
    )
    await work()
    await node.begun
    const asked = ask(verb)
    node.release(done)
    const { kind } = await asked
    if ((await becomes(...(kind === 'refused' ? ['completed'] : statuses))) === 'paused') {
      await ask('resume')
      expect((await engine.ended(id)).status).toBe('completed')
    }
    await end()
  }
})
