// What a failure does to the rest of an execution, for each cell of the table in docs/executions.md.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Outcome } from '../../../src/node/node-type.ts'
import type { ErrorStrategy, NodePolicy } from '../../../src/workflow/workflow.ts'
import { planOf } from '../../support/plans.ts'
import { completed, failed, parked, type Run, run } from '../../support/pure-run.ts'

const going: ErrorStrategy[] = ['continue', { require_n: 1 }]

/** Runs it; `broken` fail for good, the others do what `outcomes` says, or complete. */
function play(
  lines: readonly string[],
  error_strategy: ErrorStrategy,
  {
    broken = ['a'],
    outcomes = {},
    policies = {},
  }: {
    broken?: string[]
    outcomes?: Record<string, (attempt: number) => Outcome>
    policies?: Record<string, NodePolicy>
  } = {},
): Run & { status(key: string): string; reason(key: string): string | undefined } {
  const plan = planOf(lines, policies, { error_strategy })
  const result = run(plan, {
    outcome: (key, attempt) => (broken.includes(key) ? failed() : (outcomes[key]?.(attempt) ?? completed(key))),
  })
  const node = (key: string) => result.state.nodes[plan.index.get(key) ?? -1]
  return { ...result, status: key => node(key)?.status ?? 'none', reason: key => node(key)?.skipReason }
}

const beside = ['a -> c', 'b -> d']

test('fail_fast, which is the default, starts nothing more and fails of the node', () => {
  const { state, status, reason } = play(beside, 'fail_fast')
  expect([status('b'), status('c'), status('d')]).toEqual(['completed', 'skipped', 'skipped'])
  expect(reason('d')).toMatch(/^NODE_NOT_REACHED/)
  expect(state).toMatchObject({ status: 'failed', failedNode: 'a', error: { code: 'BROKEN' } })
  const { state: byDefault } = run(planOf(beside), { outcome: key => (key === 'a' ? failed() : completed()) })
  expect(byDefault).toMatchObject({ status: 'failed', failedNode: 'a' })
})

test('fail_fast gives the nodes beside the failure no further attempt, and ends those that wait', () => {
  const flaky = (attempt: number) => (attempt === 1 ? failed(true) : completed())
  const policies = { b: { retry: { delay_ms: 0 } } }
  const { status } = play(['a', 'b', 'c'], 'fail_fast', { outcomes: { b: flaky, c: () => parked(1_000) }, policies })
  expect([status('b'), status('c')]).toEqual(['failed', 'failed'])
})

for (const strategy of going) {
  const name = JSON.stringify(strategy)

  test(`${name} goes on with what does not depend on the failure`, () => {
    const { status, reason } = play(beside, strategy)
    expect([status('b'), status('c'), status('d')]).toEqual(['completed', 'skipped', 'completed'])
    expect(reason('c')).toBe('"a" failed')
  })

  test(`${name} gives the nodes beside the failure their attempts, and lets wait what waits`, () => {
    const flaky = (attempt: number) => (attempt === 1 ? failed(true) : completed())
    const policies = { b: { retry: { delay_ms: 0 } } }
    const { status } = play(['a', 'b', 'c'], strategy, { outcomes: { b: flaky, c: () => parked(1_000) }, policies })
    expect([status('b'), status('c')]).toEqual(['completed', 'completed'])
  })

  test(`${name} runs what joins a failure with any other that was taken, and with so many of them, but not with all`, () => {
    const lines = ['a', 'b', 'c'].flatMap(from => [
      `${from} -> any`,
      `${from} -> two`,
      `${from} -> three`,
      `${from} -> all`,
    ])
    const policies: Record<string, NodePolicy> = {
      two: { join: { n_of: 2 } },
      three: { join: { n_of: 3 } },
      all: { join: 'all' },
    }
    const { status, reason } = play(lines, strategy, { policies })
    expect(['any', 'two', 'three', 'all'].map(status)).toEqual(['completed', 'completed', 'skipped', 'skipped'])
    expect([reason('three'), reason('all')]).toEqual(['"a" failed', '"a" failed'])
  })

  test(`${name} has no failure where an edge or the node itself takes over`, () => {
    const policies = { c: { on_error: 'continue' } } as const
    const { state, status } = play(['a -> b on error', 'c -> d'], strategy, { broken: ['a', 'c'], policies })
    expect([status('b'), status('d'), state.status]).toEqual(['completed', 'completed', 'completed'])
  })

  test(`${name} has no failure where a branch was not taken`, () => {
    const outcomes = { a: () => completed(null, ['b']) }
    const { state, status } = play(['a -> b branch b', 'a -> c branch c'], strategy, { broken: [], outcomes })
    expect([status('c'), state.status]).toEqual(['skipped', 'completed'])
  })
}

