// Whatever is asked of an execution, and whenever: the invariants of decide.ts and command.ts hold.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { EventBody } from '../../../src/event/event.ts'
import { type Command, decideCommand } from '../../../src/execution/command.ts'
import { restartLost, settleAttempt } from '../../../src/execution/decide.ts'
import { type Draft, draftOf, emit } from '../../../src/execution/draft.ts'
import { evolve, fold } from '../../../src/execution/evolve.ts'
import { type DrainStage, decideFate } from '../../../src/execution/fate.ts'
import {
  type ExecutionState,
  initialState,
  isAtWork,
  isNodeOver,
  isOver,
  nodeOf,
  UNTOUCHED,
} from '../../../src/execution/state.ts'
import type { Plan } from '../../../src/workflow/waves.ts'
import type { ErrorStrategy } from '../../../src/workflow/workflow.ts'
import { planOf } from '../../support/plans.ts'
import { completed, failed, parked, START } from '../../support/pure-run.ts'

const SIZE = 6
const LOST = { code: 'WORKER_LOST', message: 'gone' }
const TERMINAL = new Set<string>(['workflow_completed', 'workflow_failed', 'workflow_cancelled'])
const REOPENING = new Set<string>(['workflow_retried', 'workflow_redriven', 'workflow_rerun'])

type Move =
  | { readonly kind: 'ask'; readonly command: Command }
  /** The worker looks; a timer is due; the worker is lost; it drains; it works on until nothing is left to do. */
  | { readonly kind: 'work' | 'wake' | 'crash' | 'drain' | 'finish' }
  | { readonly kind: 'end'; readonly pick: number; readonly outcome: number }

const command = fc.oneof(
  fc.constantFrom('cancel', 'pause', 'resume', 'retry', 'redrive').map((verb): Command => ({ verb, by: 'me' })),
  fc.nat(SIZE - 1).map((n): Command => ({ verb: 'rerun', by: 'me', node: `n${n}`, input: n })),
  fc
    .record({ n: fc.nat(SIZE - 1), generation: fc.nat(1) })
    .map(({ n, generation }): Command => ({ verb: 'callback', by: 'me', node: `n${n}`, generation, output: n })),
)
const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 3, arbitrary: command.map((one): Move => ({ kind: 'ask', command: one })) },
  {
    weight: 4,
    arbitrary: fc.constantFrom('work', 'wake', 'crash', 'drain', 'finish').map((kind): Move => ({ kind })),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('end'), pick: fc.nat(9), outcome: fc.nat(9) }) },
)
const edge = fc.record({
  from: fc.nat(SIZE - 1),
  to: fc.nat(SIZE - 1),
  condition: fc.constantFrom('', ' on error', ' on any', ' branch yes'),
})
const strategy = fc.constantFrom<ErrorStrategy>('fail_fast', 'continue', { require_n: 1 })
const scenario = fc.record({
  edges: fc.array(edge, { maxLength: 9 }),
  strategy,
  moves: fc.array(move, { minLength: 5, maxLength: 60 }),
})

interface Shape {
  readonly edges: readonly { readonly from: number; readonly to: number; readonly condition: string }[]
  readonly strategy: ErrorStrategy
}

function planWith({ edges, strategy }: Shape): Plan {
  const forward = edges.filter(({ from, to }) => from < to)
  const lines = new Map(forward.map(({ from, to, condition }) => [`n${from} -> n${to}`, condition]))
  const retry = { retry: { max_attempts: 2, delay_ms: 60_000, backoff: 'constant' as const } }
  return planOf(
    [
      ...Array.from({ length: SIZE }, (_, i) => `n${i}`),
      ...[...lines].map(([key, condition]) => key + condition),
      'u0',
      'u3',
    ],
    {
      n0: { compensate: 'u0' },
      n1: retry,
      n3: { ...retry, compensate: 'u3' },
      n4: { on_error: 'continue' },
      u3: retry,
    },
    { error_strategy: strategy },
  )
}

/** An execution, its log, and the jobs of its turns. */
interface World {
  readonly plan: Plan
  readonly events: { readonly body: EventBody; readonly createdAt: Date }[]
  state: ExecutionState
  /** The turn whose job there is. */
  job: number | undefined
  isHeld: boolean
  at: Date
}

function createWorld(plan: Plan): World {
  return { plan, events: [], state: initialState(plan, {}), job: 0, isHeld: false, at: START }
}

function append(world: World, change: (draft: Draft) => void): void {
  const draft = draftOf(world.state)
  change(draft)
  let before = world.state
  for (const body of draft.events) {
    checkNode(world.plan, before, body)
    before = evolve(world.plan, before, { body, at: world.at })
    world.events.push({ body, createdAt: world.at })
  }
  if (draft.state.turn > world.state.turn) {
    expect(world.job === undefined || draft.events.some(({ type }) => type === 'execution_handed_over')).toBe(true)
    world.job = draft.state.turn
    world.isHeld = false
  }
  world.state = draft.state
}

function work(world: World, drain: DrainStage): void {
  if (world.job === undefined) return
  world.isHeld = true
  const { turn } = world.state
  let leaves = false
  append(world, draft => {
    leaves = decideFate(world.plan, draft, { now: { at: world.at, random: 0.5 }, drain })
  })
  if (!leaves) return
  world.isHeld = false
  if (world.state.turn === turn) world.job = undefined
}

function ask(world: World, asked: Command): void {
  const { status } = world.state
  const given = { command: asked, at: world.at }
  append(world, draft => void decideCommand(world.plan, draft, given))
  if (status === 'pending' && (isOver(world.state) || world.state.status === 'paused')) world.job = undefined
  const again = draftOf(world.state)
  expect(decideCommand(world.plan, again, given).kind).not.toBe('done')
  expect(again.events).toEqual([])
}

