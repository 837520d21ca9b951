// Nodes that nobody can see at work run ahead of the log; what may be seen waits for it.
import { beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import type { Pool } from '../../../src/db/pool.ts'
import type { Append } from '../../../src/event/append.ts'
import type { EventLog } from '../../../src/event/event-log.ts'
import type { NodeContext, Outcome } from '../../../src/node/node-type.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, documentOf, scripted } from '../../support/engine.ts'
import type { workflowOf } from '../../support/plans.ts'
import { refuse, refused } from '../../support/refused.ts'

const done: Outcome = { kind: 'completed', output: null }

let pool: Pool
beforeAll(async () => {
  ;({ pool } = await createTestDatabase())
  await refuse(pool)
})

interface Watch {
  onAppend?: (append: Append) => void
  onAppended?: () => void
  policies?: Parameters<typeof workflowOf>[1]
}

/**
 * Runs a workflow (lines: see documentOf) whose nodes are pure, except those named with a capital; resolves to what was
 * appended, the events of nodes by append.
 */
async function run(
  lines: readonly string[],
  execute: (context: NodeContext) => Promise<Outcome>,
  { onAppend, onAppended, policies = {} }: Watch = {},
): Promise<string[][]> {
  const base = await createTestEngine(pool)
  const appends: string[][] = []
  const eventLog: EventLog = {
    ...base.eventLog,
    async append(append, signal) {
      onAppend?.(append)
      appends.push(append.events.flatMap(({ type, payload }) => ('node' in payload ? [`${type} ${payload.node}`] : [])))
      const result = await base.eventLog.append(append, signal)
      onAppended?.()
      return result
    },
  }
  // However busy the machine is, quick nodes are quick.
  const clock = { ...systemClock, monotonic: () => 0 }
  const engine = await createTestEngine(pool, {
    nodeTypes: scripted(execute, { pure: ['transform'] }),
    eventLog,
    clock,
  })
  const { nodes, edges } = documentOf(lines, { policies })
  const typed = nodes.map(node => (/^[A-Z]/.test(node.key) ? { ...node, type: 'http' } : node))
  const [id = ''] = await engine.begin(await engine.publish({ nodes: typed, edges }), [{}])
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

test('pure nodes run ahead of the log: a graph of them is one append', async () => {
  const appends = await run(['a -> b', 'a -> c', 'b -> d', 'c -> d'], async () => done)
  expect(appends).toEqual([
    [
      ...['node_started a', 'node_completed a'],
      ...['node_started b', 'node_started c', 'node_completed b', 'node_completed c'],
      ...['node_started d', 'node_completed d'],
    ],
  ])
})

test('what may be seen begins after the append of its start and of all it rests on', async () => {
  const order: string[] = []
  const appends = await run(
    ['a -> b', 'b -> Call', 'Call -> c', 'c -> d'],
    async ({ scope: { nodes } }) => {
      order.push(`node ${Object.keys(nodes).length}`)
      return done
    },
    { onAppended: () => order.push('durable') },
  )
  expect(appends).toEqual([
    ['node_started a', 'node_completed a', 'node_started b', 'node_completed b', 'node_started Call'],
    ['node_completed Call', 'node_started c', 'node_completed c', 'node_started d', 'node_completed d'],
  ])
  expect(order).toEqual(['node 0', 'node 1', 'durable', 'node 2', 'node 3', 'node 4', 'durable'])
})

test('pure nodes do not run far ahead: outputs that are large are appended before more is done', async () => {
  const large: Outcome = { kind: 'completed', output: 'x'.repeat(700_000) }
  const appends = await run(['a -> b', 'b -> c', 'c -> d'], async () => large)
  expect(appends.length).toBeGreaterThan(1)
  expect(appends[0]).toEqual([
    'node_started a',
    'node_completed a',
    'node_started b',
    'node_completed b',
    'node_started c',
  ])
})

test('a pure node that takes its time is seen running', async () => {
  const seen = Promise.withResolvers<Outcome>()
  const appends = await run(['a -> b'], async () => seen.promise, {
    onAppend({ events }) {
      if (events.some(event => event.type === 'node_started')) seen.resolve(done)
    },
  })
  expect(appends).toEqual([['node_started a'], ['node_completed a', 'node_started b', 'node_completed b']])
})

test('a pure node whose outcome the database refuses fails alone', async () => {
  let first: string | undefined
  const appends = await run(['a', 'b', 'c'], async ({ idempotencyKey }) => {
    first ??= idempotencyKey
    return idempotencyKey === first ? refused : done
  })
  expect(appends.flat()).toContain('node_failed a')
  expect(appends.at(-1)).toContain('node_completed c')
})

test('what ran ahead of an outcome that the database refuses runs again, and sees what was recorded', async () => {
  const seen: unknown[] = []
  await run(
    ['a -> b'],
    async ({ scope: { nodes } }) => {
      if (nodes.a === undefined) return refused
      seen.push(nodes.a.error)
      return done
    },
    { policies: { a: { on_error: 'continue' } } },
  )
  expect(seen.at(-1)).toContain('OUTPUT_NOT_STORABLE')
})
