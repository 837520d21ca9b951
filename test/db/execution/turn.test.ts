// What a turn does while it waits, and when what it writes is refused.
import { beforeAll, expect, test } from 'vitest'
import { createDatabaseClock, systemClock } from '../../../src/base/clock.ts'
import type { Pool } from '../../../src/db/pool.ts'
import type { TurnDeps } from '../../../src/execution/turn.ts'
import type { NodeContext, Outcome } from '../../../src/node/node-type.ts'
import type { Runner } from '../../../src/queue/runner.ts'
import type { NodePolicy } from '../../../src/workflow/workflow.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, documentOf, scripted, type TestEngine } from '../../support/engine.ts'
import { refuse, refused } from '../../support/refused.ts'

const done: Outcome = { kind: 'completed', output: null }
/** Fails, and asks for another attempt after so many milliseconds. */
const later = (retryAfter: number): Outcome => ({
  kind: 'failed',
  error: { code: 'LATER', message: 'not yet', retryable: true, retryAfter },
})
const retry: NodePolicy = { retry: { backoff: 'constant', delay_ms: 1, max_delay_ms: 1 } } // with jitter: at once

let pool: Pool
beforeAll(async () => {
  ;({ pool } = await createTestDatabase())
  await refuse(pool)
})

interface Run {
  readonly engine: TestEngine
  readonly id: string
  readonly runner: Runner
  /** To be called at the end. */
  stop(): Promise<void>
}

/** Starts a workflow whose nodes do what `execute` says; all of them may be retried. */
async function run(
  keys: readonly string[],
  execute: (context: NodeContext) => Promise<Outcome>,
  { settings = {}, ...overrides }: Partial<TurnDeps> & { settings?: { timeout_ms?: number } } = {},
): Promise<Run> {
  const engine = await createTestEngine(pool, { nodeTypes: scripted(execute), ...overrides })
  const policies = Object.fromEntries(keys.map(key => [key, retry]))
  const [id = ''] = await engine.begin(await engine.publish({ ...documentOf(keys, { policies }), settings }), [{}])
  const runner = engine.runner()
  await runner.start()
  return {
    engine,
    id,
    runner,
    async stop() {
      await runner.stop()
      await engine.stop()
    },
  }
}

/** A database clock, and how often it is read in a while. */
function counted() {
  const clock = createDatabaseClock(systemClock)
  let reads = 0
  return {
    databaseClock: {
      ...clock,
      now() {
        reads++
        return clock.now()
      },
    },
    async readsIn(ms: number): Promise<number> {
      const before = reads
      await systemClock.sleep(ms)
      return reads - before
    },
  }
}

test('a retry that is due but finds no room waits for room, it does not spin', async () => {
  const { databaseClock, readsIn } = counted()
  const gate = Promise.withResolvers<Outcome>()
  const full = Promise.withResolvers<void>()
  let attempts = 0
  const keys = Array.from({ length: 66 }, (_, i) => `n${i}`)
  const { engine, id, stop } = await run(
    keys,
    async () => {
      if (++attempts === 1) return later(30)
      if (attempts === 65) full.resolve()
      return gate.promise
    },
    { databaseClock },
  )
  await full.promise
  await systemClock.sleep(60)
  expect(await readsIn(200)).toBeLessThan(10)
  gate.resolve(done)
  expect((await engine.ended(id)).status).toBe('completed')
  await stop()
})

test('a retry that falls due in a drain waits for the next turn, it does not spin', async () => {
  const { databaseClock, readsIn } = counted()
  const gate = Promise.withResolvers<Outcome>()
  const both = Promise.withResolvers<void>()
  let attempts = 0
  const { runner, engine } = await run(
    ['a', 'b'],
    async () => {
      if (++attempts === 1) return later(100)
      both.resolve()
      return gate.promise
    },
    { databaseClock, drainTimeout: 60_000 },
  )
  await both.promise
  await systemClock.sleep(20)
  const stopped = runner.stop()
  await systemClock.sleep(150)
  expect(await readsIn(200)).toBeLessThan(10)
  gate.resolve(done)
  await stopped
  await engine.stop()
})

test('a retry that is due at once is an attempt of its own, not the outcome of the one before again', async () => {
  const attempts: string[] = []
  const { engine, id, stop } = await run(['a'], async ({ attempt, scope }) => {
    attempts.push(`${scope.execution.id} ${attempt}`)
    return attempt < 3 ? later(0) : done
  })
  expect((await engine.ended(id)).nodes).toMatchObject([{ status: 'completed', retry_count: 2 }])
  // Executions that tests before this one left behind run as well.
  expect(attempts.filter(one => one.startsWith(id))).toEqual([1, 2, 3].map(attempt => `${id} ${attempt}`))
  await stop()
})

test('a clock of the process that jumps by an hour ends nothing that has time left', async () => {
  let jump = 0
  const clock = { ...systemClock, now: () => systemClock.now() + jump }
  const { engine, id, stop } = await run(
    ['a -> b'],
    async () => {
      jump = 3_600_000
      return done
    },
    { databaseClock: createDatabaseClock(clock), settings: { timeout_ms: 600_000 } },
  )
  expect((await engine.ended(id)).status).toBe('completed')
  await stop()
})

test('a failure that quotes what cannot be stored is recorded without it, under its own code', async () => {
  const { engine, id, stop } = await run(['a'], async () => ({
    kind: 'failed',
    error: { code: 'BAD', message: 'a \0 in the message', details: { body: 'a \0 in the body' }, retryable: false },
  }))
  const [node] = (await engine.ended(id)).nodes
  expect(node?.error).toBe(
    'BAD: a in the message (its details cannot be stored: body holds the character U+0000, which PostgreSQL cannot store)',
  )
  await stop()
})

test('an outcome that the database refuses does not take those with it that ended at the same time', async () => {
  const together = Promise.withResolvers<void>()
  let attempts = 0
  const { engine, id, stop } = await run(['a', 'b', 'c'], async () => {
    const mine = ++attempts
    if (mine === 3) together.resolve()
    await together.promise
    return mine === 1 ? refused : done
  })
  const nodes = (await engine.ended(id)).nodes
  expect(nodes.map(node => node.error?.split(':')[0] ?? node.status).sort()).toEqual([
    'OUTPUT_NOT_STORABLE',
    'completed',
    'completed',
  ])
  expect(await engine.violations()).toEqual([])
  await stop()
})

test('a node of a type that the worker does not know fails, and says what to do', async () => {
  const engine = await createTestEngine(pool, { nodeTypes: new Map() })
  const version = await engine.publish(documentOf(['a'], { type: 'acme/notify' }))
  const [id = ''] = await engine.begin(version, [{}])
  const runner = engine.runner()
  await runner.start()
  expect((await engine.ended(id)).error).toBe(
    'a: NODE_TYPE_UNKNOWN: this daemon does not know the node type "acme/notify"; start every worker with the plug-in that has it (--plugin)',
  )
  await runner.stop()
  await engine.stop()
})