function end(world: World, pick: number, outcome: number): void {
  const open = world.plan.nodes.filter(({ index }) => isAtWork(world.state.nodes[index] ?? UNTOUCHED))
  const key = open[pick % Math.max(1, open.length)]?.key
  if (!world.isHeld || key === undefined) return
  const { calledBack } = world.state.nodes[world.plan.index.get(key) ?? -1] ?? {}
  const results = { 6: failed(true), 7: failed(), 8: parked(30_000), 9: parked(3_000, failed()) }
  const answer = calledBack && completed(calledBack.output, ['yes'])
  const result = answer ?? results[outcome as 6] ?? completed(key, ['yes'])
  const now = { at: world.at, random: 0.5 }
  append(world, draft => settleAttempt(world.plan, draft, { key, outcome: result, now }))
  work(world, 'none')
}

function make(world: World, one: Move): void {
  world.at = new Date(world.at.getTime() + 1_000)
  const { wakeAt, status } = world.state
  const at = world.at
  if (one.kind === 'ask') ask(world, one.command)
  else if (one.kind === 'work') work(world, 'none')
  else if (one.kind === 'drain' && world.isHeld) work(world, 'over')
  else if (one.kind === 'end') end(world, one.pick, one.outcome)
  else if (one.kind === 'wake' && wakeAt !== undefined && wakeAt <= at)
    append(world, draft => emit(world.plan, draft, { body: { type: 'execution_woken', payload: {} }, at }))
  else if (one.kind === 'crash' && world.isHeld)
    append(world, draft => restartLost(world.plan, draft, { reason: LOST, now: { at, random: 0.5 } }))
  else if (one.kind === 'finish' && !isOver(world.state) && status !== 'paused') {
    world.at = new Date(at.getTime() + 60_000) // what waits is due
    make(world, { kind: 'wake' })
    make(world, { kind: 'work' })
    make(world, { kind: 'end', pick: 0, outcome: 0 })
    make(world, one)
  }
}

function check(world: World): void {
  const { plan, state, job, events } = world
  const isOpen = !isOver(state) && state.parkedReason === undefined
  expect(job === state.turn, `${state.status}, job ${job}, turn ${state.turn}`).toBe(isOpen)
  const types = events.map(({ body }) => body.type)
  const ends = types.filter(type => TERMINAL.has(type)).length
  const reopenings = types.filter(type => REOPENING.has(type)).length
  expect(ends - reopenings).toBe(isOver(state) ? 1 : 0)
  expect(types.slice(1).every((type, i) => TERMINAL.has(types[i] ?? '') === REOPENING.has(type))).toBe(true)
  if (isOver(state)) expect(plan.waves.flat().every(index => isNodeOver(state.nodes[index] ?? UNTOUCHED))).toBe(true)
  const sinceReopened = events.slice(types.findLastIndex(type => REOPENING.has(type)) + 1)
  const undoing = sinceReopened.flatMap(({ body }) =>
    body.type === 'compensation_started' ? [body.payload.nodes] : [],
  )
  expect(undoing.length).toBeLessThanOrEqual(1)
  if (isOver(state))
    for (const key of undoing.flat()) expect(isNodeOver(nodeOf(state, plan.index.get(key) ?? -1))).toBe(true)
  // What a node was called back with is looked at once it goes on.
  if (state.status === 'paused')
    expect(state.nodes.some(node => isAtWork(node) && node.calledBack === undefined)).toBe(false)
}

/** What may become of a node, and when. */
function checkNode(plan: Plan, { nodes, request, status, compensation }: ExecutionState, body: EventBody): void {
  if (!body.type.startsWith('node_') || !('node' in body.payload)) return
  const node = plan.nodes[plan.index.get(body.payload.node ?? '') ?? -1]
  const isEnded = (index: number): boolean => isNodeOver(nodes[index] ?? UNTOUCHED)
  expect(isEnded(node?.index ?? -1)).toBe(false)
  expect(node?.undoes !== undefined).toBe(compensation !== undefined)
  if (body.type !== 'node_started') return
  expect(status).toBe('running')
  // What is undone because of a cancellation begins though it was requested, one at a time.
  if (compensation !== undefined) expect(nodes.some(isAtWork)).toBe(false)
  else expect({ request, status }).toEqual({ request: undefined, status: 'running' })
  expect(nodes[node?.index ?? -1]?.status).not.toBe('running')
  for (const { wave, index } of plan.nodes) if (wave < (node?.wave ?? 0)) expect(isEnded(index)).toBe(true)
}

test('any sequence of commands, outcomes, crashes and drains keeps every invariant', () => {
  fc.assert(
    fc.property(scenario, ({ moves, ...shape }) => {
      const world = createWorld(planWith(shape))
      for (const one of moves) {
        make(world, one)
        check(world)
      }
    }),
    { numRuns: 500 },
  )
})

test('after whatever was asked a resume and a worker bring it to its end, and its events fold to where it is', () => {
  fc.assert(
    fc.property(scenario, ({ moves, ...shape }) => {
      const world = createWorld(planWith(shape))
      for (const one of moves) make(world, one)
      make(world, { kind: 'ask', command: { verb: 'resume', by: 'me' } })
      make(world, { kind: 'finish' })
      expect(isOver(world.state)).toBe(true)
      expect(fold(world.plan, initialState(world.plan, {}), world.events)).toEqual(world.state)
    }),
    { numRuns: 300 },
  )
})
