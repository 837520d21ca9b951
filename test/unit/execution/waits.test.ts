// Nodes that wait, beside others that work, fail, come again or wait as well.
import { expect, test } from 'vitest'
import { cancelExecution, restartLost, settleAttempt } from '../../../src/execution/decide.ts'
import { type Draft, draftOf, emit } from '../../../src/execution/draft.ts'
import { decideFate } from '../../../src/execution/fate.ts'
import { initialState } from '../../../src/execution/state.ts'
import type { Outcome } from '../../../src/node/node-type.ts'
import type { NodePolicy } from '../../../src/workflow/workflow.ts'
import { planOf } from '../../support/plans.ts'
import { brief, completed, failed, parked, run, START } from '../../support/pure-run.ts'

const HOUR = 3_600_000
const at = (ms: number): Date => new Date(START.getTime() + ms)

/** A run a worker holds: at each of these instants so many attempts end, and it decides. */
function play(lines: readonly string[], policies: Record<string, NodePolicy> = {}, settings = {}) {
  const plan = { ...planOf(lines, policies) }
  const whole = { ...plan, workflow: { ...plan.workflow, settings } }
  let state = initialState(whole, { n: 1 })
  const step = (ms: number, ended: Record<string, Outcome> = {}, more: (draft: Draft) => void = () => {}) => {
    const now = { at: at(ms), random: 0 }
    const draft = draftOf(state)
    for (const [key, outcome] of Object.entries(ended)) settleAttempt(whole, draft, { key, outcome, now })
    more(draft)
    const leaves = decideFate(whole, draft, { now, drain: 'none' })
    state = draft.state
    return { leaves, events: draft.events, said: brief(draft.events), state }
  }
  step(0)
  return { plan: whole, step }
}

test('a node that waits and nothing beside it gives the worker back until its time', () => {
  const { step } = play(['a -> b'])
  const { leaves, events, state } = step(0, { a: parked(HOUR) })
  expect(leaves).toBe(true)
  expect(events).toEqual([
    { type: 'node_parked', payload: { node: 'a', until: '2026-01-01T01:00:00.000Z' } },
    { type: 'execution_parked', payload: { reason: 'delay', wake_at: '2026-01-01T01:00:00.000Z' } },
  ])
  expect(state).toMatchObject({ status: 'running', parkedReason: 'delay', nodes: [{ status: 'running' }, {}] })
})

test('when its time has come it completes with its input, and what follows starts', () => {
  const { step } = play(['a -> b'])
  step(0, { a: parked(HOUR) })
  const { leaves, events } = step(HOUR)
  expect(leaves).toBe(false)
  expect(events[0]).toEqual({ type: 'node_completed', payload: { node: 'a', output: { n: 1 } } })
  expect(brief(events).at(-1)).toBe('node_started b')
})

test('what was foreseen is what it comes to: an output with its branches, or a failure its edges handle', () => {
  const calm = play(['a -> b branch yes'])
  calm.step(0, { a: parked(HOUR, completed(7, ['yes'])) })
  expect(calm.step(HOUR).events[0]).toEqual({
    type: 'node_completed',
    payload: { node: 'a', output: 7, branches: ['yes'] },
  })
  const bad = play(['a -> b on error'])
  bad.step(0, { a: parked(HOUR, failed()) })
  expect(bad.step(HOUR).events[0]).toEqual({
    type: 'node_failed',
    payload: { node: 'a', error: { code: 'BROKEN', message: 'it broke' }, handled: true },
  })
})

test('an instant that has passed is not waited for', () => {
  const { step } = play(['a'])
  const past: Outcome = { kind: 'parked', until: '1999-01-01T00:00:00Z' }
  expect(step(0, { a: past }).said).toEqual([
    'node_parked a', 'node_completed a', 'wave_completed 0', 'workflow_completed',
  ]) // biome-ignore format: a line
})

