import { expect, test } from 'vitest'
import type { Json } from '../../../src/base/json.ts'
import { decideNext, failExecution, restartLost } from '../../../src/execution/decide.ts'
import { draftOf } from '../../../src/execution/draft.ts'
import { initialState } from '../../../src/execution/state.ts'
import { planOf } from '../../support/plans.ts'
import { brief, completed, failed, run, START } from '../../support/pure-run.ts'

const now = { at: START, random: 0.5 }
const ok = { outcome: () => completed() }

test('what its mapping gave is recorded as the execution starts, and is its input from then on', () => {
  const plan = planOf(['a'])
  const draft = draftOf(initialState(plan, {}, { input: { n: 1 } }))
  decideNext(plan, draft, { at: START, random: 0 })
  expect(draft.events[0]).toEqual({ type: 'workflow_started', payload: { input: { n: 1 } } })
  expect(draft.state.nodes[0]?.input).toEqual({ n: 1 })
})

test('a mapping that failed fails the execution, and no node starts', () => {
  const plan = planOf(['a'])
  const error = { code: 'INPUT_MAPPING_FAILED', message: 'it failed' }
  const draft = draftOf(initialState(plan, {}, { error }))
  decideNext(plan, draft, { at: START, random: 0 })
  expect(brief(draft.events)).toEqual(['node_skipped a', 'workflow_failed'])
  expect(draft.state).toMatchObject({ status: 'failed', error })
})

test('a diamond starts its middle together and its end after both', () => {
  const { events } = run(planOf(['a -> b', 'a -> c', 'b -> d', 'c -> d']), ok)
  expect(brief(events)).toEqual([
    'workflow_started', 'wave_started 0', 'node_started a', 'node_completed a', 'wave_completed 0',
    'wave_started 1', 'node_started b', 'node_started c', 'node_completed b', 'node_completed c', 'wave_completed 1',
    'wave_started 2', 'node_started d', 'node_completed d', 'wave_completed 2', 'workflow_completed',
  ]) // biome-ignore format: one wave a line
})

test('a chain of 40 has a wave for each node', () => {
  const chain = Array.from({ length: 39 }, (_, i) => `n${i} -> n${i + 1}`)
  const { events } = run(planOf(chain), ok)
  expect(events.filter(event => event.type === 'wave_completed')).toHaveLength(40)
})

test('the node behind a branch that was not taken is skipped with the reason, and what follows only it too', () => {
  const plan = planOf([
    'check -> big branch big',
    'check -> small branch small',
    'big -> celebrate',
    'small -> end',
    'celebrate -> end',
  ])
  const { events, state } = run(plan, { outcome: key => (key === 'check' ? completed(1, ['small']) : completed(key)) })
  const skipped = events.flatMap(event => (event.type === 'node_skipped' ? [event.payload] : []))
  expect(skipped).toEqual([
    { node: 'big', reason: '"check" took branch "small", not "big"' },
    { node: 'celebrate', reason: '"big" was skipped' },
  ])
  expect(state.nodes[plan.index.get('end') ?? -1]?.input).toBe('small')
  expect(state.output).toBe('end')
})

test('join all skips a node of which one incoming edge was not taken', () => {
  const plan = planOf(['a -> c when yes', 'b -> c when no'], { c: { join: 'all' } })
  const { events } = run(plan, { ...ok, edges: key => ({ c: key === 'a' }) })
  expect(brief(events)).toContain('node_skipped c')
})

test('a node with several taken predecessors gets their outputs by key', () => {
  const plan = planOf(['a -> c', 'b -> c'])
  const { state } = run(plan, { outcome: key => completed(`from ${key}`) })
  expect(state.nodes[plan.index.get('c') ?? -1]?.input).toEqual({ a: 'from a', b: 'from b' })
})

test('roots get the input of the execution, and several leaves give an output by key', () => {
  const inputs: Record<string, Json | undefined> = {}
  const plan = planOf(['a', 'b'])
  const { state } = run(plan, { input: { n: 7 }, outcome: key => completed(key.toUpperCase()) })
  for (const node of plan.nodes) inputs[node.key] = state.nodes[node.index]?.input
  expect(inputs).toEqual({ a: { n: 7 }, b: { n: 7 } })
  expect(state.output).toEqual({ a: 'A', b: 'B' })
})

