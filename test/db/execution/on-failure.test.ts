// The workflow that handles failures: started once for each, with what it needs to know, and never in a circle.
import { expect, test } from 'vitest'
import type { Json } from '../../../src/base/json.ts'
import { sql } from '../../../src/db/sql.ts'
import { control } from '../../../src/execution/control.ts'
import { findExecution } from '../../../src/execution/find.ts'
import { withHandler } from '../../../src/execution/on-failure.ts'
import { openProjection } from '../../../src/execution/projection.ts'
import { replayExecution } from '../../../src/execution/replay.ts'
import { loadExecutions } from '../../../src/execution/store.ts'
import { buryDead } from '../../../src/execution/wake.ts'
import type { Outcome } from '../../../src/node/node-type.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, documentOf, scripted } from '../../support/engine.ts'

const { pool } = await createTestDatabase()
const broken: Outcome = { kind: 'failed', error: { code: 'BROKEN', message: 'it broke', retryable: false } }
/** Fails in workflows whose names begin with `bad`. */
const nodeTypes = scripted(async ({ scope }) =>
  String(scope.execution.workflow).startsWith('bad') ? broken : { kind: 'completed', output: scope.input },
)

/** A worker, and workflows of one node by name, each with the workflow that handles its failures. */
async function setting(workflows: Readonly<Record<string, string | undefined>>) {
  const engine = await createTestEngine(pool, { nodeTypes })
  const ids = new Map<string, string>()
  for (const [name, on_failure] of Object.entries(workflows)) {
    const settings = on_failure === undefined ? {} : { on_failure }
    ids.set(name, await engine.publish({ name, settings, ...documentOf(['a -> b']) }))
  }
  const runner = engine.runner()
  return {
    engine,
    work: () => runner.start(),
    begin: async (name: string) =>
      (await engine.begin(ids.get(name) ?? '', [{}], { triggerData: { key: 'now' } }))[0] ?? '',
    executionsOf: (name: string) =>
      pool.rows<{ id: string; input: Json; triggerData: Json }>(sql('test.handlers')`
        select e.id, e.input_data as input, e.trigger_data as "triggerData"
        from public.executions e join public.workflows w on w.id = e.workflow_id
        where w.name = ${name} order by e.id`),
    async end() {
      await runner.stop()
      expect(await engine.violations()).toEqual([])
      await engine.stop()
    },
  }
}

test('a failure starts an execution of the workflow that handles it, which is told what happened', async () => {
  const { engine, begin, executionsOf, work, end } = await setting({ told: undefined, 'bad one': 'told' })
  const id = await begin('bad one')
  await work()
  expect((await engine.ended(id)).status).toBe('failed')
  const [handler] = await executionsOf('told')
  expect(handler).toMatchObject({
    triggerData: { type: 'on_failure', chain: ['bad one'] },
    input: {
      execution_id: id,
      workflow: 'bad one',
      version: 1,
      node: 'a',
      error: { code: 'BROKEN', message: 'it broke' },
      trigger: { key: 'now' },
    },
  })
  expect((await engine.ended(handler?.id ?? '')).status).toBe('completed')
  const shown = await findExecution(pool, id)
  expect(shown.failure_handler).toEqual({ workflow: 'told', execution_id: handler?.id })
  const replayed = await replayExecution({ pool, catalog: engine.catalog }, { id, at: shown.last_sequence })
  expect(replayed.shown.failure_handler).toEqual(shown.failure_handler)
  await end()
})

test('a retry that fails again starts another', async () => {
  const { engine, begin, executionsOf, work, end } = await setting({ again: undefined, 'bad again': 'again' })
  const id = await begin('bad again')
  await work()
  await engine.ended(id)
  await control(engine.deps, { verb: 'retry', by: 'test' }, [id])
  await engine.ended(id)
  expect(await executionsOf('again')).toHaveLength(2)
  await end()
})

test('an append that takes no effect starts nothing', async () => {
  const { engine, begin, executionsOf, end } = await setting({ stale: undefined, 'bad stale': 'stale' })
  const [row] = await loadExecutions(pool, [await begin('bad stale')])
  if (row === undefined) throw new Error('it is gone')
  const plan = await engine.catalog.plan(row.workflowId)
  const error = { code: 'BROKEN', message: 'it broke' }
  const append = await withHandler(engine.deps, { row, plan }, {
    executionId: row.id,
    fence: { sequence: 7, turn: 0, claim: 0 },
    events: [{ type: 'workflow_failed', payload: { error } }],
    project: () => ({ execution: openProjection(row, {}), nodes: [] }),
  }) // biome-ignore format: one append
  expect(append.events).toMatchObject([{ payload: { handler: { workflow: 'stale' } } }])
  expect(await engine.eventLog.append(append)).toEqual({ kind: 'behind' })
  expect(await executionsOf('stale')).toEqual([])
  await control(engine.deps, { verb: 'cancel', by: 'test' }, [row.id])
  await end()
})

test('a cancelled execution starts none', async () => {
  const { engine, begin, executionsOf, work, end } = await setting({ quiet: undefined, 'bad quiet': 'quiet' })
  const id = await begin('bad quiet')
  await control(engine.deps, { verb: 'cancel', by: 'test' }, [id])
  await work()
  expect((await engine.ended(id)).failure_handler).toBeNull()
  expect(await executionsOf('quiet')).toEqual([])
  await end()
})

test('an execution that lost every worker starts one', async () => {
  const { engine, begin, executionsOf, end } = await setting({ lost: undefined, 'bad lost': 'lost' })
  const id = await begin('bad lost')
  await pool.run(sql('test.bury')`
    with gone as (delete from pgboss.job where id = ${id} returning data)
    insert into pgboss.job (name, data) select 'exec_dead', data from gone`)
  expect(await buryDead(engine.deps)).toBe(1)
  expect(await executionsOf('lost')).toMatchObject([{ input: { execution_id: id, node: null } }])
  expect(await engine.queue.fetch(1)).toHaveLength(1)
  await end()
})

test('where no version of it is active, the failure says so', async () => {
  const { engine, begin, work, end } = await setting({ 'bad alone': 'nobody' })
  const id = await begin('bad alone')
  await work()
  expect((await engine.ended(id)).failure_handler).toEqual({
    workflow: 'nobody',
    problem: 'no version of it is active',
  })
  await end()
})

test('workflows that handle the failures of each other do not go round in circles', async () => {
  const { engine, begin, executionsOf, work, end } = await setting({ 'bad ping': 'bad pong', 'bad pong': 'bad ping' })
  const id = await begin('bad ping')
  await work()
  await engine.ended(id)
  const [pong] = await executionsOf('bad pong')
  expect((await engine.ended(pong?.id ?? '')).failure_handler).toEqual({
    workflow: 'bad ping',
    problem: 'its own failure led to this execution',
  })
  expect(await executionsOf('bad ping')).toHaveLength(1)
  await end()
})

test('an execution that handles no failure is found by the proof', async () => {
  const { engine } = await setting({ 'bad proof': undefined })
  const version = await engine.publish({ name: 'stray', ...documentOf(['a']) })
  const [id] = await engine.begin(version, [{}], { triggerData: { type: 'on_failure' } })
  expect(await engine.violations()).toMatchObject([
    { invariant: 'failure_handled_once', detail: { execution_id: id, failures: 0, executions: 1 } },
  ])
  await engine.stop()
})
