import { expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json.ts'
import { sql } from '../../../src/db/sql.ts'
import { findExecution } from '../../../src/execution/find.ts'
import { rescueSilent } from '../../../src/execution/wake.ts'
import type { NodeContext, Outcome } from '../../../src/node/node-type.ts'
import { createTestDatabase } from '../../support/database.ts'
import { around, splitScene } from '../../support/split-scene.ts'

const { pool } = await createTestDatabase()

const echo = async ({ scope }: NodeContext): Promise<Outcome> => ({ kind: 'completed', output: scope.input })
const oddFails = async ({ scope }: NodeContext): Promise<Outcome> =>
  Number(scope.input) % 2 === 0
    ? { kind: 'completed', output: scope.input }
    : { kind: 'failed', error: { code: 'ODD', message: `${scope.input} is odd`, retryable: false } }

test('what lies between a split and its merge runs once per item, and the outputs keep their order', async () => {
  const document = around({ items: 'input.numbers', max_parallel: 3 }, { transform: { expression: 'input' } })
  const scene = await splitScene(pool, document)
  const { status, output } = await scene.run({ numbers: [5, null, 'x', [1], { a: 1 }, 2, 8] })
  expect([status, output]).toEqual(['completed', [5, null, 'x', [1], { a: 1 }, 2, 8]])
  await scene.end()
})

test('an empty list completes at once, without any execution', async () => {
  const scene = await splitScene(pool, around({ items: 'input.numbers' }, { transform: { expression: 'input' } }))
  const { id, output } = await scene.run({ numbers: [] })
  expect([output, await scene.items(id)]).toEqual([[], []])
  await scene.end()
})

test.each([
  ['no list', 'input.numbers', { numbers: 7 }, 'SPLIT_NOT_A_LIST: input.numbers gave 7, not a list'],
  ['nothing', 'input.numbers', {}, 'SPLIT_NOT_A_LIST: input.numbers gave nothing, not a list'],
  ['too many', 'input', Array(10_001).fill(0), 'SPLIT_TOO_MANY_ITEMS: there are 10001 items, at most 10000'],
] as const)('a split fails over %s', async (...[, items, input, message]) => {
  const scene = await splitScene(pool, around({ items }, { transform: { expression: 'input' } }))
  const { status, error } = await scene.run(input)
  expect([status, error]).toEqual(['failed', expect.stringContaining(message)])
  await scene.end()
})

test('nodes of a region see the item, its place, what came before the split, and the trigger', async () => {
  const sees =
    '{{ item.n }} {{ index }} {{ input.n }} {{ nodes.before.output.greeting }} {{ vars.v }} {{ trigger.key }} {{ execution.workflow }}'
  const { nodes, edges } = around({ items: 'input.list' }, { transform: { template: { sees } } })
  const before = { key: 'before', type: 'transform', config: { template: { greeting: 'hi', list: '{{ input }}' } } }
  const document = {
    variables: { v: 'var' },
    nodes: [before, ...nodes],
    edges: [{ from: 'before', to: 'each' }, ...edges],
  }
  const scene = await splitScene(pool, document)
  const { output } = await scene.run([{ n: 'a' }, { n: 'b' }], { triggerData: { key: 'by-hand' } })
  expect(output).toEqual([{ sees: 'a 0 a hi var by-hand test' }, { sees: 'b 1 b hi var by-hand test' }])
  await scene.end()
})

test('an item knows the execution it is part of', async () => {
  const scene = await splitScene(pool, around({ items: 'input' }, { transform: { expression: 'execution.parent_id' } }))
  const { id, output } = await scene.run([1])
  expect(output).toEqual([id])
  await scene.end()
})

test('the item stays in sight behind the first node, and ways that part come together', async () => {
  const document = {
    nodes: [
      { key: 'each', type: 'split', config: { items: 'input' } },
      { key: 'a', type: 'transform', config: { template: { of: '{{ input }}' } } },
      { key: 'b', type: 'transform', config: { expression: 'item' } },
      { key: 'c', type: 'transform', config: { expression: 'index' } },
      { key: 'all', type: 'merge' },
    ],
    edges: [
      { from: 'each', to: 'a' },
      { from: 'a', to: 'b' },
      { from: 'a', to: 'c' },
      { from: 'b', to: 'all' },
      { from: 'c', to: 'all', when: 'item = "x"' },
    ],
  }
  const scene = await splitScene(pool, document)
  expect((await scene.run(['x', 'y'])).output).toEqual([{ b: 'x', c: 0 }, 'y'])
  await scene.end()
})

test('an item of which nothing comes to the merge gives null', async () => {
  const { nodes, edges } = around({ items: 'input' }, { transform: { expression: 'input' } })
  const [first, last] = edges
  const scene = await splitScene(pool, { nodes, edges: [first, { ...last, when: 'output' }] })
  expect((await scene.run([true, false])).output).toEqual([true, null])
  await scene.end()
})

test.each([
  ['concat', [[1], [2, 3], 4], [1, 2, 3, 4]],
  ['object', [{ a: 1, b: 1 }, { b: 2 }], { a: 1, b: 2 }],
  ['deep', [{ a: { x: 1 } }, { a: { y: 2 } }], { a: { x: 1, y: 2 } }],
  ['first', ['a', 'b'], 'a'],
  ['list', ['a', 'b'], ['a', 'b']],
])('the merge that closes a split makes one value of its items: %s', async (combine, input, output) => {
  const document = around({ items: 'input' }, { transform: { expression: 'input' }, merge: { combine } })
  const scene = await splitScene(pool, document)
  expect((await scene.run(input)).output).toEqual(output)
  await scene.end()
})

test('no more than max_parallel items are open at once, and never fewer while there are more', async () => {
  let most = 0
  let running = 0
  const scene = await splitScene(pool, around({ items: 'input', max_parallel: 4 }), {
    async execute(context) {
      most = Math.max(most, ++running)
      await new Promise(resolve => setImmediate(resolve))
      running--
      return echo(context)
    },
  })
  const input = Array.from({ length: 50 }, (_, i) => i)
  expect((await scene.run(input)).output).toEqual(input)
  expect(most).toBeLessThanOrEqual(4)
  expect(most).toBeGreaterThan(1)
  await scene.end()
})

test('an execution that waits for its items holds no worker, has no timer, and is not rescued', async () => {
  const scene = await splitScene(pool, around({ items: 'input' }), { execute: echo, sees: false })
  const id = await scene.begin([1, 2])
  await scene.until(async () => (await findExecution(pool, id)).parked_reason === 'items')
  expect(await findExecution(pool, id)).toMatchObject({ status: 'running', wake_at: null, completed_at: null })
  expect(await rescueSilent(scene.engine.deps, 0)).toBe(0)
  expect(await scene.items(id)).toEqual([])
  await scene.see(id)
  await scene.until(async () => (await scene.items(id)).every(item => item.status === 'completed'))
  await scene.see(id)
  expect((await scene.engine.ended(id)).output).toEqual([1, 2])
  await scene.end()
})

test('a failed item fails the split: those under way are cancelled, and no more begin', async () => {
  const begun = Promise.withResolvers<void>()
  const document = around({ items: 'input', max_parallel: 2 })
  const scene = await splitScene(pool, document, {
    async execute({ scope, signal }) {
      if (scope.input === 'bad') {
        await begun.promise
        return { kind: 'failed', error: { code: 'BAD', message: 'it is bad', retryable: false } }
      }
      begun.resolve()
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    },
  })
  const id = await scene.begin(['hangs', 'bad', 'never'])
  await scene.until(async () => (await findExecution(pool, id)).completed_at !== null)
  const { error } = await findExecution(pool, id)
  expect(error).toBe('each: SPLIT_ITEM_FAILED: item 1 of 3 failed: body: BAD: it is bad')
  expect((await scene.items(id)).map(item => item.status)).toEqual(['cancelled', 'failed'])
  await scene.end()
})

test('with collect the others go on, and the list says of each what became of it', async () => {
  const document = around({ items: 'input', on_item_error: 'collect' })
  const scene = await splitScene(pool, document, { execute: oddFails })
  expect((await scene.run([0, 1, 2])).output).toEqual([
    { index: 0, status: 'completed', output: 0 },
    { index: 1, status: 'failed', error: 'body: ODD: 1 is odd' },
    { index: 2, status: 'completed', output: 2 },
  ])
  await scene.end()
})

test('an edge on error out of the split takes over from its failure', async () => {
  const { nodes, edges } = around({ items: 'input' })
  const rescue = { key: 'rescue', type: 'transform', config: { expression: 'input.error.details.index' } }
  const document = { nodes: [...nodes, rescue], edges: [...edges, { from: 'each', to: 'rescue', on: 'error' }] }
  const scene = await splitScene(pool, document, { execute: oddFails })
  const { status, output } = await scene.run([0, 1])
  expect([status, output]).toEqual(['completed', { rescue: 1 }])
  await scene.end()
})

test('items whose outputs are too large together fail the split, and only it', async () => {
  const large = 'x'.repeat(400_000)
  const scene = await splitScene(pool, around({ items: 'input' }), {
    execute: async () => ({ kind: 'completed', output: large }),
  })
  const { error, id } = await scene.run([1, 2, 3, 4, 5, 6])
  expect(error).toContain('each: OUTPUT_TOO_LARGE: what the 6 items gave has more than 1048576 bytes')
  expect((await scene.items(id)).every(item => item.status === 'completed')).toBe(true)
  await scene.end()
})

test('splits within splits: each item of the outer has its own inner', async () => {
  const document = {
    nodes: [
      { key: 'rows', type: 'split', config: { items: 'input' } },
      { key: 'row', type: 'transform', config: { template: { name: '{{ index }}', cells: '{{ item }}' } } },
      { key: 'cells', type: 'split', config: { items: 'input.cells' } },
      { key: 'cell', type: 'transform', config: { template: '{{ nodes.row.output.name }}/{{ index }}={{ item }}' } },
      { key: 'whole_row', type: 'merge' },
      { key: 'table', type: 'merge', config: { combine: 'concat' } },
    ],
    edges: [
      { from: 'rows', to: 'row' },
      { from: 'row', to: 'cells' },
      { from: 'cells', to: 'cell' },
      { from: 'cell', to: 'whole_row' },
      { from: 'whole_row', to: 'table' },
    ],
  }
  const scene = await splitScene(pool, document)
  expect((await scene.run([['a', 'b'], [], ['c']])).output).toEqual(['0/0=a', '0/1=b', '2/0=c'])
  await scene.end()
})

test('two splits beside each other', async () => {
  const part = (name: string): JsonObject[] => [
    { key: `${name}s`, type: 'split', config: { items: `input.${name}` } },
    { key: name, type: 'transform', config: { expression: 'input' } },
    { key: `${name}_all`, type: 'merge' },
  ]
  const path = (name: string): JsonObject[] => [
    { from: `${name}s`, to: name },
    { from: name, to: `${name}_all` },
  ]
  const scene = await splitScene(pool, { nodes: [...part('a'), ...part('b')], edges: [...path('a'), ...path('b')] })
  expect((await scene.run({ a: [1, 2], b: [3] })).output).toEqual({ a_all: [1, 2], b_all: [3] })
  await scene.end()
})

test('items count against no limit of their workflow', async () => {
  const document = {
    ...around({ items: 'input' }, { transform: { expression: 'input' } }),
    settings: { concurrency: { max: 1 } },
  }
  const scene = await splitScene(pool, document)
  expect((await scene.run([1, 2, 3])).output).toEqual([1, 2, 3])
  await scene.end()
})

test('the ends of items are announced to no trigger, and start no handler of failures', async () => {
  await pool.run(sql('test.listener')`
    with w as (insert into public.workflows (name, status, published_at) values ('listener', 'active', now()) returning id, name)
    insert into public.triggers (workflow_id, workflow_name, key, name, type, config)
    select id, name, 'ends', 'ends', 'event', '{"types": ["mbflow.execution.completed", "mbflow.execution.failed"]}' from w`)
  const document = around({ items: 'input', on_item_error: 'collect' })
  const settings = { on_failure: 'listener' }
  const scene = await splitScene(pool, { ...document, settings }, { execute: oddFails })
  const { id } = await scene.run([0, 1])
  const announced = await pool.rows<{ of: string }>(sql('test.announced')`
    select data ->> 'execution_id' as of from public.inbound_events`)
  expect(announced.map(row => row.of)).toEqual([id])
  const handlers = await pool.rows(sql('test.handlers')`
    select from public.executions where trigger_data ->> 'type' = 'on_failure'`)
  expect(handlers).toEqual([])
  await scene.end()
})

test('an item in a pool runs on the workers that serve it', async () => {
  const { nodes, edges } = around({ items: 'input' }, { transform: { expression: 'item' } })
  const pooled = nodes.map(node => ('key' in node && node.key === 'body' ? { ...node, pool: 'gpu' } : node))
  const scene = await splitScene(pool, { nodes: pooled, edges })
  const id = await scene.begin([1, 2])
  await scene.until(async () => (await scene.items(id)).length === 2)
  const server = scene.engine.runner({ pool: 'gpu' })
  await server.start()
  expect((await scene.engine.ended(id)).output).toEqual([1, 2])
  await server.stop()
  await scene.end()
})
