// Which workers an execution is given to, by the nodes that could start.
import { expect, test } from 'vitest'
import type { EventBody } from '../../../src/event/event.ts'
import { type Draft, draftOf, emit } from '../../../src/execution/draft.ts'
import { decideFate } from '../../../src/execution/fate.ts'
import { initialState } from '../../../src/execution/state.ts'
import { compilePlan, type Plan } from '../../../src/workflow/waves.ts'
import type { NodePolicy, WorkflowSettings } from '../../../src/workflow/workflow.ts'
import { workflowOf } from '../../support/plans.ts'

const at = new Date('2026-01-01T00:00:00Z')
const now = { at, random: 0 }
const gpu = { pool: 'gpu' }

interface Run {
  readonly draft: Draft
  /** What follows from these events: the new events, and whether the turn is over. */
  after(...events: EventBody[]): { readonly events: string[]; readonly isLeaving: boolean }
}

function run(lines: readonly string[], policies: Record<string, NodePolicy>, settings: WorkflowSettings = {}): Run {
  const plan: Plan = compilePlan({ ...workflowOf(lines, policies), settings })
  const draft = draftOf(initialState(plan, {}))
  return {
    draft,
    after(...events) {
      for (const body of events) emit(plan, draft, { body, at })
      const before = draft.events.length
      const isLeaving = decideFate(plan, draft, { now, drain: 'none' })
      return { events: draft.events.slice(before).map(told), isLeaving }
    },
  }
}

function told(body: EventBody): string {
  if (body.type === 'execution_handed_over') return `${body.type} ${body.payload.reason}`
  if (body.type === 'execution_pooled') return [body.type, ...Object.values(body.payload)].join(' ')
  return 'node' in body.payload ? `${body.type} ${body.payload.node}` : body.type
}

const ended = (node: string): EventBody => ({ type: 'node_completed', payload: { node, output: null } })

test('an execution goes to the workers of a pool when only nodes of it can start, and back when those have ended', () => {
  const one = run(['a -> b', 'b -> c'], { b: gpu })
  expect(one.after().events).toEqual(['workflow_started', 'wave_started', 'node_started a'])
  expect(one.after(ended('a'))).toEqual({
    events: ['wave_completed', 'wave_started', 'execution_pooled gpu'],
    isLeaving: true,
  })
  expect(one.draft.state).toMatchObject({ parkedReason: 'pool', pool: 'gpu', turn: 1, claim: 0 })
  expect(one.after()).toEqual({ events: ['node_started b'], isLeaving: false })
  expect(one.draft.state).toMatchObject({ parkedReason: undefined, pool: 'gpu', turn: 1 })
  expect(one.after(ended('b'))).toEqual({
    events: ['wave_completed', 'wave_started', 'execution_handed_over pool'],
    isLeaving: true,
  })
  expect(one.draft.state).toMatchObject({ pool: undefined, turn: 2 })
  expect(one.after().events).toEqual(['node_started c'])
})

test('in a wave of several pools one comes after the other, each with all its nodes', () => {
  const one = run(['a', 'b', 'c', 'd'], { b: gpu, c: { pool: 'slow' }, d: gpu })
  expect(one.after().events.slice(2)).toEqual(['node_started a'])
  expect(one.after(ended('a')).events).toEqual(['execution_pooled gpu'])
  expect(one.after().events).toEqual(['node_started b', 'node_started d'])
  expect(one.after(ended('b'))).toEqual({ events: [], isLeaving: false })
  expect(one.after(ended('d')).events).toEqual(['execution_pooled slow'])
  expect(one.after().events).toEqual(['node_started c'])
  expect(one.after(ended('c')).events).toEqual(['wave_completed', 'workflow_completed'])
})

test('workers of a pool keep it as long as waves have nodes of theirs', () => {
  const one = run(['a -> b', 'b -> c'], { a: gpu, b: gpu, c: gpu })
  expect(one.after().events).toEqual(['workflow_started', 'wave_started', 'execution_pooled gpu'])
  expect(one.after().events).toEqual(['node_started a'])
  expect(one.after(ended('a')).events).toEqual(['wave_completed', 'wave_started', 'node_started b'])
})

test('it waits for a pool until its time is up at the longest', () => {
  const one = run(['a'], { a: gpu }, { timeout_ms: 60_000 })
  expect(one.after().events).toContain('execution_pooled gpu 2026-01-01T00:01:00.000Z')
  expect(one.draft.state.wakeAt).toEqual(new Date('2026-01-01T00:01:00Z'))
})

test('after a failure nothing goes to a pool any more', () => {
  const one = run(['a', 'b'], { b: gpu })
  one.after()
  const error = { code: 'BROKEN', message: 'it broke' }
  expect(one.after({ type: 'node_failed', payload: { node: 'a', error, handled: false } }).events).toEqual([
    'node_skipped b',
    'wave_completed',
    'workflow_failed a',
  ])
})

test('an attempt that is to come again on a pool goes there when it is due', () => {
  const one = run(['a', 'b'], { b: { ...gpu, retry: {} } })
  one.after()
  one.after(ended('a'))
  one.after()
  const error = { code: 'BUSY', message: 'it was busy' }
  const retry = (retry_at: string): EventBody => ({ type: 'node_retrying', payload: { node: 'b', error, retry_at } })
  expect(one.after(retry('2026-01-02T00:00:00Z')).events).toEqual(['execution_parked'])
  expect(one.draft.state.pool).toBeUndefined()
  expect(one.after({ type: 'execution_woken', payload: {} }, retry(at.toISOString())).events).toEqual([
    'execution_pooled gpu',
  ])
  expect(one.after().events).toEqual(['node_started b'])
})
