import { expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { sql } from '../../../src/db/sql.ts'
import { createChildren, seeToSplits } from '../../../src/execution/children.ts'
import { findExecution, listExecutions, selectExecutions, watchedExecutions } from '../../../src/execution/find.ts'
import { replayExecution } from '../../../src/execution/replay.ts'
import { standsStill } from '../../../src/execution/split-store.ts'
import { wakeDue } from '../../../src/execution/wake.ts'
import type { NodeContext, Outcome } from '../../../src/node/node-type.ts'
import { createTestDatabase } from '../../support/database.ts'
import { around, type SplitScene, splitScene } from '../../support/split-scene.ts'

const { pool } = await createTestDatabase()

const echo = async ({ scope }: NodeContext): Promise<Outcome> => ({ kind: 'completed', output: scope.item ?? null })

/** Items that hang until they are let go, or aborted; and which of them began, how often. */
function gates() {
  const open = new Set<unknown>()
  const begun: unknown[] = []
  let all = false
  return {
    begun,
    release(...items: unknown[]): void {
      if (items.length === 0) all = true
      for (const item of items) open.add(item)
    },
    async execute(context: NodeContext): Promise<Outcome> {
      begun.push(context.scope.item)
      while (!all && !open.has(context.scope.item)) {
        context.signal.throwIfAborted()
        await systemClock.sleep(2, context.signal)
      }
      context.signal.throwIfAborted()
      return echo(context)
    },
  }
}

async function statuses(scene: SplitScene, id: string): Promise<string[]> {
  return (await scene.items(id)).map(item => item.status)
}

const isOver = async (id: string): Promise<boolean> => (await findExecution(pool, id)).completed_at !== null

test('a cancellation reaches the items: those under way are aborted, and no more are made', async () => {
  const gate = gates()
  const scene = await splitScene(pool, around({ items: 'input', max_parallel: 2 }), gate)
  const id = await scene.begin([1, 2, 3])
  await scene.until(async () => gate.begun.length === 2)
  expect(await scene.ask({ verb: 'cancel', reason: 'enough' }, id)).toMatchObject({ kind: 'done', is: 'cancelling' })
  await scene.until(async () => (await isOver(id)) && !(await statuses(scene, id)).includes('running'))
  expect((await findExecution(pool, id)).status).toBe('cancelled')
  expect(await statuses(scene, id)).toEqual(['cancelled', 'cancelled'])
  await scene.end()
})

test('a pause reaches the items, and so does what follows it', async () => {
  const gate = gates()
  const scene = await splitScene(pool, around({ items: 'input', max_parallel: 2 }), gate)
  const id = await scene.begin([1, 2, 3])
  await scene.until(async () => gate.begun.length === 2)
  await scene.ask({ verb: 'pause' }, id)
  gate.release()
  await scene.until(async () => !(await statuses(scene, id)).includes('running'))
  expect((await findExecution(pool, id)).status).toBe('paused')
  expect((await scene.items(id)).length).toBe(2)
  await scene.ask({ verb: 'resume' }, id)
  expect((await scene.engine.ended(id)).output).toEqual([1, 2, 3])
  await scene.end()
})

test('items that are paused are resumed with the execution', async () => {
  const gate = gates()
  const { nodes, edges } = around({ items: 'input' })
  const after = { key: 'after', type: 'transform', config: { expression: 'input' } }
  const [first] = edges
  const scene = await splitScene(
    pool,
    { nodes: [...nodes, after], edges: [first, { from: 'body', to: 'after' }, { from: 'after', to: 'all' }] },
    gate,
  )
  const id = await scene.begin([1, 2])
  await scene.until(async () => gate.begun.length === 2)
  await scene.ask({ verb: 'pause' }, id)
  await scene.until(async () => (await findExecution(pool, id)).status === 'paused')
  const heard = async (): Promise<boolean> => {
    const items = await scene.items(id)
    const types = await Promise.all(items.map(item => scene.types(item.id)))
    return types.every(list => list.includes('workflow_pause_requested'))
  }
  await scene.until(heard)
  gate.release()
  await scene.until(async () => (await statuses(scene, id)).every(status => status === 'paused'))
  await scene.ask({ verb: 'resume' }, id)
  expect((await scene.engine.ended(id)).output).toEqual([1, 2])
  await scene.end()
})

test('what belongs to the execution is not asked of an item', async () => {
  const gate = gates()
  const scene = await splitScene(pool, around({ items: 'input', on_item_error: 'collect' }), gate)
  const id = await scene.begin([1, 2])
  await scene.until(async () => gate.begun.length === 2)
  const [first = '', second = ''] = (await scene.items(id)).map(item => item.id)
  for (const command of [
    { verb: 'pause' },
    { verb: 'resume' },
    { verb: 'retry' },
    { verb: 'rerun', node: 'body' },
  ] as const)
    expect(await scene.ask(command, first)).toMatchObject({ kind: 'refused', code: 'EXECUTION_IS_ITEM' })
  expect(await scene.ask({ verb: 'cancel', reason: 'not this one' }, second)).toMatchObject({ kind: 'done' })
  gate.release()
  expect((await scene.engine.ended(id)).output).toEqual([
    { index: 0, status: 'completed', output: 1 },
    { index: 1, status: 'cancelled', error: 'EXECUTION_CANCELLED: by test: not this one' },
  ])
  await scene.end()
})

test('a retry keeps the items that completed, and the work and the keys of those that did not', async () => {
  let isBroken = true
  const keys: [unknown, string][] = []
  const { nodes, edges } = around({ items: 'input', max_parallel: 1 })
  const before = { key: 'before', type: 'transform', config: { expression: 'item' } }
  const [, last] = edges
  const document = {
    nodes: [...nodes, before],
    edges: [{ from: 'each', to: 'before' }, { from: 'before', to: 'body' }, last],
  }
  const scene = await splitScene(pool, document, {
    async execute(context) {
      keys.push([context.scope.item, context.idempotencyKey])
      if (isBroken && context.scope.item === 'b')
        return { kind: 'failed', error: { code: 'BROKEN', message: 'it broke', retryable: false } }
      return echo(context)
    },
  })
  const { id, status } = await scene.run(['a', 'b', 'c'])
  expect([status, await statuses(scene, id)]).toEqual(['failed', ['completed', 'failed']])
  const [, failed] = await scene.items(id)
  isBroken = false
  await scene.ask({ verb: 'retry' }, id)
  await scene.until(() => isOver(id))
  expect((await findExecution(pool, id)).output).toEqual(['a', 'b', 'c'])
  expect(keys.map(([item]) => item)).toEqual(['a', 'b', 'b', 'c'])
  expect(keys[1]?.[1]).toBe(keys[2]?.[1])
  expect((await scene.types(failed?.id ?? '')).filter(type => type === 'node_started')).toHaveLength(3)
  await scene.end()
})

test('a cancelled execution is retried with the items that had not completed', async () => {
  const gate = gates()
  const scene = await splitScene(pool, around({ items: 'input' }), gate)
  const id = await scene.begin([1, 2])
  await scene.until(async () => gate.begun.length === 2)
  gate.release(1)
  await scene.until(async () => (await statuses(scene, id)).includes('completed'))
  await scene.ask({ verb: 'cancel' }, id)
  await scene.until(async () => (await isOver(id)) && !(await statuses(scene, id)).includes('running'))
  gate.release()
  await scene.ask({ verb: 'retry' }, id)
  await scene.until(() => isOver(id))
  expect((await findExecution(pool, id)).output).toEqual([1, 2])
  expect(gate.begun.filter(item => item === 1)).toHaveLength(1)
  await scene.end()
})

test('a retry at once waits for items that are still being cancelled', async () => {
  const gate = gates()
  const scene = await splitScene(pool, around({ items: 'input' }), { ...gate, sees: false })
  const id = await scene.begin([1, 2])
  await scene.until(async () => (await findExecution(pool, id)).parked_reason === 'items')
  await scene.see(id)
  await scene.until(async () => gate.begun.length === 2)
  await scene.ask({ verb: 'cancel' }, id)
  await scene.until(() => isOver(id))
  await scene.ask({ verb: 'retry' }, id) // and nobody has cancelled the items yet
  await scene.until(async () => (await findExecution(pool, id)).parked_reason === 'items')
  await scene.see(id)
  expect(await statuses(scene, id)).toEqual(['running', 'running'])
  gate.release()
  await scene.until(async () => (await statuses(scene, id)).every(status => status === 'completed'))
  await scene.see(id)
  await scene.see(id)
  await scene.until(() => isOver(id))
  expect((await findExecution(pool, id)).output).toEqual([1, 2])
  await scene.end()
})

test('a rerun of the split makes all items anew, under its next generation', async () => {
  const scene = await splitScene(pool, around({ items: 'input' }), { execute: echo })
  const { id } = await scene.run([1, 2])
  await scene.ask({ verb: 'rerun', node: 'each', input: [3] }, id)
  await scene.until(() => isOver(id))
  expect((await findExecution(pool, id)).output).toEqual([3])
  expect((await scene.items(id)).map(item => [item.generation, item.index])).toEqual([
    [0, 0],
    [0, 1],
    [1, 0],
  ])
  await scene.end()
})

test('when the time of an execution is up, so is that of its items', async () => {
  const gate = gates()
  const scene = await splitScene(pool, { ...around({ items: 'input' }), settings: { timeout: '300ms' } }, gate)
  const id = await scene.begin([1, 2])
  await scene.until(async () => (await statuses(scene, id)).length === 2)
  expect((await findExecution(pool, id)).wake_at).not.toBeNull()
  await scene.until(async () => {
    if ((await wakeDue(scene.engine.deps)) > 0) scene.runner.wake()
    return (await isOver(id)) && (await statuses(scene, id)).every(status => status === 'cancelled')
  })
  expect((await findExecution(pool, id)).error).toContain('EXECUTION_TIMEOUT')
  await scene.end()
})

test('while a sibling of the split still runs, the execution takes note of the end of its items all the same', async () => {
  const gate = gates()
  const { nodes, edges } = around({ items: 'input' }, { transform: { expression: 'input' } })
  const slow = { key: 'slow', type: 'llm', config: { provider: 'mock', model: 'm', prompt: 'x' } }
  const scene = await splitScene(pool, { nodes: [...nodes, slow], edges }, gate)
  const id = await scene.begin([1])
  await scene.until(async () => (await scene.types(id)).includes('node_items_ended'))
  expect((await findExecution(pool, id)).parked_reason).toBeNull()
  gate.release()
  await scene.until(() => isOver(id))
  expect((await findExecution(pool, id)).output).toEqual({ all: [1], slow: null })
  await scene.end()
})

test('the items of a node that is given up are cancelled, though the execution is not over', async () => {
  const gate = gates()
  const { nodes, edges } = around({ items: 'input' })
  const late = { key: 'late', type: 'delay', config: { for: '1d' } }
  const undo = { key: 'undo', type: 'delay', config: { for: '1d' } }
  const first = { key: 'first', type: 'transform', config: { expression: 'input' }, compensate: 'undo' }
  const scene = await splitScene(
    pool,
    {
      nodes: [first, ...nodes, late, undo],
      edges: [{ from: 'first', to: 'each' }, { from: 'first', to: 'late' }, ...edges],
    },
    gate,
  )
  const id = await scene.begin([1, 2])
  await scene.until(async () => gate.begun.length === 2)
  await scene.ask({ verb: 'cancel' }, id)
  await scene.until(async () => (await statuses(scene, id)).every(status => status === 'cancelled'))
  expect(await isOver(id)).toBe(false)
  await scene.end()
})

test('no daemon makes items twice, and none is forgotten, though several see to the same split at once', async () => {
  const scene = await splitScene(pool, around({ items: 'input', max_parallel: 1_000 }), { execute: echo, sees: false })
  const items = Array.from({ length: 700 }, (_, i) => i)
  const id = await scene.begin(items)
  await scene.until(async () => (await findExecution(pool, id)).parked_reason === 'items')
  const deps = { ...scene.engine.deps, ids: scene.engine.ids }
  const others = [1, 2, 3].map(() =>
    createChildren({ ...deps, log: silentLogger, pollInterval: 10, onOpened: () => scene.runner.wake() }),
  )
  for (const other of others) await other.start()
  await scene.until(() => isOver(id))
  for (const other of others) await other.stop()
  expect((await findExecution(pool, id)).output).toEqual(items)
  expect((await scene.items(id)).map(item => item.index)).toEqual(items)
  await scene.end()
})

test('whoever dies between two steps leaves a split that stands still, and the poll finds it', async () => {
  const scene = await splitScene(pool, around({ items: 'input', max_parallel: 1 }), { execute: echo, sees: false })
  const due = async (): Promise<boolean> => {
    const [row] = await pool.rows<{ due: number | null }>(sql('test.due')`select ${standsStill}::float8 as due`)
    return row?.due === 0
  }
  const id = await scene.begin([1, 2])
  for (const count of [1, 2]) {
    await scene.until(due) // before the first chunk, and between two
    await scene.see(id)
    await scene.until(async () => (await statuses(scene, id)).filter(one => one === 'completed').length === count)
  }
  expect(await due()).toBe(true) // after the last end, before the execution was told
  expect((await findExecution(pool, id)).completed_at).toBeNull()
  await scene.see(id)
  await scene.until(() => isOver(id))
  expect(await due()).toBe(false)
  await scene.end()
})

test('an execution that is told twice of the end of its items goes on once', async () => {
  const scene = await splitScene(pool, around({ items: 'input' }), { execute: echo, sees: false })
  const id = await scene.begin([1])
  await scene.until(async () => (await findExecution(pool, id)).parked_reason === 'items')
  await scene.see(id)
  await scene.until(async () => (await statuses(scene, id)).join() === 'completed')
  const deps = { ...scene.engine.deps, ids: scene.engine.ids }
  await Promise.all([seeToSplits(deps, [id]), seeToSplits(deps, [id]), seeToSplits(deps, [id])])
  scene.runner.wake()
  await scene.until(() => isOver(id))
  expect((await scene.types(id)).filter(type => type === 'node_items_ended')).toHaveLength(1)
  await scene.end()
})

test('a cancellation reaches the items of items', async () => {
  const gate = gates()
  const inner = { key: 'inner', type: 'split', config: { items: 'input' } }
  const body = { key: 'body', type: 'llm', config: { provider: 'mock', model: 'm', prompt: 'x' } }
  const scene = await splitScene(
    pool,
    {
      nodes: [
        { key: 'outer', type: 'split', config: { items: 'input' } },
        inner,
        body,
        { key: 'inner_all', type: 'merge' },
        { key: 'outer_all', type: 'merge' },
      ],
      edges: [
        { from: 'outer', to: 'inner' },
        { from: 'inner', to: 'body' },
        { from: 'body', to: 'inner_all' },
        { from: 'inner_all', to: 'outer_all' },
      ],
    },
    gate,
  )
  const id = await scene.begin([['a', 'b'], ['c']])
  await scene.until(async () => gate.begun.length === 3)
  await scene.ask({ verb: 'cancel' }, id)
  const all = async (): Promise<string[]> => {
    const items = await scene.items(id)
    return (await Promise.all(items.map(item => scene.items(item.id)))).flat().map(item => item.status)
  }
  await scene.until(async () => (await all()).every(status => status === 'cancelled'))
  expect(await all()).toHaveLength(3)
  await scene.end()
})

test('lists and bulk commands leave items out, unless they are asked for', async () => {
  const since = new Date(Date.now() - 1_000)
  const scene = await splitScene(pool, { ...around({ items: 'input' }), name: 'listed' }, { execute: echo })
  const { id } = await scene.run([1, 2])
  const ids = (await scene.items(id)).map(item => item.id)
  const listed = await listExecutions(pool, { workflow: 'listed', limit: 10 })
  expect(listed.map(one => one.id)).toEqual([id])
  const items = await listExecutions(pool, { itemsOf: id, limit: 10 })
  expect(items.map(one => one.id)).toEqual(ids.toReversed())
  expect(await selectExecutions(pool, { statuses: ['completed'], workflow: 'listed', dead: false })).toEqual([id])
  const watched = await watchedExecutions(pool, { ids: [], since, workflow: 'listed' })
  expect(watched.map(one => one.id)).toEqual([id])
  await scene.end()
})

test('an execution shows how its items stand, and an item whose it is; also as they were after an event', async () => {
  const gate = gates()
  const scene = await splitScene(pool, around({ items: 'input', max_parallel: 2, on_item_error: 'collect' }), gate)
  const id = await scene.begin(['a', 'b', 'c'])
  await scene.until(async () => gate.begun.length === 2)
  gate.release('a')
  await scene.until(async () => gate.begun.length === 3)
  const { nodes } = await findExecution(pool, id)
  expect(nodes[0]?.items).toEqual({ total: 3, completed: 1, failed: 0, open: 2 })
  const [first] = await scene.items(id)
  expect((await findExecution(pool, first?.id ?? '')).item_of).toEqual({ execution_id: id, node: 'each', index: 0 })
  gate.release()
  await scene.engine.ended(id)
  const { catalog } = scene.engine
  const replayed = await replayExecution({ pool, catalog }, { id: first?.id ?? '', at: 2 })
  expect(replayed.shown.input).toBe('a')
  await scene.end()
})
