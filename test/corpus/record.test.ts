// Records the histories of the corpus that are not there yet, one for each kind of run in scenes.ts. One that is there is
// never recorded again: it stands for the executions that an engine of its time left in somebody's database.
import { existsSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { version } from '../../src/base/version.ts'
import type { Pool } from '../../src/db/pool.ts'
import { sql } from '../../src/db/sql.ts'
import { fold } from '../../src/execution/evolve.ts'
import { initialState } from '../../src/execution/state.ts'
import type { Scene } from '../support/control-scene.ts'
import { createTestDatabase } from '../support/database.ts'
import { type History, historyFile, rowsOf } from '../support/histories.ts'
import { kinds } from './scenes.ts'

const { pool } = await createTestDatabase()

test('every kind of run has a history', async () => {
  for (const [name, { about, play }] of Object.entries(kinds)) {
    const file = historyFile(name)
    if (existsSync(file)) continue
    const one = await play(pool)
    const history = await historyOf(pool, one, about)
    await one.end() // proves that the rows are what the events add up to
    writeFileSync(file, `${JSON.stringify(history, null, 2)}\n`)
    process.stdout.write(`${name}: ${history.events.length} events, ${history.rows.execution.status}\n`)
  }
  expect(Object.keys(kinds).filter(name => !existsSync(historyFile(name)))).toEqual([])
})

async function historyOf(pool: Pool, { engine, id }: Scene, about: string): Promise<History> {
  const [row] = await pool.rows<{ workflowId: string; input: History['execution']['input'] }>(sql('corpus.row')`
    select workflow_id as "workflowId", input_data as input from public.executions where id = ${id}`)
  if (row === undefined) throw new Error(`execution ${id} is gone`)
  const plan = await engine.catalog.plan(row.workflowId)
  const events = await engine.eventLog.read(id)
  const state = fold(plan, initialState(plan, row.input), events)
  return {
    about,
    mbflow: version,
    workflow: plan.workflow,
    execution: { id, input: row.input },
    events: events.map(({ body, createdAt }) => ({ created_at: createdAt.toISOString(), body })),
    rows: rowsOf(plan, id, state),
  }
}
