import { expect, test } from 'vitest'
import type { Json } from '../../../src/base/json.ts'
import type { EventBody } from '../../../src/event/event.ts'
import { type Command, commandProblem, decideCommand } from '../../../src/execution/command.ts'
import { decideNext, failExecution, restartLost, settleAttempt } from '../../../src/execution/decide.ts'
import { draftOf } from '../../../src/execution/draft.ts'
import { decideFate } from '../../../src/execution/fate.ts'
import { idempotencyKey } from '../../../src/execution/projection.ts'
import { type ExecutionState, initialState } from '../../../src/execution/state.ts'
import type { Verdict } from '../../../src/execution/verdict.ts'
import type { Plan } from '../../../src/workflow/waves.ts'
import { planOf } from '../../support/plans.ts'
import { brief, completed, failed, run, START } from '../../support/pure-run.ts'

const BY = { by: 'test' }
const now = { at: START, random: 0.5 }
const after = (ms: number): Date => new Date(START.getTime() + ms)

interface Answer {
  readonly verdict: Verdict
  readonly events: readonly EventBody[]
  readonly state: ExecutionState
}

type Asking = (Command extends infer C ? (C extends Command ? Omit<C, 'by'> : never) : never) & { readonly at?: Date }

function ask(plan: Plan, state: ExecutionState, asking: Asking['verb'] | Asking): Answer {
  const { at = START, ...asked } = typeof asking === 'string' ? { verb: asking } : asking
  const command = { ...BY, ...asked } as Command
  const draft = draftOf(state)
  const verdict = decideCommand(plan, draft, { command, at })
  return { verdict, events: draft.events, state: draft.state }
}

/** What a worker makes of it next. */
function drive(plan: Plan, state: ExecutionState, at = START): Omit<Answer, 'verdict'> & { leaves: boolean } {
  const draft = draftOf(state)
  const leaves = decideFate(plan, draft, { now: { ...now, at }, drain: 'none' })
  return { events: draft.events, state: draft.state, leaves }
}

function begun(plan: Plan): ExecutionState {
  const draft = draftOf(initialState(plan, {}))
  decideNext(plan, draft, now)
  return draft.state
}

const plan = planOf(['a -> b', 'b -> c'])
const pending = initialState(plan, {})
const running = begun(plan)
const paused = drive(planOf(['a']), { ...running, nodes: pending.nodes, request: { ...BY, kind: 'pause' } }).state
const finished = run(plan, { outcome: key => completed(key) }).state
const broken = run(plan, { outcome: key => (key === 'b' ? failed() : completed(key)) }).state
const cancelled = ask(plan, pending, 'cancel').state
const parked: ExecutionState = { ...running, parkedReason: 'retry', wakeAt: after(60_000) }

test.each([
  ['cancel', 'pending', pending, 'cancelled', ['workflow_cancel_requested', 'node_skipped a', 'node_skipped b', 'node_skipped c', 'workflow_cancelled']],
  ['cancel', 'running', running, 'cancelling', ['workflow_cancel_requested']],
  ['cancel', 'parked', parked, 'cancelling', ['workflow_cancel_requested', 'execution_woken']],
  ['cancel', 'paused', paused, 'cancelling', ['workflow_cancel_requested', 'execution_woken']],
  ['pause', 'pending', pending, 'paused', ['workflow_pause_requested', 'workflow_paused']],
  ['pause', 'running', running, 'pausing', ['workflow_pause_requested']],
  ['pause', 'parked', parked, 'paused', ['workflow_pause_requested', 'workflow_paused']],
  ['resume', 'paused', paused, 'running', ['workflow_resumed']],
  ['retry', 'failed', broken, 'running', ['workflow_retried']],
  ['retry', 'cancelled', cancelled, 'pending', ['workflow_retried']],
] as const)('%s of a %s execution', (...row) => {
  const [verb, , state, is, events] = row
  const answer = ask(plan, state, verb)
  expect(answer.verdict).toEqual({ kind: 'done', is })
  expect(brief(answer.events)).toEqual(events)
}) // biome-ignore format: a row each

