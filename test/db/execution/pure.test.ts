// Nodes that nobody can see at work: start and end are one append, unless they take their time.
import { beforeAll, expect, test } from 'vitest'
import type { Pool } from '../../../src/db/pool.ts'
import type { Append } from '../../../src/event/append.ts'
import type { EventLog } from '../../../src/event/event-log.ts'
import type { NodeContext, Outcome } from '../../../src/node/node-type.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, documentOf, scripted } from '../../support/engine.ts'

const done: Outcome = { kind: 'completed', output: null }

let pool: Pool
beforeAll(async () => {
  ;({ pool } = await createTestDatabase())
})

/** Runs a workflow of pure nodes (lines: see documentOf); resolves to what was appended, the events of nodes by append. */
async function run(
  lines: readonly string[],
  execute: (context: NodeContext) => Promise<Outcome>,
  onAppend: (append: Append) => void = () => {},
): Promise<string[][]> {
  const base = await createTestEngine(pool)
  const appends: string[][] = []
  const eventLog: EventLog = {
    ...base.eventLog,
    append(append, signal) {
      onAppend(append)
      appends.push(append.events.flatMap(({ type, payload }) => ('node' in payload ? [`${type} ${payload.node}`] : [])))
      return base.eventLog.append(append, signal)
    },
  }
  const engine = await createTestEngine(pool, { nodeTypes: scripted(execute, { pure: true }), eventLog })
  const [id = ''] = await engine.begin(await engine.publish(documentOf(lines)), [{}])
  const runner = engine.runner()
  await runner.start()
  await engine.ended(id)
  await runner.stop()
  expect(await engine.violations()).toEqual([])
  await engine.stop()
  await base.stop()
  return appends
}

test('the whole run of a pure node is one append', async () => {
  expect(await run(['a'], async () => done)).toEqual([['node_started a', 'node_completed a']])
})

test('what depends on a pure node begins after the append of its end', async () => {
  const appends = await run(['a -> b', 'a -> c', 'b -> d', 'c -> d'], async () => done)
  expect(appends).toEqual([
    ['node_started a', 'node_completed a'],
    ['node_started b', 'node_started c', 'node_completed b', 'node_completed c'],
    ['node_started d', 'node_completed d'],
  ])
})

test('a pure node that takes its time is seen running', async () => {
  const seen = Promise.withResolvers<Outcome>()
  const appends = await run(
    ['a -> b'],
    async () => seen.promise,
    ({ events }) => {
      if (events.some(event => event.type === 'node_started')) seen.resolve(done)
    },
  )
  expect(appends).toEqual([['node_started a'], ['node_completed a'], ['node_started b', 'node_completed b']])
})

test('a pure node whose outcome the database refuses fails alone', async () => {
  let attempts = 0
  const appends = await run(['a', 'b', 'c'], async () =>
    // A code is the executor's own word; nobody cleans it.
    ++attempts === 1 ? { kind: 'failed', error: { code: 'B\0D', message: 'bad', retryable: false } } : done,
  )
  expect(appends.flat().filter(event => !event.startsWith('node_started'))).toContain('node_completed c')
  expect(attempts).toBe(3)
})
