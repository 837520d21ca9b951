import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decideNext } from '../../../src/execution/decide.ts'
import { draftOf } from '../../../src/execution/draft.ts'
import { fold } from '../../../src/execution/evolve.ts'
import { initialState, isNodeOver, type NodeState } from '../../../src/execution/state.ts'
import type { NodePolicy } from '../../../src/workflow/workflow.ts'
import { planOf } from '../../support/plans.ts'
import { completed, failed, parked, type Run, run, START } from '../../support/pure-run.ts'

const UNKNOWN = { status: 'pending' } as NodeState
const POLICIES: NodePolicy[] = [
  {},
  { retry: { max_attempts: 3, delay_ms: 10 } },
  { on_error: 'continue' },
  { join: 'all' },
]
const CONDITIONS = ['', ' when x', ' branch yes', ' on error', ' on any']

/** A random DAG, random policies and conditions, random outcomes in random order. */
const scenario = fc.record({
  size: fc.integer({ min: 1, max: 9 }),
  edges: fc.array(fc.record({ from: fc.nat(8), to: fc.nat(8), condition: fc.constantFrom(...CONDITIONS) }), {
    maxLength: 16,
  }),
  policies: fc.array(fc.constantFrom(...POLICIES), { minLength: 9, maxLength: 9 }),
  chances: fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 20, maxLength: 60 }),
})

function play({ size, edges, policies, chances }: typeof scenario extends fc.Arbitrary<infer S> ? S : never) {
  const lines = new Map<string, string>()
  for (const { from, to, condition } of edges) if (from < to && to < size) lines.set(`n${from} -> n${to}`, condition)
  const plan = planOf(
    [...Array.from({ length: size }, (_, i) => `n${i}`), ...[...lines].map(([edge, condition]) => edge + condition)],
    Object.fromEntries(policies.map((policy, i) => [`n${i}`, policy])),
  )
  let used = 0
  const chance = (): number => chances[used++ % chances.length] ?? 0
  const result: Run = run(plan, {
    pick: chance,
    outcome(key) {
      const end = chance() < 0.7 ? completed(key, chance() < 0.5 ? ['yes'] : ['no']) : failed(chance() < 0.5)
      return chance() < 0.8 ? end : parked(chance() * 20, end)
    },
    edges: key =>
      Object.fromEntries(
        (plan.nodes[plan.index.get(key) ?? -1]?.outgoing ?? []).map(edge => [
          plan.nodes[edge.target]?.key ?? '',
          chance() < 0.5,
        ]),
      ),
  })
  return { plan, ...result }
}

test('every execution ends, with every node ended and one terminal event as the last', () => {
  fc.assert(
    fc.property(scenario, scene => {
      const { events, state } = play(scene)
      const terminal = events.filter(event => event.type === 'workflow_completed' || event.type === 'workflow_failed')
      expect(terminal).toHaveLength(1)
      expect(events.at(-1)).toBe(terminal[0])
      expect(state.nodes.every(isNodeOver)).toBe(true)
    }),
    { numRuns: 500 },
  )
})

test('no node starts before every node of the waves before it has ended, nor after it has ended', () => {
  fc.assert(
    fc.property(scenario, scene => {
      const { plan, events } = play(scene)
      let state = initialState(plan, {})
      for (const body of events) {
        if (body.type === 'node_started') {
          const started = plan.nodes[plan.index.get(body.payload.node) ?? -1]
          const over = (index: number): boolean => isNodeOver(state.nodes[index] ?? UNKNOWN)
          expect(over(started?.index ?? -1)).toBe(false)
          const earlier = plan.nodes.filter(other => other.wave < (started?.wave ?? 0))
          expect(earlier.every(other => over(other.index))).toBe(true)
        }
        state = fold(plan, state, [{ body, createdAt: START }])
      }
    }),
    { numRuns: 300 },
  )
})

test('folding the events again gives the state they were decided from, and deciding on it gives nothing new', () => {
  fc.assert(
    fc.property(scenario, scene => {
      const { plan, events, state } = play(scene)
      const replayed = fold(
        plan,
        initialState(plan, {}),
        events.map(body => ({ body, createdAt: START })),
      )
      const timeless = (value: unknown): unknown =>
        JSON.parse(JSON.stringify(value, (key, v) => (key.endsWith('At') ? undefined : v)))
      expect(timeless(replayed)).toEqual(timeless(state))
      const draft = draftOf(replayed)
      decideNext(plan, draft, { at: START, random: 0 })
      expect(draft.events).toEqual([])
    }),
    { numRuns: 300 },
  )
})

test('deciding twice on any state in between gives nothing the second time', () => {
  fc.assert(
    fc.property(scenario, scene => {
      const { plan, states } = play(scene)
      for (const state of states) {
        const draft = draftOf(state)
        decideNext(plan, draft, { at: START, random: 0 })
        expect(draft.events).toEqual([])
      }
    }),
    { numRuns: 200 },
  )
})
