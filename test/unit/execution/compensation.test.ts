// What an execution undoes before it ends, and what becomes of it when it goes on after that.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { EventBody } from '../../../src/event/event.ts'
import { type Command, decideCommand } from '../../../src/execution/command.ts'
import { abandonCompensation, leftStanding } from '../../../src/execution/compensation.ts'
import { restartLost, settleAttempt } from '../../../src/execution/decide.ts'
import { draftOf } from '../../../src/execution/draft.ts'
import { deadlineOf, decideFate } from '../../../src/execution/fate.ts'
import { type ExecutionState, initialState, isAtWork, isOver } from '../../../src/execution/state.ts'
import type { Verdict } from '../../../src/execution/verdict.ts'
import type { Outcome } from '../../../src/node/node-type.ts'
import { compilePlan, type Plan } from '../../../src/workflow/waves.ts'
import type { NodePolicy, WorkflowSettings } from '../../../src/workflow/workflow.ts'
import { planOf, workflowOf } from '../../support/plans.ts'
import { brief, completed, failed, parked, run, START } from '../../support/pure-run.ts'

const now = { at: START, random: 0.5 }
const chain = ['a -> b', 'b -> c', 'ua', 'ub']
const undo = { a: { compensate: 'ua' }, b: { compensate: 'ub' } } as const

/** What happens from the start of the compensation on. */
function sinceThen(events: readonly EventBody[]): string[] {
  return brief(events.slice(events.findIndex(({ type }) => type === 'compensation_started')))
}

/** Every node completes with its key, but for those named. */
const breaking =
  (...keys: string[]) =>
  (key: string): Outcome =>
    keys.includes(key) ? failed() : completed(key)

/** An execution in the hands of a worker: attempts end as one says, commands come in between. */
function held(plan: Plan) {
  let state: ExecutionState = initialState(plan, {})
  const events: EventBody[] = []
  const decide = (at = START, drain: 'none' | 'begun' = 'none'): boolean => {
    const draft = draftOf(state)
    const leaves = decideFate(plan, draft, { now: { ...now, at }, drain })
    events.push(...draft.events)
    state = draft.state
    return leaves
  }
  decide()
  return {
    events,
    decide,
    state: () => state,
    node: (key: string) => state.nodes[plan.index.get(key) ?? -1],
    atWork: () => plan.nodes.filter((_, i) => state.nodes[i] && isAtWork(state.nodes[i])).map(({ key }) => key),
    settle(key: string, outcome: Outcome = completed(key)) {
      const draft = draftOf(state)
      settleAttempt(plan, draft, { key, outcome, now })
      events.push(...draft.events)
      state = draft.state
      return decide()
    },
    ask(verb: 'cancel' | 'pause' | 'resume' | 'retry' | Extract<Command, { verb: 'rerun' }>): Verdict {
      const draft = draftOf(state)
      const command = typeof verb === 'string' ? { by: 'test', verb } : verb
      const verdict = decideCommand(plan, draft, { command, at: START })
      events.push(...draft.events)
      state = draft.state
      return verdict
    },
    change(alter: (draft: ReturnType<typeof draftOf>) => void) {
      const draft = draftOf(state)
      alter(draft)
      events.push(...draft.events)
      state = draft.state
    },
  }
}

test('what completed is undone in reverse order, one after the other, before the execution fails', () => {
  const { events, state } = run(planOf(chain, undo), { outcome: breaking('c') })
  expect(sinceThen(events)).toEqual([
    'compensation_started',
    'node_started ub',
    'node_completed ub',
    'node_started ua',
    'node_completed ua',
    'workflow_failed c',
  ])
  expect(state).toMatchObject({ status: 'failed', failedNode: 'c', error: { code: 'BROKEN' } })
})

test('a node that undoes another gets its output, and is in no wave before', () => {
  const plan = planOf(chain, undo)
  const { state, events } = run(plan, { outcome: breaking('c') })
  expect(state.nodes[plan.index.get('ub') ?? -1]?.input).toBe('b')
  expect(plan.waves.flat()).toHaveLength(3)
  expect(brief(events).indexOf('node_started ua')).toBeGreaterThan(brief(events).indexOf('node_failed c'))
})