test.each([
  ['cancel', 'completed', finished, 'EXECUTION_OVER'],
  ['cancel', 'failed', broken, 'EXECUTION_OVER'],
  ['pause', 'completed', finished, 'EXECUTION_OVER'],
  ['pause', 'cancelling', ask(plan, running, 'cancel').state, 'EXECUTION_CANCELLING'],
  ['resume', 'cancelling', ask(plan, running, 'cancel').state, 'EXECUTION_CANCELLING'],
  ['resume', 'failed', broken, 'EXECUTION_OVER'],
  ['retry', 'running', running, 'EXECUTION_OPEN'],
  ['retry', 'completed', finished, 'EXECUTION_OVER'],
  ['redrive', 'running', running, 'EXECUTION_OPEN'],
  ['redrive', 'failed', broken, 'EXECUTION_NOT_DEAD'],
] as const)('%s of a %s execution is refused', (...row) => {
  const [verb, , state, code] = row
  const { verdict, events } = ask(plan, state, verb)
  expect(verdict).toMatchObject({ kind: 'refused', code, why: expect.any(String), hint: expect.stringMatching(/\.$/) })
  expect(events).toEqual([])
})

test.each(['cancel', 'pause'] as const)('a second %s changes nothing and says who was first', verb => {
  const { verdict, events } = ask(plan, ask(plan, running, verb).state, verb)
  expect(verdict).toMatchObject({ kind: 'unchanged', why: expect.stringContaining('by test') })
  expect(events).toEqual([])
})

test('a cancelled execution fails what runs, skips what has not begun, and names who asked and why', () => {
  const asked = ask(plan, running, { verb: 'cancel', reason: 'a mistake' } as Asking).state
  const { events, state, leaves } = drive(plan, asked)
  expect(brief(events)).toEqual(['node_failed a', 'node_skipped b', 'node_skipped c', 'workflow_cancelled'])
  expect(events.at(-1)?.payload).toEqual({ by: 'test', reason: 'a mistake' })
  expect(state.nodes[0]?.error?.code).toBe('EXECUTION_CANCELLED')
  expect(state.nodes[1]?.skipReason).toMatch(/^EXECUTION_CANCELLED: /)
  expect(leaves).toBe(true)
})

test('a cancellation comes before a timeout', () => {
  const timed = planOf(['a'])
  const impatient = { ...timed, workflow: { ...timed.workflow, settings: { timeout_ms: 10 } } }
  const { state } = drive(impatient, ask(impatient, begun(impatient), 'cancel').state, after(1_000))
  expect(state.status).toBe('cancelled')
})

test('a pause lets what runs end, starts nothing, and then holds no worker', () => {
  const asked = ask(plan, running, 'pause').state
  expect(drive(plan, asked)).toMatchObject({ events: [], leaves: false })
  const draft = draftOf(asked)
  decideNext(plan, draft, now)
  expect(draft.events).toEqual([])
  const ended = run(planOf(['a']), { outcome: () => completed() }).state.nodes.slice(0, 1)
  const { events, state, leaves } = drive(plan, { ...asked, nodes: [...ended, ...asked.nodes.slice(1)] })
  expect(brief(events)).toEqual(['wave_completed 0', 'wave_started 1', 'workflow_paused'])
  expect(state).toMatchObject({ status: 'paused', parkedReason: 'paused' })
  expect(leaves).toBe(true)
})

test('an execution that has nothing left to start completes rather than pauses', () => {
  const one = planOf(['a'])
  const asked = ask(one, begun(one), 'pause').state
  const nodes = run(one, { outcome: () => completed() }).state.nodes
  expect(drive(one, { ...asked, nodes }).state.status).toBe('completed')
})

test('a pause that is withdrawn before it came into force changes no turn', () => {
  const { state, events } = ask(plan, ask(plan, running, 'pause').state, 'resume')
  expect(brief(events)).toEqual(['workflow_resumed'])
  expect({ ...state, sequence: running.sequence }).toEqual(running)
})

test('while an execution is paused its timeout stands still', () => {
  const at = after(1_000)
  const stopped = ask(plan, parked, { verb: 'pause', at }).state
  const { state } = ask(plan, stopped, { verb: 'resume', at: after(61_000) })
  expect(state.timeoutFrom).toEqual(after(60_000))
  expect(state).toMatchObject({ turn: 1, startedAt: START, parkedReason: undefined })
})

test('a retry begins the timeout anew', () => {
  expect(ask(plan, broken, { verb: 'retry', at: after(5_000) }).state.timeoutFrom).toEqual(after(5_000))
})

test('a retry keeps what completed and what its edges had skipped', () => {
  const branching = planOf(['a -> b branch no', 'a -> c branch yes', 'c -> d', 'b -> d'])
  const before = run(branching, { outcome: key => (key === 'c' ? failed() : completed(key, ['yes'])) }).state
  const { events, state } = ask(branching, before, 'retry')
  expect(events[0]?.payload).toEqual({ ...BY, nodes: ['c', 'd'] })
  const statusOf = (key: string) => state.nodes[branching.index.get(key) ?? -1]?.status
  expect(['a', 'b', 'c', 'd'].map(statusOf)).toEqual(['completed', 'skipped', 'pending', 'pending'])
})

