// Executions that wait: parked, woken, paused, cancelled, handed over, and taken over by another worker.
import { beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import type { Pool } from '../../../src/db/pool.ts'
import { sql } from '../../../src/db/sql.ts'
import { findExecution } from '../../../src/execution/find.ts'
import { wakeDue } from '../../../src/execution/wake.ts'
import type { Outcome } from '../../../src/node/node-type.ts'
import { done, hanging, type Scene, scene } from '../../support/control-scene.ts'
import { createTestDatabase } from '../../support/database.ts'

const LONG: Outcome = { kind: 'parked', until: 100 * 365 * 86_400_000 }
/** Longer than a worker waits for, and over when a test looks again. */
const SHORT: Outcome = { kind: 'parked', until: 1_200 }

let pool: Pool
beforeEach(async () => {
  ;({ pool } = await createTestDatabase())
})

async function parked({ id }: Scene): Promise<void> {
  for (const patience = AbortSignal.timeout(20_000); ; await systemClock.sleep(10)) {
    const { wake_at } = await findExecution(pool, id)
    if (wake_at !== null) return
    if (patience.aborted) throw new Error('it does not park')
  }
}

/** Wakes what is due until something was. */
async function wake({ engine }: Scene): Promise<void> {
  while ((await wakeDue(engine.deps)) === 0) await systemClock.sleep(20)
}

/** Moves the time of what waits into the past, as if it had passed. */
async function pass({ id }: Scene): Promise<void> {
  await pool.run(sql('test.pass')`update public.executions set wake_at = now() where id = ${id}`)
}

test('a node that waits leaves no job behind and is running, as its execution is', async () => {
  const one = await scene(pool, { lines: ['a -> b'] }, async () => LONG)
  await one.work()
  await parked(one)
  const found = await findExecution(pool, one.id)
  expect(found).toMatchObject({ status: 'running', parked_reason: 'delay' })
  expect(found.wake_at?.getUTCFullYear()).toBeGreaterThan(2100)
  expect(await one.nodes()).toEqual(['a running'])
  const [jobs] = await pool.rows<{ n: number }>(sql('test.jobs')`select count(*)::int as n from pgboss.job`)
  expect(jobs?.n).toBe(0)
  await one.end()
})

test('its timer wakes it, and it is not executed again', async () => {
  const ran: string[] = []
  const one = await scene(pool, { lines: ['a -> b'] }, async key => {
    ran.push(key)
    return key === 'a' ? SHORT : done
  })
  await one.work()
  await parked(one)
  await wake(one)
  const over = await one.engine.ended(one.id)
  expect(over).toMatchObject({ status: 'completed', output: 'done', wake_at: null, parked_reason: null })
  expect(over.nodes.map(node => node.output)).toEqual([{ n: 1 }, 'done'])
  expect(ran).toEqual(['a', 'b'])
  await one.end()
})

test('several daemons that wake it at once wake it once', async () => {
  const one = await scene(pool, { lines: ['a'] }, async () => SHORT)
  await one.work()
  await parked(one)
  await systemClock.sleep(1_300)
  await Promise.all([1, 2, 3, 4].map(() => wakeDue(one.engine.deps)))
  expect((await one.engine.ended(one.id)).status).toBe('completed')
  expect((await one.types()).filter(type => type === 'execution_woken')).toHaveLength(1)
  await one.end()
})

test('woken before its time it waits on', async () => {
  const one = await scene(pool, { lines: ['a'] }, async () => LONG)
  await one.work()
  await parked(one)
  await pass(one)
  await wake(one)
  await parked(one)
  expect((await one.types()).slice(-2)).toEqual(['execution_woken', 'execution_parked'])
  await one.end()
})

test('nodes of one wave that wait, work and fail for now end in their own time; it parks when none works', async () => {
  const slow = hanging()
  const broken: Outcome = { kind: 'failed', error: { code: 'BROKEN', message: 'broke', retryable: true } }
  const policies = { c: { retry: { backoff: 'constant', delay_ms: 0 } } } as const
  const one = await scene(pool, { lines: ['a -> d', 'b -> d', 'c -> d', 's -> d'], policies }, (key, context) => {
    if (key === 's') return slow.attempt(context)
    if (key === 'c' && context.attempt === 1) return Promise.resolve(broken)
    return Promise.resolve(key === 'a' ? SHORT : key === 'b' ? LONG : done)
  })
  await one.work()
  await slow.begun
  for (; !(await one.nodes()).includes('a completed'); await systemClock.sleep(10));
  expect(await findExecution(pool, one.id)).toMatchObject({ wake_at: null })
  slow.release(done)
  await parked(one)
  expect(await one.nodes()).toEqual(['a completed', 'b running', 'c completed', 's completed'])
  await one.end()
})

test('paused while it waits it is not woken; resumed after its time it goes on', async () => {
  const one = await scene(pool, { lines: ['a -> b'] }, async key => (key === 'a' ? SHORT : done))
  await one.work()
  await parked(one)
  expect(await one.ask('pause')).toMatchObject({ is: 'paused' })
  await systemClock.sleep(1_300)
  expect(await wakeDue(one.engine.deps)).toBe(0)
  await one.ask('resume')
  expect((await one.engine.ended(one.id)).status).toBe('completed')
  await one.end()
})

test('resumed before its time it waits on', async () => {
  const one = await scene(pool, { lines: ['a'] }, async () => LONG)
  await one.work()
  await parked(one)
  await one.ask('pause')
  await one.ask('resume')
  await parked(one)
  expect(await one.nodes()).toEqual(['a running'])
  await one.end()
})

test('cancelled while it waits it ends, and the node says why', async () => {
  const one = await scene(pool, { lines: ['a -> b'] }, async () => LONG)
  await one.work()
  await parked(one)
  await one.ask('cancel')
  const over = await one.engine.ended(one.id)
  expect(over).toMatchObject({ status: 'cancelled', wake_at: null })
  expect(over.nodes.map(node => node.error)).toEqual([
    'EXECUTION_CANCELLED: the execution was cancelled while the node waited',
    expect.stringContaining('before it could start'),
  ])
  await one.end()
})

test('a worker that drains hands on what waits beside what works, and nothing waits anew', async () => {
  const slow = hanging()
  const one = await scene(pool, { lines: ['a', 's'] }, (key, context) =>
    key === 'a' ? Promise.resolve(LONG) : context.attempt === 1 ? slow.attempt(context) : Promise.resolve(done),
  )
  await one.work()
  await slow.begun
  for (; !(await one.types()).includes('node_parked'); await systemClock.sleep(10));
  const runner = one.engine.runner()
  await one.end()
  expect((await one.types()).slice(-2)).toEqual(['node_retrying', 'execution_handed_over'])
  await one.engine.queue.start()
  await runner.start()
  await parked(one)
  expect((await one.types()).filter(type => type === 'node_parked')).toHaveLength(1)
  expect(await one.nodes()).toEqual(['a running', 's completed'])
  await runner.stop()
  await one.engine.stop()
})

test('retried after it was cancelled it waits anew, and rerun as well', async () => {
  let waits: Outcome = LONG
  const one = await scene(pool, { lines: ['a'] }, async () => waits)
  await one.work()
  await parked(one)
  await one.ask('cancel')
  await one.engine.ended(one.id)
  await one.ask('retry')
  await parked(one)
  await one.ask('cancel')
  await one.engine.ended(one.id)
  waits = { kind: 'parked', until: 0, end: { kind: 'completed', output: 'at once' } }
  await one.ask({ verb: 'rerun', node: 'a' })
  expect(await one.engine.ended(one.id)).toMatchObject({ status: 'completed', output: 'at once' })
  await one.end()
})

test('a wait that names no instant fails the node instead of its worker', async () => {
  const one = await scene(pool, { lines: ['a'] }, async () => ({ kind: 'parked', until: 'tomorrow' }))
  await one.work()
  expect((await one.engine.ended(one.id)).error).toMatch(/NODE_CRASHED: .*until tomorrow/)
  await one.end()
})