test('nodes of one wave are undone in reverse of the order in which they completed', () => {
  const plan = planOf(['a', 'b', 'c', 'ua', 'ub'], undo)
  const picks = [1 / 3, 0, 0, 0, 0]
  const { events } = run(plan, { outcome: breaking('c'), pick: () => picks.shift() ?? 0 })
  expect(brief(events).filter(line => /node_completed [ab]/.test(line))).toEqual([
    'node_completed b',
    'node_completed a',
  ])
  expect(sinceThen(events).filter(line => /started/.test(line))).toEqual([
    'compensation_started',
    'node_started ua',
    'node_started ub',
  ])
})

test('an execution that completes undoes nothing, and what could undo it counts for nothing in its output', () => {
  const { events, state } = run(planOf(['a', 'ua'], undo), { outcome: breaking() })
  expect(state).toMatchObject({ status: 'completed', output: 'a' })
  expect(brief(events)).not.toContain('node_started ua')
})

test('what failed, was handled or was skipped is not undone', () => {
  const policies = { a: { compensate: 'ua', on_error: 'continue' }, b: { compensate: 'ub' } } as const
  const plan = planOf(['a -> b on success', 'a -> c', 'ua', 'ub'], policies)
  const { events } = run(plan, { outcome: breaking('a', 'c') })
  expect(brief(events)).not.toContain('compensation_started')
})

test('under the strategy continue it is undone at the end, for all failures', () => {
  const plan = planOf(['a -> c', 'b -> d', 'ua', 'ub'], undo, { error_strategy: 'continue' })
  const { events, state } = run(plan, { outcome: breaking('c', 'd') })
  expect(sinceThen(events).at(-1)).toBe('workflow_failed')
  expect(state.error?.code).toBe('NODES_FAILED')
})

test('a node that undoes another is tried again by its own policy, and waits if it wants to', () => {
  const policies = { ...undo, ub: { retry: { delay_ms: 0 } } }
  const outcome = (key: string, attempt: number): Outcome =>
    key === 'c' || (key === 'ub' && attempt === 1) ? failed(true) : key === 'ua' ? parked(60_000) : completed(key)
  const { events } = run(planOf(chain, policies), { outcome })
  expect(sinceThen(events).slice(1, 7)).toEqual([
    'node_started ub',
    'node_retrying ub',
    'node_started ub',
    'node_completed ub',
    'node_started ua',
    'node_parked ua',
  ])
})

test('one that fails for good does not keep the others, and the execution says what could not be undone and why it failed', () => {
  const { events, state } = run(planOf(chain, undo), { outcome: breaking('c', 'ub') })
  expect(sinceThen(events)).toContain('node_completed ua')
  expect(state.failedNode).toBeUndefined()
  expect(state.error).toEqual({
    code: 'COMPENSATION_FAILED',
    message: '1 of 2 nodes could not be undone: b (ub: BROKEN: it broke); before that: c: BROKEN: it broke',
    details: {
      nodes: [{ node: 'b', compensate: 'ub', code: 'BROKEN' }],
      cause: { node: 'c', code: 'BROKEN', message: 'it broke' },
    },
  })
})

describe('a cancellation', () => {
  test('undoes what has completed, and then the execution is cancelled', () => {
    const one = held(planOf(chain, undo))
    one.settle('a')
    one.ask('cancel')
    expect(one.decide()).toBe(false)
    expect(one.node('b')).toMatchObject({ status: 'failed', error: { code: 'EXECUTION_CANCELLED' } })
    expect(one.atWork()).toEqual(['ua'])
    expect(one.settle('ua')).toBe(true)
    expect(one.state()).toMatchObject({ status: 'cancelled', error: { message: 'by test' } })
  })

  test('fails if something could not be undone', () => {
    const one = held(planOf(chain, undo))
    one.settle('a')
    one.ask('cancel')
    one.decide()
    one.settle('ua', failed())
    expect(one.state().status).toBe('failed')
    expect(one.state().error).toMatchObject({
      code: 'COMPENSATION_FAILED',
      message: expect.stringMatching(/; before that: EXECUTION_CANCELLED: by test$/),
      details: { cause: { node: null, code: 'EXECUTION_CANCELLED', message: 'by test' } },
    })
  })

  test('asked for again, or while the execution undoes what it had done, changes nothing', () => {
    const cancelled = held(planOf(chain, undo))
    cancelled.settle('a')
    cancelled.ask('cancel')
    cancelled.decide()
    expect(cancelled.ask('cancel').kind).toBe('unchanged')
    expect(cancelled.ask('pause')).toMatchObject({ kind: 'refused', code: 'EXECUTION_CANCELLING' })
    const failing = held(planOf(chain, undo))
    failing.settle('a')
    failing.settle('b', failed())
    expect(failing.ask('cancel')).toMatchObject({ kind: 'refused', code: 'EXECUTION_COMPENSATING' })
    expect(failing.atWork()).toEqual(['ua'])
  })
})

