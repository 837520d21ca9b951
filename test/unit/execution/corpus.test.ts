// Histories that were recorded once are folded by the engine of today: what they come to may never change. A test that
// fails here says that executions of a running installation would be read otherwise after an update.
import { expect, test } from 'vitest'
import type { EventType } from '../../../src/event/event.ts'
import { fold } from '../../../src/execution/evolve.ts'
import { type ExecutionState, initialState } from '../../../src/execution/state.ts'
import { compilePlan, type Plan } from '../../../src/workflow/waves.ts'
import { type History, type Row, readHistories, rowsOf } from '../../support/histories.ts'

const histories = readHistories()

function replay(
  { workflow, execution, events }: History,
  count = events.length,
): { plan: Plan; state: ExecutionState } {
  const plan = compilePlan(workflow)
  const first = events.slice(0, count).map(({ body, created_at }) => ({ body, createdAt: new Date(created_at) }))
  return { plan, state: fold(plan, initialState(plan, execution.input), first) }
}

/** A row as far as it was recorded: columns may be added. */
function narrow(row: Row | undefined, recorded: Row): Row {
  return Object.fromEntries(Object.keys(recorded).map(column => [column, row?.[column] ?? null]))
}

test.each(histories)('$name comes to the rows it came to when it was recorded', ({ history }) => {
  const { plan, state } = replay(history)
  const { execution, nodes } = rowsOf(plan, history.execution.id, state)
  expect(narrow(execution, history.rows.execution)).toEqual(history.rows.execution)
  expect(Object.keys(nodes)).toEqual(Object.keys(history.rows.nodes))
  for (const [key, row] of Object.entries(history.rows.nodes))
    expect([key, narrow(nodes[key], row)]).toEqual([key, row])
})

test.each(histories)('$name can be shown after each of its events', ({ history }) => {
  for (let count = 0; count <= history.events.length; count++) {
    const { plan, state } = replay(history, count)
    expect(rowsOf(plan, history.execution.id, state).execution.status).toBeTypeOf('string')
  }
})

/** Every type there is; the compiler asks for those that are added. `npm run corpus` records what is missing. */
const recorded: Readonly<Record<EventType, true>> = {
  workflow_started: true,
  workflow_completed: true,
  workflow_failed: true,
  compensation_started: true,
  workflow_cancel_requested: true,
  workflow_cancelled: true,
  workflow_pause_requested: true,
  workflow_paused: true,
  workflow_resumed: true,
  workflow_retried: true,
  workflow_redriven: true,
  workflow_rerun: true,
  wave_started: true,
  wave_completed: true,
  node_started: true,
  node_completed: true,
  node_failed: true,
  node_skipped: true,
  node_retrying: true,
  node_parked: true,
  node_called_back: true,
  node_split: true,
  node_items_ended: true,
  execution_parked: true,
  execution_passed: true,
  execution_pooled: true,
  execution_throttled: true,
  execution_limited: true,
  execution_admitted: true,
  execution_woken: true,
  execution_handed_over: true,
  execution_rescued: true,
  execution_taken_over: true,
}

test('every type of event occurs in a history', () => {
  const occurring = new Set(histories.flatMap(({ history }) => history.events.map(({ body }) => body.type)))
  expect([...occurring].sort()).toEqual(Object.keys(recorded).sort())
})
