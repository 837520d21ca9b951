import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Runner } from '../../../src/queue/runner.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, documentOf, type TestEngine } from '../../support/engine.ts'

let engine: TestEngine
let runner: Runner

beforeAll(async () => {
  engine = await createTestEngine((await createTestDatabase()).pool)
  runner = engine.runner()
  await runner.start()
})

afterAll(async () => {
  await runner.stop()
  await engine.stop()
})

async function run(lines: string[], input = { n: 1 }) {
  const workflowId = await engine.publish(documentOf(lines))
  const [id = ''] = await engine.begin(workflowId, [input])
  runner.wake()
  const execution = await engine.ended(id)
  const waves = Map.groupBy(execution.nodes, node => node.wave)
  return { execution, waves: [...waves.values()].map(nodes => nodes.map(node => node.key).sort()) }
}

test('a diamond runs in three waves and gives back the output of its last node', async () => {
  const { execution, waves } = await run(['a -> b', 'a -> c', 'b -> d', 'c -> d'])
  expect(execution).toMatchObject({ status: 'completed', output: { b: { n: 1 }, c: { n: 1 } } })
  expect(waves).toEqual([['a'], ['b', 'c'], ['d']])
})

test('five waves of four nodes run wave by wave', async () => {
  const layer = (wave: number): string[] => [0, 1, 2, 3].map(i => `w${wave}n${i}`)
  const lines = [0, 1, 2, 3].flatMap(wave => layer(wave).flatMap(from => layer(wave + 1).map(to => `${from} -> ${to}`)))
  const { execution, waves } = await run(lines)
  expect(execution.status).toBe('completed')
  expect(waves).toEqual([0, 1, 2, 3, 4].map(layer))
})

test('a chain of 40 runs in 40 waves', async () => {
  const { execution, waves } = await run(Array.from({ length: 39 }, (_, i) => `n${i} -> n${i + 1}`))
  expect(execution.status).toBe('completed')
  expect(waves).toHaveLength(40)
})

test('every execution of a burst ends, and the tables equal the fold of the events', async () => {
  const workflowId = await engine.publish(documentOf(['a -> b', 'a -> c', 'b -> d', 'c -> d']))
  const ids = await engine.begin(
    workflowId,
    Array.from({ length: 300 }, (_, n) => ({ n })),
  )
  runner.wake()
  for (const id of ids) expect((await engine.ended(id)).status).toBe('completed')
  expect(await engine.violations()).toEqual([])
})