test('what an execution that is over did not try to undo is found', () => {
  const plan = planOf(['a', 'ua'], { a: { compensate: 'ua' } })
  const { state } = run(plan, { outcome: breaking() })
  expect(leftStanding(plan, state)).toEqual([])
  expect(leftStanding(plan, { ...state, status: 'failed' })).toEqual(['a'])
})

test('a pause holds it between two of them, and a resume lets it go on', () => {
  const one = held(planOf(chain, undo))
  for (const key of ['a', 'b']) one.settle(key)
  one.settle('c', failed())
  one.ask('pause')
  expect(one.atWork()).toEqual(['ub'])
  expect(one.settle('ub')).toBe(true)
  expect(one.state().status).toBe('paused')
  one.ask('resume')
  one.decide()
  expect(one.atWork()).toEqual(['ua'])
})

test('the timeout of the execution lets it undo what it had done, and does not count from then on', () => {
  const plan = planOf(chain, undo, { timeout_ms: 1_000 })
  const one = held(plan)
  one.settle('a')
  one.decide(new Date(START.getTime() + 1_000))
  expect(one.node('b')?.error?.code).toBe('EXECUTION_TIMEOUT')
  expect(one.atWork()).toEqual(['ua'])
  expect(deadlineOf(plan, one.state())).toBeUndefined()
  one.decide(new Date(START.getTime() + 60_000))
  expect(one.atWork()).toEqual(['ua'])
})

test('a worker that stops hands it over, and the next one goes on', () => {
  const one = held(planOf(chain, undo))
  one.settle('a')
  one.ask('cancel')
  expect(one.decide(START, 'begun')).toBe(true)
  expect(brief(one.events).slice(-2)).toEqual(['compensation_started', 'execution_handed_over'])
  one.decide()
  expect(one.atWork()).toEqual(['ua'])
})

test('one that is for a pool runs on its workers, and the next on any', () => {
  const one = held(planOf(chain, { ...undo, ub: { pool: 'gpu' } }))
  for (const key of ['a', 'b']) one.settle(key)
  expect(one.settle('c', failed())).toBe(true)
  expect(brief(one.events).slice(-2)).toEqual(['compensation_started', 'execution_pooled'])
  one.decide()
  expect(one.atWork()).toEqual(['ub'])
  expect(one.settle('ub')).toBe(true)
  one.decide()
  expect(one.atWork()).toEqual(['ua'])
})

test('one that was lost with its worker runs again', () => {
  const one = held(planOf(chain, undo))
  one.settle('a')
  one.settle('b', failed())
  one.change(draft =>
    restartLost(planOf(chain, undo), draft, { reason: { code: 'WORKER_LOST', message: 'gone' }, now }),
  )
  one.decide()
  expect(one.node('ua')).toMatchObject({ status: 'running', attempt: 2, lost: 1 })
})

test('when every worker is lost over it, the rest could not be undone', () => {
  const plan = planOf(chain, undo)
  const one = held(plan)
  for (const key of ['a', 'b']) one.settle(key)
  one.settle('c', failed())
  one.change(draft => abandonCompensation(plan, draft, { error: { code: 'WORKER_LOST', message: 'gone' }, now }))
  expect(one.state()).toMatchObject({ status: 'failed', error: { code: 'COMPENSATION_FAILED' } })
  expect(one.state().error?.message).toMatch(/^2 of 2 nodes could not be undone/)
})