test('a retry keeps a failure that an error edge took over', () => {
  const rescued = planOf(['a -> rescue on error', 'rescue -> z'])
  const before = run(rescued, { outcome: key => (key === 'rescue' ? completed() : failed()) }).state
  expect(ask(rescued, before, 'retry').events[0]?.payload).toMatchObject({ nodes: ['z'] })
})

test('a retried node has its policy to itself again, counts its attempts on, and keeps its idempotency key', () => {
  const one = planOf(['a'], { a: { retry: { max_attempts: 2, delay_ms: 0 } } })
  const before = run(one, { outcome: () => failed(true) }).state
  const { state } = ask(one, before, 'retry')
  expect(state.nodes[0]).toMatchObject({ status: 'pending', attempt: 2, lost: 2, generation: 0 })
  expect(brief(drive(one, state).events)).toEqual(['node_started a'])
})

test('a rerun begins its node and all that depends on it anew, in a new generation', () => {
  const diamond = planOf(['a -> b', 'a -> c', 'b -> d', 'c -> d'])
  const before = run(diamond, { outcome: key => completed(key) }).state
  const { events, state } = ask(diamond, before, { verb: 'rerun', node: 'b' })
  expect(events[0]?.payload).toEqual({ ...BY, node: 'b', nodes: ['b', 'd'], retried: [] })
  expect(state.nodes.map(node => node.generation)).toEqual([0, 1, 0, 1])
  expect(state.wave).toBe(1)
  const [, node = { id: '' }] = diamond.nodes
  expect(idempotencyKey('01900000-0000-7000-8000-000000000000', node, 1)).not.toBe(
    idempotencyKey('01900000-0000-7000-8000-000000000000', node, 0),
  )
})

test.each<[string, Json | undefined, Json]>([
  ['gets the input it is given', { other: 1 }, { other: 1 }],
  ['can be given null', null, null],
  ['gets what it got before, without one', undefined, 'a'],
])('the node of a rerun %s', (_, input, expected) => {
  const command = { verb: 'rerun', node: 'b', ...(input === undefined ? {} : { input }) } as const
  const { state } = drive(plan, ask(plan, finished, command).state)
  expect(state.nodes[1]).toMatchObject({ status: 'running', input: expected, attempt: 1 })
})

test('a rerun of a failed execution tries what had failed beside it too', () => {
  const wide = planOf(['a -> c', 'b -> d'])
  const before = run(wide, { outcome: key => (key === 'b' ? failed() : completed(key)) }).state
  expect(ask(wide, before, { verb: 'rerun', node: 'a' }).events[0]?.payload).toMatchObject({
    nodes: ['a', 'c'],
    retried: ['b', 'd'],
  })
})

test.each([
  ['is none', 'nonsense', 'NODE_NOT_FOUND'],
  ['did not run', 'c', 'NODE_NOT_RUN'],
] as const)('a rerun from a node that %s is refused', (_, node, code) => {
  expect(ask(plan, broken, { verb: 'rerun', node }).verdict).toMatchObject({ kind: 'refused', code })
})

test('an execution that lost every worker is redriven', () => {
  const draft = draftOf(running)
  failExecution(plan, draft, { error: { code: 'WORKER_LOST', message: 'all gone' }, now })
  const { verdict, events, state } = ask(plan, draft.state, 'redrive')
  expect(verdict).toEqual({ kind: 'done', is: 'running' })
  expect(brief(events)).toEqual(['workflow_redriven'])
  expect(brief(drive(plan, state).events)).toEqual(['node_started a'])
})

test.each<[string, Partial<Command>, RegExp]>([
  ['a reason that cannot be stored', { reason: 'a \0' }, /cannot be stored/],
  ['a reason without end', { reason: 'x'.repeat(1_001) }, /longer than 1000/],
  ['an input that cannot be stored', { verb: 'rerun', node: 'a', input: '\0' }, /input cannot be stored/],
  ['an input that is too large', { verb: 'rerun', node: 'a', input: 'x'.repeat(2 ** 20) }, /more than 1048576 bytes/],
])('%s is a problem of the command', (_, command, problem) => {
  expect(commandProblem({ verb: 'cancel', ...BY, ...command } as Command)).toMatch(problem)
})

const ANSWER = { verb: 'callback', node: 'a', generation: 0, output: { ok: true } } as const