test('while a sibling works the worker stays; of several that wait the earliest wakes, and the others wait on', () => {
  const { step } = play(['a', 'b', 'c'])
  expect(step(0, { a: parked(3 * HOUR), b: parked(HOUR) })).toMatchObject({ leaves: false })
  expect(step(10, { c: completed() }).events.at(-1)?.payload).toMatchObject({ wake_at: at(HOUR).toISOString() })
  const { said, events, leaves } = step(HOUR, {}, draft =>
    emit(planOf(['a', 'b', 'c']), draft, { body: { type: 'execution_woken', payload: {} }, at: at(HOUR) }),
  )
  expect(said).toEqual(['execution_woken', 'node_completed b', 'execution_parked'])
  expect(events.at(-1)?.payload).toEqual({ reason: 'delay', wake_at: at(3 * HOUR).toISOString() })
  expect(leaves).toBe(true)
})

test('a wait that ends while a sibling works ends there and then', () => {
  const { step } = play(['a', 'b'])
  step(0, { a: parked(HOUR) })
  expect(step(HOUR)).toMatchObject({ leaves: false, said: ['node_completed a'] })
})

test('a retry that is due before the wait ends is what it is woken for', () => {
  const { step } = play(['a', 'b'], { b: { retry: { delay_ms: HOUR, max_delay_ms: HOUR } } })
  const late: Outcome = {
    kind: 'failed',
    error: { code: 'LATER', message: 'later', retryable: true, retryAfter: HOUR },
  }
  const { events } = step(0, { a: parked(2 * HOUR), b: late })
  expect(events.at(-1)?.payload).toEqual({ reason: 'retry', wake_at: at(HOUR).toISOString() })
})

test('a short wait keeps the worker: it would hardly be back before', () => {
  const { step } = play(['a'])
  expect(step(0, { a: parked(1_000) }).leaves).toBe(false)
})

test('the time of the execution ends a wait that is longer', () => {
  const { step } = play(['a'], {}, { timeout_ms: HOUR })
  expect(step(0, { a: parked(2 * HOUR) }).events.at(-1)?.payload).toMatchObject({ wake_at: at(HOUR).toISOString() })
  expect(step(HOUR).said).toEqual(['node_failed a', 'workflow_failed'])
})

test('a sibling that fails for good does not leave the execution waiting', () => {
  const { step } = play(['a', 'b'])
  step(0, { a: parked(HOUR) })
  const { said, state } = step(1, { b: failed() })
  expect(said).toEqual(['node_failed b', 'node_failed a', 'wave_completed 0', 'workflow_failed b'])
  expect(state.nodes[0]?.error?.code).toBe('NODE_ABORTED')
})

test('a worker that is lost loses no wait', () => {
  const { plan, step } = play(['a', 'b'])
  const { said } = step(0, { a: parked(HOUR) }, draft =>
    restartLost(plan, draft, { reason: { code: 'WORKER_LOST', message: 'gone' }, now: { at: START, random: 0 } }),
  )
  expect(said).toEqual(['node_parked a', 'node_retrying b', 'node_started b'])
})

test('cancelled while it waits, a node says so', () => {
  const { plan, step } = play(['a'])
  const { state } = step(0, { a: parked(HOUR) })
  const draft = draftOf(state)
  emit(plan, draft, { body: { type: 'workflow_cancel_requested', payload: { by: 'me' } }, at: START })
  cancelExecution(plan, draft, { at: START })
  expect(draft.state.nodes[0]).toMatchObject({
    status: 'failed',
    waiting: undefined,
    error: { code: 'EXECUTION_CANCELLED', message: 'the execution was cancelled while the node waited' },
  })
})

test('a run with waits gives what the same run without them gives', () => {
  const outcome = (key: string): Outcome => completed(key)
  const lines = ['a -> b', 'a -> c', 'b -> d', 'c -> d']
  const waiting = run(planOf(lines), { outcome: key => parked(HOUR, completed(key)) })
  expect(waiting.state.output).toEqual(run(planOf(lines), { outcome }).state.output)
})