test('a retryable failure is tried again after its pause until the attempts are used up', () => {
  const plan = planOf(['a'], { a: { retry: { max_attempts: 3, backoff: 'constant', delay_ms: 1000 } } })
  const { events, state } = run(plan, { outcome: () => failed(true) })
  expect(brief(events).filter(line => line.startsWith('node_'))).toEqual([
    'node_started a',
    'node_retrying a',
    'node_started a',
    'node_retrying a',
    'node_started a',
    'node_failed a',
  ])
  expect(events.find(event => event.type === 'node_retrying')?.payload).toMatchObject({
    retry_at: '2026-01-01T00:00:00.500Z',
  })
  expect(state).toMatchObject({ status: 'failed', failedNode: 'a', error: { code: 'BROKEN' } })
})

test('a failure that cannot be mended by another attempt is not retried', () => {
  const plan = planOf(['a'], { a: { retry: { max_attempts: 5 } } })
  expect(brief(run(plan, { outcome: () => failed(false) }).events)).not.toContain('node_retrying a')
})

test('a failure ends the execution after its wave and skips what has not started', () => {
  const plan = planOf(['a -> c', 'b -> c'])
  const { events, state } = run(plan, { outcome: key => (key === 'a' ? failed() : completed()) })
  expect(brief(events).slice(-5)).toEqual([
    'node_failed a',
    'node_completed b',
    'wave_completed 0',
    'node_skipped c',
    'workflow_failed a',
  ])
  expect(state.status).toBe('failed')
})

test('an error edge takes over from a failed node, and the execution completes', () => {
  const plan = planOf(['a -> b', 'a -> rescue on error'])
  const { state, events } = run(plan, { outcome: key => (key === 'a' ? failed() : completed(key)) })
  expect(brief(events)).toEqual(
    expect.arrayContaining(['node_skipped b', 'node_completed rescue', 'workflow_completed']),
  )
  expect(state.nodes[plan.index.get('rescue') ?? -1]?.input).toEqual({ error: { code: 'BROKEN', message: 'it broke' } })
})

test('on_error continue lets the plain edges go on with the error as output', () => {
  const plan = planOf(['a -> b'], { a: { on_error: 'continue' } })
  const { state } = run(plan, { outcome: key => (key === 'a' ? failed() : completed('done')) })
  expect(state).toMatchObject({ status: 'completed', output: 'done' })
})

test('attempts lost with their worker run again and do not count against the retry policy', () => {
  const plan = planOf(['a'], { a: { retry: { max_attempts: 2, delay_ms: 0 } } })
  const draft = draftOf(initialState(plan, {}))
  decideNext(plan, draft, now)
  restartLost(plan, draft, { reason: { code: 'WORKER_LOST', message: 'gone' }, now })
  decideNext(plan, draft, now)
  expect(brief(draft.events).slice(2)).toEqual(['node_started a', 'node_retrying a', 'node_started a'])
  expect(draft.state.nodes[0]).toMatchObject({ attempt: 2, lost: 1 })
})

test('an execution that is failed from outside ends its running nodes first', () => {
  const plan = planOf(['a -> b'])
  const draft = draftOf(initialState(plan, {}))
  decideNext(plan, draft, now)
  failExecution(plan, draft, { error: { code: 'EXECUTION_TIMEOUT', message: 'too long' }, now })
  expect(brief(draft.events).slice(-3)).toEqual(['node_failed a', 'node_skipped b', 'workflow_failed'])
})

test('at most 64 nodes of a wide wave run at once, and all of them run', () => {
  const plan = planOf(Array.from({ length: 100 }, (_, i) => `n${i}`))
  const { states, state } = run(plan, ok)
  expect(Math.max(...states.map(one => one.nodes.filter(node => node.status === 'running').length))).toBe(64)
  expect(state.nodes.every(node => node.status === 'completed')).toBe(true)
})

test('a path that its conditions cut short keeps its result in the output', () => {
  const plan = planOf(['a -> b', 'b -> c when wanted', 'a -> d branch other'])
  const { state } = run(plan, { outcome: key => completed(key, ['this']), edges: () => ({ c: false }) })
  expect(state.output).toEqual({ b: 'b' })
})

test('the output of a workflow with one leaf is the output of that leaf', () => {
  expect(run(planOf(['a -> b', 'a -> c', 'b -> d', 'c -> d']), { outcome: key => completed(key) }).state.output).toBe(
    'd',
  )
})