test('continue fails at the end of the one failure there was', () => {
  expect(play(beside, 'continue').state).toMatchObject({ status: 'failed', failedNode: 'a', error: { code: 'BROKEN' } })
})

test('continue names every node that failed, and no one of them as the node', () => {
  const { state } = play(['a -> c', 'b -> d', 'b -> e'], 'continue', { broken: ['a', 'd'] })
  expect(state.failedNode).toBeUndefined()
  expect(state.error).toEqual({
    code: 'NODES_FAILED',
    message: '2 nodes failed: a (BROKEN: it broke), d (BROKEN: it broke)',
    details: { nodes: [{ node: 'a', code: 'BROKEN' }, { node: 'd', code: 'BROKEN' }] },
  }) // biome-ignore format: a node each
})

test('require_n completes in spite of failures when so many of the last nodes have, with what they gave', () => {
  const { state } = play(['a -> c', 'b -> d'], { require_n: 1 })
  expect(state).toMatchObject({ status: 'completed', output: { d: 'd' }, error: undefined })
})

test('require_n fails when too few of the last nodes completed, and says what became of the others', () => {
  const { state } = play(['a -> c', 'b -> d', 'b -> e'], { require_n: 2 }, { broken: ['a', 'e'] })
  expect(state).toMatchObject({ status: 'failed', failedNode: undefined })
  expect(state.error).toEqual({
    code: 'TOO_FEW_COMPLETED',
    message: '1 of the 3 last nodes completed, 2 must: c was skipped ("a" failed); e failed (BROKEN: it broke)',
    details: { required: 2, completed: ['d'], others: ['c', 'e'] },
  })
})

test('require_n fails when too few of the last nodes completed though nothing failed', () => {
  const outcomes = { a: () => completed(null, ['b']) }
  const { state } = play(['a -> b branch b', 'a -> c branch c'], { require_n: 2 }, { broken: [], outcomes })
  expect(state).toMatchObject({ status: 'failed', error: { code: 'TOO_FEW_COMPLETED' } })
})

test('require_n does not count a last node whose failure is handled', () => {
  const { state } = play(['a', 'b'], { require_n: 2 }, { policies: { a: { on_error: 'continue' } } })
  expect(state).toMatchObject({ status: 'failed', error: { code: 'TOO_FEW_COMPLETED' } })
})

test('law: under continue exactly that runs which would run if what failed had been skipped, and it fails if anything failed', () => {
  const graph = fc.array(fc.tuple(fc.nat({ max: 7 }), fc.nat({ max: 7 })), { maxLength: 14 })
  fc.assert(
    fc.property(graph, fc.array(fc.nat({ max: 7 }), { maxLength: 3 }), fc.nat({ max: 6 }), (pairs, bad, seed) => {
      const edges = new Set(pairs.filter(([a, b]) => a < b).map(([a, b]) => `n${a} -> n${b}`))
      const lines = [...Array.from({ length: 8 }, (_, i) => `n${i}`), ...edges]
      const broken = bad.map(i => `n${i}`)
      const policies = { [`n${seed}`]: { join: 'all' } } as const
      const plan = planOf(lines, policies, { error_strategy: 'continue' })
      const { state } = run(plan, { outcome: key => (broken.includes(key) ? failed() : completed(key)) })
      const runs = new Map<number, boolean>()
      for (const index of plan.waves.flat()) {
        const incoming = plan.nodes[index]?.incoming ?? []
        const taken = incoming.filter(
          ({ source }) => runs.get(source) && !broken.includes(plan.nodes[source]?.key ?? ''),
        )
        const needed = plan.nodes[index]?.policy.join === 'all' ? incoming.length : Math.min(1, incoming.length)
        runs.set(index, taken.length >= needed)
      }
      for (const [index, ran] of runs) expect((state.nodes[index]?.attempt ?? 0) > 0).toBe(ran)
      const anyFailed = state.nodes.some(node => node.status === 'failed')
      expect(state.status).toBe(anyFailed ? 'failed' : 'completed')
    }),
    { numRuns: 200 },
  )
})
