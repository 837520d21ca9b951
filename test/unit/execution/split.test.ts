import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json.ts'
import { decideCommand } from '../../../src/execution/command.ts'
import { settleAttempt } from '../../../src/execution/decide.ts'
import { type Draft, draftOf } from '../../../src/execution/draft.ts'
import { decideFate } from '../../../src/execution/fate.ts'
import { outerKeys } from '../../../src/execution/item.ts'
import { type Standing, type Step, stepsOf } from '../../../src/execution/split.ts'
import { initialState } from '../../../src/execution/state.ts'
import type { Outcome } from '../../../src/node/node-type.ts'
import { nodeTypes } from '../../../src/node/registry.ts'
import { compilePlan } from '../../../src/workflow/waves.ts'
import { workflowOf } from '../../support/plans.ts'

const standing: Standing = {
  executionId: 'e', nodeId: 'n', generation: 0, node: 'each', workflowId: 'w', priority: 0, executionStatus: 'running',
  sequence: 4, since: 4, total: 1_200, maxParallel: 1_000, onItemError: 'fail', nextIndex: 0, status: 'open', open: 0, paused: 0,
  failedIndex: null,
} // biome-ignore format: a row

test.each<[string, Partial<Standing>, Step[]]>([
  ['makes a chunk of the first items', {}, [{ kind: 'open', count: 500 }]],
  ['makes as many as there is room for', { nextIndex: 900, open: 900 }, [{ kind: 'open', count: 100 }]],
  ['makes those that are left', { nextIndex: 1_190, open: 10 }, [{ kind: 'open', count: 10 }]],
  ['makes none while there is no room', { nextIndex: 1_000, open: 1_000 }, []],
  ['waits for the last', { nextIndex: 1_200, open: 1 }, []],
  ['goes on when the last has ended', { nextIndex: 1_200 }, [{ kind: 'gather' }]],
  [
    'cancels the others when one failed, and makes no more',
    { nextIndex: 10, open: 5, failedIndex: 3 },
    [{ kind: 'cancel', reason: 'item 3 failed' }],
  ],
  ['goes on when one failed and the others have ended', { nextIndex: 10, failedIndex: 3 }, [{ kind: 'gather' }]],
  [
    'goes on making items when one failed and is only to be collected',
    { nextIndex: 10, failedIndex: 3, onItemError: 'collect', maxParallel: 2, open: 1 },
    [{ kind: 'open', count: 1 }],
  ],
  [
    'cancels all when its node has ended',
    { status: 'stopping', nextIndex: 10, open: 5, executionStatus: 'cancelled' },
    [{ kind: 'cancel', reason: 'nobody waits for its split any more' }],
  ],
  ['has ended when its node has and no item is open', { status: 'stopping', nextIndex: 10 }, [{ kind: 'end' }]],
  [
    'pauses its items with the execution',
    { executionStatus: 'paused', nextIndex: 9, open: 3, paused: 1 },
    [{ kind: 'pause' }],
  ],
  ['makes no items while it is paused', { executionStatus: 'paused', nextIndex: 9, open: 3, paused: 3 }, []],
  ['does not go on while it is paused', { executionStatus: 'paused', nextIndex: 1_200 }, []],
  [
    'resumes its items with the execution, and makes more',
    { nextIndex: 9, open: 3, paused: 2, maxParallel: 5 },
    [{ kind: 'resume' }, { kind: 'open', count: 2 }],
  ],
])('a split %s', (_, change, steps) => {
  expect(stepsOf({ ...standing, ...change })).toEqual(steps)
})

