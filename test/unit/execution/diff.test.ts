import { expect, test } from 'vitest'
import { type Compared, compareExecutions } from '../../../src/execution/diff.ts'
import type { ShownExecution, ShownNode } from '../../../src/execution/find.ts'
import type { NodePolicy } from '../../../src/workflow/workflow.ts'
import { planOf } from '../../support/plans.ts'

const AT = new Date('2026-01-01T00:00:00.000Z')

interface Given extends Partial<Omit<ShownExecution, 'nodes'>> {
  readonly lines?: readonly string[]
  readonly policies?: Readonly<Record<string, NodePolicy>>
  readonly nodes?: Readonly<Record<string, Partial<ShownNode>>>
}

function execution({ lines = ['a -> b', 'b -> c'], policies, nodes = {}, ...row }: Given = {}): Compared {
  const plan = planOf(lines, policies)
  const shown: ShownExecution = {
    id: '01900000-0000-7000-8000-000000000001', workflow: 'orders', version: 1, trigger: null, status: 'completed',
    error: null, scheduled_for: null, created_at: AT, started_at: AT, completed_at: new Date(AT.getTime() + 1_000),
    trigger_data: {}, input: { n: 1 }, output: null, last_sequence: 9, wake_at: null, parked_reason: null, pool: null,
    limit_key: null, rate_key: null, line: null,
    priority: 0, failure_handler: null, item_of: null, ...row,
    nodes: plan.nodes.filter(({ key }) => key in nodes || Object.keys(nodes).length === 0).map(({ key, type, wave }) => ({
      key, type, wave, status: 'completed', retry_count: 0, input: null, output: null, error: null,
      started_at: AT.toISOString(), completed_at: AT.toISOString(), items: null, ...nodes[key],
    })),
  } // biome-ignore format: rows
  return { shown, plan }
}

test('executions that differ only in times are the same', () => {
  const later = execution({ completed_at: new Date(AT.getTime() + 5_000) })
  expect(compareExecutions(execution(), later)).toMatchObject({
    same: true,
    diverged: null,
    a: { took_ms: 1_000 },
    b: { took_ms: 5_000 },
  })
})

test('they went apart at the first node, in the order of the waves, that ended otherwise', () => {
  const a = execution({ nodes: { c: { output: 1 }, b: { output: { total: 1 } }, a: {} } })
  const b = execution({ nodes: { c: { output: 2 }, b: { output: { total: 2 } }, a: {} } })
  const { diverged, nodes } = compareExecutions(a, b)
  expect(diverged).toEqual({ node: 'b', wave: 1, because: 'nothing' })
  expect(nodes.map(({ key, differences }) => [key, differences])).toEqual([
    ['a', []],
    ['b', [{ what: 'output', path: 'output.total', a: 1, b: 2 }]],
    ['c', [{ what: 'output', path: 'output', a: 1, b: 2 }]],
  ])
})

test('a node that was given something else went apart because of that', () => {
  const a = execution({ nodes: { a: { input: { n: 1 }, output: 1 } }, input: { n: 1 } })
  const b = execution({ nodes: { a: { input: { n: 2 }, output: 2 } }, input: { n: 2 } })
  expect(compareExecutions(a, b)).toMatchObject({
    same: false,
    diverged: { node: 'a', because: 'input' },
    differences: [{ what: 'input', path: 'input.n', a: 1, b: 2 }],
  })
})

test('a node that the other version defines otherwise went apart because of that', () => {
  const a = execution({ nodes: { b: { status: 'failed', error: 'X: no' } } })
  const b = execution({ version: 2, policies: { b: { timeout_ms: 5 } }, nodes: { b: {} } })
  const { diverged, nodes } = compareExecutions(a, b)
  expect(diverged).toMatchObject({ node: 'b', because: 'definition' })
  expect(nodes.find(({ key }) => key === 'b')?.differences).toEqual([
    { what: 'definition', path: 'definition.timeout_ms', b: 5 },
    { what: 'status', path: 'status', a: 'failed', b: 'completed' },
    { what: 'error', path: 'error', a: 'X: no' },
  ])
})

test('a condition of an edge belongs to the definition of the node it leads to', () => {
  const { nodes } = compareExecutions(execution(), execution({ lines: ['a -> b when output.ok', 'b -> c'] }))
  expect(nodes.find(({ key }) => key === 'b')?.differences).toEqual([
    { what: 'definition', path: 'definition.after.a', a: null, b: { when: 'output.ok' } },
  ])
})

test('a node that only one version has is nothing on the other side', () => {
  const { nodes, diverged } = compareExecutions(
    execution({ lines: ['a -> b', 'a -> c'] }),
    execution({ lines: ['a -> b'] }),
  )
  expect(nodes.find(({ key }) => key === 'c')).toMatchObject({
    wave: { a: 1, b: null },
    status: { a: 'completed', b: null },
  })
  expect(diverged).toMatchObject({ node: 'c', because: 'definition' })
})

test('a node that has not begun is pending', () => {
  const { nodes } = compareExecutions(execution({ nodes: { a: {} } }), execution({ nodes: { a: {}, b: {} } }))
  expect(nodes.find(({ key }) => key === 'b')).toMatchObject({
    status: { a: 'pending', b: 'completed' },
    attempts: { a: null, b: 1 },
    took_ms: { a: null, b: 0 },
  })
})

test('more attempts with the same end are a difference, and no parting of ways', () => {
  const diff = compareExecutions(execution(), execution({ nodes: { a: { retry_count: 2 }, b: {}, c: {} } }))
  expect(diff).toMatchObject({ same: false, diverged: null })
  expect(diff.nodes[0]?.differences).toEqual([{ what: 'attempts', path: 'attempts', a: 1, b: 3 }])
})