/** `a` waits to be called back, and the execution is parked. */
function calling(plan: Plan): ExecutionState {
  const draft = draftOf(begun(plan))
  const outcome = { kind: 'parked', until: 60_000, callback: true } as const
  settleAttempt(plan, draft, { key: 'a', outcome, now })
  decideFate(plan, draft, { now, drain: 'none' })
  expect(draft.state).toMatchObject({ parkedReason: 'callback', wakeAt: after(60_000) })
  return draft.state
}

test('a callback gives a node its output and wakes the execution', () => {
  const plan = planOf(['a'])
  const { verdict, events, state } = ask(plan, calling(plan), ANSWER)
  expect(verdict).toEqual({ kind: 'done', is: 'running' })
  expect(events).toEqual([
    { type: 'node_called_back', payload: { ...BY, node: 'a', output: { ok: true } } },
    { type: 'execution_woken', payload: {} },
  ])
  expect(state).toMatchObject({ turn: 1, wakeAt: undefined, parkedReason: undefined })
})

test('the same callback again changes nothing, another one is refused; also when the node has ended', () => {
  const plan = planOf(['a'])
  const called = ask(plan, calling(plan), ANSWER).state
  const over = run(plan, { outcome: () => completed({ ok: true }) }).state
  const ended = { ...over, nodes: over.nodes.map(node => ({ ...node, calledBack: { output: { ok: true } } })) }
  for (const state of [called, ended]) {
    expect(ask(plan, state, ANSWER)).toMatchObject({ verdict: { kind: 'unchanged' }, events: [] })
    const other = ask(plan, state, { ...ANSWER, output: { ok: false } })
    expect(other).toMatchObject({ verdict: { kind: 'refused', code: 'CALLBACK_USED' }, events: [] })
  }
})

test('a callback counts while the attempt that asked for it still runs, whatever that comes to', () => {
  const plan = planOf(['a'])
  const { state, events } = ask(plan, begun(plan), ANSWER)
  expect(brief(events)).toEqual(['node_called_back a'])
  const draft = draftOf(state)
  restartLost(plan, draft, { reason: { code: 'WORKER_LOST', message: 'gone' }, now })
  expect(draft.events).toEqual([])
})

test('a callback counts while the next attempt is waited for, and takes its place', () => {
  const plan = planOf(['a'], { a: { retry: { delay_ms: 600_000, max_delay_ms: 600_000 } } })
  const draft = draftOf(begun(plan))
  settleAttempt(plan, draft, { key: 'a', outcome: failed(true), now })
  decideFate(plan, draft, { now, drain: 'none' })
  const { events, state } = ask(plan, draft.state, ANSWER)
  expect(brief(events)).toEqual(['node_called_back a', 'execution_woken'])
  expect(state.nodes[0]).toMatchObject({ status: 'running', retryAt: undefined, error: undefined })
  expect(drive(plan, state, after(700_000)).events).toEqual([])
})

test('a callback to a paused execution is kept until it goes on', () => {
  const plan = planOf(['a'])
  const paused = ask(plan, calling(plan), 'pause').state
  const { verdict, events } = ask(plan, paused, ANSWER)
  expect(verdict).toEqual({ kind: 'done', is: 'paused' })
  expect(brief(events)).toEqual(['node_called_back a'])
})

test('a callback that comes too late is refused', () => {
  const plan = planOf(['a'])
  const gone = { verdict: { kind: 'refused', code: 'CALLBACK_GONE' }, events: [] }
  const waiting = calling(plan)
  expect(ask(plan, waiting, { ...ANSWER, at: after(59_999) }).verdict.kind).toBe('done')
  expect(ask(plan, waiting, { ...ANSWER, at: after(60_000) })).toMatchObject(gone) // also when nobody has seen to it
  expect(ask(plan, ask(plan, waiting, 'cancel').state, ANSWER)).toMatchObject(gone)
  const over = run(plan, { outcome: () => failed() }).state
  expect(ask(plan, over, ANSWER)).toMatchObject(gone)
  const rerun = ask(plan, over, { verb: 'rerun', node: 'a' }).state
  expect(ask(plan, rerun, ANSWER)).toMatchObject(gone)
})

test('a retry under the strategy continue also runs what was skipped behind the failure, and keeps what ran without it', () => {
  const lines = ['a -> c', 'c -> d', 'a -> m', 'b -> m']
  const going = planOf(lines, {}, { error_strategy: 'continue' })
  const { state } = run(going, { outcome: key => (key === 'a' ? failed() : completed(key)) })
  const retried = ask(going, state, 'retry')
  expect(retried.events).toMatchObject([{ payload: { nodes: ['a', 'c', 'd'] } }])
  expect(drive(going, retried.state).events).toMatchObject([
    { type: 'node_started', payload: { node: 'a', attempt: 2 } },
  ])
})
