// Retry, rerun and redrive of executions that are over, and how executions are selected.
import { beforeAll, expect, test } from 'vitest'
import type { Pool } from '../../../src/db/pool.ts'
import { sql } from '../../../src/db/sql.ts'
import { findExecution, selectExecutions } from '../../../src/execution/find.ts'
import { buryDead } from '../../../src/execution/wake.ts'
import type { Outcome } from '../../../src/node/node-type.ts'
import { done, scene } from '../../support/control-scene.ts'
import { createTestDatabase } from '../../support/database.ts'

const broken: Outcome = { kind: 'failed', error: { code: 'BROKEN', message: 'it broke', retryable: false } }

let pool: Pool
beforeAll(async () => {
  ;({ pool } = await createTestDatabase())
})

test('a failed execution is retried from the node that failed; what had completed does not run again', async () => {
  const ran: string[] = []
  const { engine, id, ask, work, nodes, end } = await scene(pool, { lines: ['a -> b', 'b -> c'] }, async key => {
    ran.push(key)
    return key === 'b' && ran.length === 2 ? broken : done
  })
  await work()
  expect((await engine.ended(id)).status).toBe('failed')
  expect(await ask('retry')).toMatchObject({ kind: 'done', is: 'running' })
  expect((await engine.ended(id)).status).toBe('completed')
  expect(ran).toEqual(['a', 'b', 'b', 'c'])
  expect(await nodes()).toEqual(['a completed', 'b completed', 'c completed'])
  await end()
})

test('of two retries at once one takes effect, and the other says why it does not', async () => {
  let attempts = 0
  const { engine, id, quietly, work, types, end } = await scene(pool, { lines: ['a'] }, async () =>
    attempts++ === 0 ? broken : done,
  )
  await work()
  await engine.ended(id)
  const answers = await Promise.all([quietly('retry'), quietly('retry')])
  expect(answers.map(answer => answer.kind).sort()).toEqual(['done', 'refused'])
  expect(answers.find(answer => answer.kind === 'refused')).toMatchObject({ code: 'EXECUTION_OPEN' })
  expect((await engine.ended(id)).status).toBe('completed')
  expect((await types()).filter(type => type === 'workflow_retried')).toHaveLength(1)
  expect(attempts).toBe(2)
  await end()
})

test('a rerun gives its node the changed input under another idempotency key, and keeps the results before it', async () => {
  const seen: { key: string; input: unknown; idempotencyKey: string; attempt: number }[] = []
  const { engine, id, ask, work, end } = await scene(pool, { lines: ['a -> b', 'b -> c'] }, async (key, context) => {
    const { idempotencyKey, attempt, scope } = context
    seen.push({ key, input: scope.input, idempotencyKey, attempt })
    return { kind: 'completed', output: { was: scope.input } }
  })
  await work()
  await engine.ended(id)
  await ask({ verb: 'rerun', node: 'b', input: { changed: true } })
  const over = await engine.ended(id)
  expect(over).toMatchObject({ status: 'completed', output: { was: { was: { changed: true } } } })
  expect(seen.map(({ key, attempt }) => `${key} ${attempt}`)).toEqual(['a 1', 'b 1', 'c 1', 'b 1', 'c 1'])
  expect(new Set(seen.map(one => one.idempotencyKey)).size).toBe(5)
  const rows = await pool.rows(sql('test.generations')`
    select n.key, x.generation from public.node_executions x join public.nodes n on n.id = x.node_id
    where x.execution_id = ${id} order by n.key`)
  expect(rows).toEqual([
    { key: 'a', generation: 0 },
    { key: 'b', generation: 1 },
    { key: 'c', generation: 1 },
  ])
  await end()
})

test('an execution that was buried because every worker was lost is redriven', async () => {
  const { engine, id, ask, work, end } = await scene(pool, { lines: ['a'] }, async () => done)
  const [job] = await engine.queue.fetch(1)
  await pool.run(sql('test.bury')`
    with gone as (delete from pgboss.job where id = ${job?.id} returning data)
    insert into pgboss.job (name, data) select 'exec_dead', data from gone`)
  expect(await ask('redrive')).toMatchObject({ kind: 'refused', code: 'EXECUTION_OPEN' })
  await buryDead(engine.deps)
  expect((await findExecution(pool, id)).error).toMatch(/^WORKER_LOST: /)
  expect(await ask('redrive')).toMatchObject({ kind: 'done', is: 'pending' })
  await work()
  expect((await engine.ended(id)).status).toBe('completed')
  await end()
})

test('executions are selected by status, workflow, trigger and the time they were created', async () => {
  const { id, ask, end } = await scene(pool, { lines: ['a'] }, async () => done)
  await ask('pause')
  const { created_at, workflow } = await findExecution(pool, id)
  const found = (more: object): Promise<string[]> =>
    selectExecutions(pool, { statuses: ['paused'], dead: false, ...more })
  expect(await found({ workflow, since: created_at })).toContain(id)
  for (const other of [{ workflow: 'another' }, { until: created_at }, { triggerId: id }, { dead: true }])
    expect(await found(other)).not.toContain(id)
  await end()
})