describe('in an execution', () => {
  const whole = workflowOf(['each -> body', 'body -> all', 'x'])
  const types: Readonly<Record<string, string>> = { each: 'split', all: 'merge' }
  const plan = compilePlan({
    ...whole,
    settings: { timeout_ms: 60_000 },
    nodes: whole.nodes.map(node => ({ ...node, type: types[node.key] ?? node.type })),
  })
  const at = new Date('2026-01-01T00:00:00Z')
  const now = { at, random: 0 }
  const splits: Outcome = { kind: 'split', items: ['a', 'b'], maxParallel: 3, onItemError: 'collect' }

  function started(): Draft {
    const draft = draftOf(initialState(plan, {}))
    decideFate(plan, draft, { now, drain: 'none' })
    return draft
  }
  function settle(draft: Draft, key: string, outcome: Outcome): boolean {
    settleAttempt(plan, draft, { key, outcome, now })
    return decideFate(plan, draft, { now, drain: 'none' })
  }
  function each(draft: Draft) {
    return draft.state.nodes[plan.index.get('each') ?? -1]
  }

  test('the node waits, and the execution parks for items, until its own time is up, once nothing else runs', () => {
    const draft = started()
    expect(settle(draft, 'each', splits)).toBe(false)
    expect(settle(draft, 'x', { kind: 'completed', output: null })).toBe(true)
    expect(each(draft)).toMatchObject({ status: 'running', split: { total: 2, items: 'running' } })
    expect(draft.events.at(-1)).toEqual({
      type: 'execution_parked',
      payload: { reason: 'items', wake_at: '2026-01-01T00:01:00.000Z' },
    })
  })

  test('the end of the items is told once, and wakes it; then its node is at work again', () => {
    const draft = started()
    settle(draft, 'each', splits)
    settle(draft, 'x', { kind: 'completed', output: null })
    const { since = 0 } = each(draft)?.split ?? {}
    const tell = () => decideCommand(plan, draft, { command: { verb: 'gather', by: 'test', node: 'each', since }, at })
    expect(tell()).toEqual({ kind: 'done', is: 'running' })
    expect(draft.state.parkedReason).toBeUndefined()
    expect(each(draft)).toMatchObject({ status: 'running', waiting: undefined, split: { items: 'ended' } })
    expect(tell()).toMatchObject({ kind: 'unchanged' })
  })

  test('a cancellation ends the node, and a retry takes its items up again', () => {
    const draft = started()
    settle(draft, 'each', splits)
    decideCommand(plan, draft, { command: { verb: 'cancel', by: 'test' }, at })
    decideFate(plan, draft, { now, drain: 'none' })
    expect(each(draft)).toMatchObject({ status: 'failed', error: { code: 'EXECUTION_CANCELLED' } })
    decideCommand(plan, draft, { command: { verb: 'retry', by: 'test' }, at })
    decideFate(plan, draft, { now, drain: 'none' })
    expect(each(draft)).toMatchObject({ status: 'running', split: { total: 2, items: 'left' } })
    settle(draft, 'each', { ...splits, items: [] })
    const again = draft.events.filter(event => event.type === 'node_split')
    expect(again.map(event => event.payload.items)).toEqual([['a', 'b'], undefined])
    expect(each(draft)?.split).toMatchObject({ total: 2, items: 'running' })
    expect(each(draft)?.split?.since).toBeGreaterThan(each(draft)?.split?.sequence ?? 0)
  })

  test('it is not rerun from a node that runs for items', () => {
    const draft = started()
    settle(draft, 'each', { kind: 'completed', output: [] })
    settle(draft, 'x', { kind: 'completed', output: null })
    settle(draft, 'all', { kind: 'completed', output: [] })
    const answer = decideCommand(plan, draft, { command: { verb: 'rerun', node: 'body', by: 'test' }, at })
    expect(answer).toMatchObject({ code: 'NODE_NOT_FOUND', why: '"body" runs for the items of a split' })
  })

  test('an item is asked through the execution it is part of', () => {
    const region = plan.regions.get(plan.nodes.find(({ key }) => key === 'each')?.id ?? '') ?? plan
    for (const verb of ['pause', 'resume', 'retry', 'redrive'] as const) {
      const draft = draftOf(initialState(region, 'a'))
      expect(decideCommand(region, draft, { command: { verb, by: 'test' }, at })).toMatchObject({
        code: 'EXECUTION_IS_ITEM',
      })
    }
  })
})

test.each<[string, string | object, readonly string[] | 'all']>([
  ['names nothing', 'item', []],
  ['names a node of its own', 'nodes.body.output', []],
  ['names nodes around', 'nodes.before.output & nodes.other.output.x', ['before', 'other']],
  ['looks at all nodes', '$keys(nodes)', 'all'],
  ['looks at anything', '$lookup($, "nodes")', 'all'],
])('of the nodes around, a region that %s is given what it can see', (_, expression, keys) => {
  const whole = workflowOf(['each -> body', 'body -> all'])
  const types: Readonly<Record<string, string>> = { each: 'split', all: 'merge' }
  const plan = compilePlan({
    ...whole,
    nodes: whole.nodes.map(node => ({
      ...node,
      type: types[node.key] ?? node.type,
      config: { expression } as JsonObject,
    })),
  })
  const [region] = plan.regions.values()
  expect(region && outerKeys(region, nodeTypes)).toEqual(keys)
})
