import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { sql } from '../../../src/db/sql.ts'
import type { Queue } from '../../../src/queue/queue.ts'
import { createRunner, type HeldJob, type Runner } from '../../../src/queue/runner.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, documentOf, type TestEngine } from '../../support/engine.ts'

let engine: TestEngine
let workflowId: string
beforeAll(async () => {
  engine = await createTestEngine((await createTestDatabase()).pool)
  workflowId = await engine.publish(documentOf(['a']))
})
afterAll(() => engine.stop())

interface Work {
  readonly held: HeldJob
  /** Ends it, as a worker does whose turn is over. */
  end(): void
}

/** A runner whose jobs the test works on, in the order they come. */
function runnerOf(queue = engine.queue): { runner: Runner; taken: Work[]; nth(n: number): Promise<Work> } {
  const taken: Work[] = []
  const runner = createRunner({
    queue,
    slots: 10,
    pollInterval: 20,
    clock: systemClock,
    log: silentLogger,
    work: batch =>
      batch.map(held => {
        const { promise, resolve } = Promise.withResolvers<void>()
        taken.push({ held, end: resolve })
        return promise
      }),
  })
  return {
    runner,
    taken,
    async nth(n) {
      for (;;) {
        const work = taken[n - 1]
        if (work !== undefined) return work
        await systemClock.sleep(10)
      }
    },
  }
}

async function lapse(id: string): Promise<void> {
  await engine.pool.run(sql('test.lapse')`update pgboss.job set state = 'retry' where id = ${id}`)
}

test('a job that comes back to the process that lost it is held under its new claim; the old one is lost', async () => {
  const [id = ''] = await engine.begin(workflowId, [{}])
  const { runner, nth } = runnerOf()
  await runner.start()
  const first = await nth(1)
  await lapse(id)
  runner.wake()
  const second = await nth(2)
  expect([first.held.lost.aborted, second.held.lost.aborted]).toEqual([true, false])

  first.end()
  await new Promise(resolve => setImmediate(resolve))
  expect(runner.held()).toBe(1)
  const stopped = runner.stop()
  expect(second.held.drain.aborted).toBe(true)
  await engine.queue.settle(engine.pool, [second.held.job])
  second.end()
  await stopped
})

test('a runner that holds nothing asks the queue no oftener than it is told to', async () => {
  const asked: number[] = []
  const fetch: Queue['fetch'] = () => {
    asked.push(performance.now())
    return Promise.resolve([])
  }
  // A second is ten milliseconds.
  const clock: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / 100, signal) }
  const runner = createRunner({
    queue: { ...engine.queue, fetch },
    slots: 10,
    pollInterval: 30_000,
    clock,
    log: silentLogger,
    work: () => [],
  })
  await runner.start()
  while (asked.length < 2) await systemClock.sleep(5)
  const [first = 0, second = 0] = asked
  expect(second - first).toBeGreaterThan(200)
  await runner.stop()
})

test('a worker is told that its claim is lost though the renewal never answers', { timeout: 20_000 }, async () => {
  const [id = ''] = await engine.begin(workflowId, [{}])
  const answer = Promise.withResolvers<Set<string>>()
  const { runner, nth } = runnerOf({ ...engine.queue, touch: () => answer.promise })
  await runner.start()
  const work = await nth(1)
  await new Promise(resolve => work.held.lost.addEventListener('abort', resolve))
  await engine.queue.settle(engine.pool, [work.held.job])
  work.end()
  answer.resolve(new Set([id]))
  await runner.stop()
})