describe('going on after it', () => {
  /** Failed at c, with a undone, b not, and what is beside them kept. */
  function over(): ReturnType<typeof held> {
    const one = held(
      planOf(['a -> b', 'b -> c', 'x -> y', 'ua', 'ux'], { a: { compensate: 'ua' }, x: { compensate: 'ux' } }),
    )
    for (const key of ['a', 'x', 'b', 'y']) one.settle(key)
    one.settle('c', failed())
    one.settle('ux', failed())
    one.settle('ua')
    return one
  }

  test('a retry does anew what was undone and all that rests on it, with other idempotency keys', () => {
    const one = over()
    one.ask('retry')
    expect(one.events.at(-1)).toMatchObject({ payload: { nodes: ['ux'], anew: ['a', 'b', 'c', 'ua'] } })
    one.decide()
    expect(one.atWork()).toEqual(['a'])
    expect(one.node('a')).toMatchObject({ attempt: 1, generation: 1 })
    expect(one.node('c')).toMatchObject({ status: 'pending', generation: 1 })
    expect(one.node('ua')).toMatchObject({ status: 'pending', generation: 1, attempt: 0 })
  })

  test('what could not be undone is kept, and is undone with the same idempotency key if it fails again', () => {
    const one = over()
    one.ask('retry')
    expect(one.node('x')).toMatchObject({ status: 'completed', generation: 0 })
    one.decide()
    one.settle('a', failed())
    expect(one.atWork()).toEqual(['ux'])
    expect(one.node('ux')).toMatchObject({ generation: 0, attempt: 2 })
  })

  test('a rerun does so too, and gives its node what it got before only if that still stands', () => {
    const one = over()
    one.ask({ verb: 'rerun', by: 'test', node: 'b' })
    expect(one.events.at(-1)).toMatchObject({ payload: { nodes: [], retried: ['ux'], anew: ['a', 'b', 'c', 'ua'] } })
    expect(one.node('b')?.input).toBeUndefined()
    const other = over()
    other.ask({ verb: 'rerun', by: 'test', node: 'b', input: 'mine' })
    expect(other.node('b')?.input).toBe('mine')
    const beside = over()
    beside.ask({ verb: 'rerun', by: 'test', node: 'x' })
    expect(beside.events.at(-1)).toMatchObject({ payload: { nodes: ['x', 'y', 'ux'], retried: [] } })
  })

  test('a node that undoes another cannot be rerun itself', () => {
    const verdict = over().ask({ verb: 'rerun', by: 'test', node: 'ua' })
    expect(verdict).toMatchObject({ kind: 'refused', code: 'NODE_COMPENSATES' })
  })
})

test('law: whatever fails, exactly what completed and can be undone is undone, the last first, and nothing else runs then', () => {
  const size = 7
  const keys = Array.from({ length: size }, (_, i) => `n${i}`)
  const strategies: WorkflowSettings[] = [{}, { error_strategy: 'continue' }, { error_strategy: { require_n: 1 } }]
  const scenario = fc.record({
    pairs: fc.array(fc.tuple(fc.nat({ max: size - 1 }), fc.nat({ max: size - 1 })), { maxLength: 12 }),
    broken: fc.subarray(keys),
    undone: fc.subarray(keys),
    stuck: fc.subarray(keys),
    settings: fc.constantFrom(...strategies),
    picks: fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 10, maxLength: 10 }),
  })
  fc.assert(
    fc.property(scenario, ({ pairs, broken, undone, stuck, settings, picks }) => {
      const edges = new Set(pairs.filter(([a, b]) => a < b).map(([a, b]) => `n${a} -> n${b}`))
      const policies: Record<string, NodePolicy> = Object.fromEntries(
        undone.map(key => [key, { compensate: `u_${key}` }]),
      )
      const lines = [...keys, ...edges, ...undone.map(key => `u_${key}`)]
      const plan = compilePlan({ ...workflowOf(lines, policies), settings })
      const unfit = new Set([...broken, ...stuck.map(key => `u_${key}`)])
      let step = 0
      const { events, state } = run(plan, {
        outcome: key => (unfit.has(key) ? failed() : completed(key)),
        pick: () => picks[step++ % picks.length] ?? 0,
      })
      expect(isOver(state)).toBe(true)
      const done = brief(events)
        .filter(line => /^node_completed n/.test(line))
        .map(line => line.slice('node_completed '.length))
      const expected = state.status === 'completed' ? [] : done.filter(key => undone.includes(key)).reverse()
      const started = brief(events)
        .filter(line => /^node_started u_/.test(line))
        .map(line => line.slice('node_started u_'.length))
      expect(started).toEqual(expected)
      if (expected.length > 0) expect(sinceThen(events).filter(line => /^node_\w+ n/.test(line))).toEqual([])
      expect(leftStanding(plan, state)).toEqual([])
      const stands = expected.some(key => stuck.includes(key))
      expect(state.error?.code === 'COMPENSATION_FAILED').toBe(stands)
    }),
    { numRuns: 300 },
  )
})
