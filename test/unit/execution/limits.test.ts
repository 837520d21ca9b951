import { expect, test } from 'vitest'
import { evolve, fold } from '../../../src/execution/evolve.ts'
import { judgeArrivals } from '../../../src/execution/gates.ts'
import { limitKeyOf, placesAt, roomUnder, type Standing, tooMany } from '../../../src/execution/limits.ts'
import { initialState } from '../../../src/execution/state.ts'
import type { ConcurrencyLimit } from '../../../src/workflow/workflow.ts'
import { planOf } from '../../support/plans.ts'

const under = (holding: number, waiting: number, concurrency?: ConcurrencyLimit): Standing => ({
  key: 'w',
  holding,
  waiting,
  settings: concurrency ? { concurrency } : {},
})

const places = (...standing: Parameters<typeof under>) => placesAt(under(...standing))

test('a key is told by the name and the value as JSON, so that no two share one by accident', () => {
  const keys = ['7', 7, true, 'true', '"7"', ''].map(value => limitKeyOf('w', value))
  expect(keys).toEqual(['w/"7"', 'w/7', 'w/true', 'w/"true"', 'w/"\\"7\\""', 'w/""'].map(key => ({ key })))
})

test('what is no text, number or boolean is no key', () => {
  for (const value of [undefined, null, [], {}]) expect(limitKeyOf('w', value)).toHaveProperty('problem')
})

test('as many get a place as there is room, the others wait', () => {
  expect(judgeArrivals(places(2, 0, { max: 4 }), 3)).toEqual(['admitted', 'admitted', 'waits'])
})

test('nobody passes those who wait', () => {
  expect(judgeArrivals(places(0, 1, { max: 4 }), 2)).toEqual(['waits', 'waits'])
  expect(judgeArrivals(places(0, 1, { max: 4, on_limit: 'skip' }), 1)).toEqual(['waits'])
})

test('with skip those are skipped who find no room', () => {
  expect(judgeArrivals(places(1, 0, { max: 2, on_limit: 'skip' }), 2)).toEqual(['admitted', 'skipped'])
})

test('a version without a limit has room for everybody', () => {
  expect(roomUnder(under(10_000, 5))).toBe(Number.POSITIVE_INFINITY)
})

test('only cancel_oldest finds that there are too many', () => {
  expect(tooMany(under(3, 2, { max: 3, on_limit: 'cancel_oldest' }))).toBe(2)
  expect(tooMany(under(1, 1, { max: 3, on_limit: 'cancel_oldest' }))).toBe(0)
  expect(tooMany(under(3, 2, { max: 3 }))).toBe(0)
})

const plan = planOf(['a'])
const at = (second: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, second))
const key = { key: 'w' }

test('who waits for a place stands still: its timeout runs on from where it was', () => {
  const state = fold(plan, initialState(plan, null), [
    { body: { type: 'execution_admitted', payload: key }, createdAt: at(0) },
    { body: { type: 'workflow_started', payload: {} }, createdAt: at(1) },
    { body: { type: 'workflow_cancel_requested', payload: { by: 'me' } }, createdAt: at(2) },
    { body: { type: 'workflow_cancelled', payload: { by: 'me' } }, createdAt: at(2) },
    { body: { type: 'workflow_retried', payload: { by: 'me', nodes: [] } }, createdAt: at(10) },
    { body: { type: 'execution_limited', payload: key }, createdAt: at(11) },
    { body: { type: 'execution_admitted', payload: key }, createdAt: at(31) },
  ])
  expect(state).toMatchObject({ timeoutFrom: at(30), limitKey: 'w', turn: 2, status: 'running' })
  expect(state.parkedReason).toBeUndefined()
})

test.each(['workflow_paused', 'execution_woken'] as const)(
  'who waits for a place and is %s has left the line',
  type => {
    const waiting = evolve(plan, initialState(plan, null), {
      body: { type: 'execution_limited', payload: key },
      at: at(0),
    })
    expect(waiting).toMatchObject({ status: 'pending', parkedReason: 'limit', limitKey: 'w' })
    expect(evolve(plan, waiting, { body: { type, payload: {} }, at: at(1) }).limitKey).toBeUndefined()
  },
)
