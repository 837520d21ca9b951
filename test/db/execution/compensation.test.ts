// What executions undo before they end, on real workers: attempts aborted, workers lost, and the rows all along.
import { expect, test } from 'vitest'
import { sql } from '../../../src/db/sql.ts'
import { createAdvance } from '../../../src/execution/advance.ts'
import { findExecution } from '../../../src/execution/find.ts'
import { replayExecution } from '../../../src/execution/replay.ts'
import { buryDead } from '../../../src/execution/wake.ts'
import type { Outcome } from '../../../src/node/node-type.ts'
import type { Job } from '../../../src/queue/queue.ts'
import { done, hanging, type Scene, scene } from '../../support/control-scene.ts'
import { createTestDatabase } from '../../support/database.ts'
import { around, splitScene } from '../../support/split-scene.ts'

const { pool } = await createTestDatabase()
const broken: Outcome = { kind: 'failed', error: { code: 'BROKEN', message: 'it broke', retryable: false } }
const setting = {
  lines: ['a -> b', 'b -> c', 'ua', 'ub'],
  policies: { a: { compensate: 'ua' }, b: { compensate: 'ub' } },
} as const

async function claim({ engine }: Scene): Promise<Job> {
  const [job] = await engine.queue.fetch(1)
  if (job === undefined) throw new Error('there is no job')
  return job
}

function hold({ engine }: Scene, job: Job): Promise<void> {
  const signal = new AbortController().signal
  const [turn] = createAdvance(engine.deps)([{ job, lost: signal, drain: signal }])
  return turn ?? Promise.reject(new Error('no turn'))
}

test('a failed execution has undone what it did, each with the output of what it undoes in its scope', async () => {
  const saw: unknown[] = []
  const one = await scene(pool, setting, async (key, { scope }) => {
    if (key === 'c') return broken
    if (key.startsWith('u')) saw.push([key, scope.input, scope.nodes.a?.output])
    return { kind: 'completed', output: { by: key } }
  })
  await one.work()
  const shown = await one.engine.ended(one.id)
  expect(shown).toMatchObject({ status: 'failed', error: 'c: BROKEN: it broke' })
  expect(saw).toEqual([
    ['ub', { by: 'b' }, { by: 'a' }],
    ['ua', { by: 'a' }, { by: 'a' }],
  ])
  expect(shown.nodes.map(({ key, wave, status }) => [key, wave, status])).toEqual([
    ['a', 0, 'completed'],
    ['b', 1, 'completed'],
    ['c', 2, 'failed'],
    ['ua', 3, 'completed'],
    ['ub', 3, 'completed'],
  ])
  const replayed = await replayExecution({ pool, catalog: one.engine.catalog }, { id: one.id, at: shown.last_sequence })
  expect(replayed.shown.nodes.map(({ key }) => key)).toEqual(shown.nodes.map(({ key }) => key))
  await one.end()
})

test('a cancellation aborts what runs, and what undoes the rest is not aborted', async () => {
  const node = hanging()
  const undoing = hanging()
  const one = await scene(pool, setting, (key, context) => {
    if (key === 'b') return node.attempt(context)
    return key === 'ua' ? undoing.attempt(context) : Promise.resolve(done)
  })
  await one.work()
  await node.begun
  await one.ask('cancel')
  await node.aborted
  await undoing.begun
  expect(await one.ask('cancel')).toMatchObject({ kind: 'unchanged' })
  undoing.release(done)
  expect((await one.engine.ended(one.id)).status).toBe('cancelled')
  expect(await one.nodes()).toEqual(['a completed', 'b failed', 'c skipped', 'ua completed'])
  await one.end()
})

test('an attempt that outlasts the execution is aborted, while what was done is undone', async () => {
  const node = hanging()
  const one = await scene(pool, { ...setting, settings: { timeout_ms: 200 } }, async (key, context) =>
    key === 'b' ? node.attempt(context) : done,
  )
  await one.work()
  await node.aborted
  const shown = await one.engine.ended(one.id)
  expect(shown).toMatchObject({ status: 'failed', error: expect.stringMatching(/^EXECUTION_TIMEOUT/) })
  expect(await one.nodes()).toEqual(['a completed', 'b failed', 'c skipped', 'ua completed'])
  await one.end()
})

test('a worker that is lost in the middle of it is followed by one that goes on, and nothing is undone twice', async () => {
  const lost = hanging()
  const ran: string[] = []
  const one = await scene(pool, setting, async (key, context) => {
    ran.push(`${key} ${context.attempt}`)
    if (key === 'c') return broken
    return key === 'ua' && context.attempt === 1 ? lost.attempt(context) : done
  })
  const job = await claim(one)
  const first = hold(one, job)
  await lost.begun
  await pool.run(sql('test.lapse')`update pgboss.job set state = 'retry' where id = ${job.id}`)
  await hold(one, await claim(one))
  lost.release(done)
  await first
  expect((await one.engine.ended(one.id)).status).toBe('failed')
  expect(ran).toEqual(['a 1', 'b 1', 'c 1', 'ub 1', 'ua 1', 'ua 2'])
  await one.end()
})

test('an execution that lost every worker still undoes what it had done, and says so if that costs every worker too', async () => {
  const bury = (): Promise<number> =>
    pool.run(sql('test.bury')`
      with gone as (delete from pgboss.job where name = 'exec' returning data)
      insert into pgboss.job (name, data) select 'exec_dead', data from gone`)
  const node = hanging()
  const one = await scene(pool, setting, async (key, context) => (key === 'b' ? node.attempt(context) : done))
  const turn = hold(one, await claim(one))
  await node.begun
  await bury()
  expect(await buryDead(one.engine.deps)).toBe(1)
  expect(await findExecution(pool, one.id)).toMatchObject({ status: 'running', error: null })
  node.release(done)
  await turn
  await bury()
  expect(await buryDead(one.engine.deps)).toBe(1)
  const { status, error } = await findExecution(pool, one.id)
  expect([status, error]).toEqual(['failed', expect.stringMatching(/^COMPENSATION_FAILED: 1 of 1 nodes/)])
  await one.end()
})

test('a retry after it does anew what was undone, under other idempotency keys', async () => {
  const keys: string[] = []
  let attempts = 0
  const one = await scene(pool, setting, async (key, { idempotencyKey }) => {
    if (key === 'a' || key === 'ua') keys.push(idempotencyKey)
    return key === 'c' && attempts++ === 0 ? broken : done
  })
  await one.work()
  await one.engine.ended(one.id)
  await one.ask('retry')
  expect((await one.engine.ended(one.id)).status).toBe('completed')
  expect(await one.nodes()).toEqual(['a completed', 'b completed', 'c completed'])
  expect(new Set(keys).size).toBe(3)
  await one.end()
})

test('what the items of a split came to is undone as a whole, by way of the merge that closes it', async () => {
  const graph = around({ items: 'input.list' }, { transform: { expression: 'item' } })
  const fails = { key: 'fails', type: 'transform', config: { expression: 'input.no.where' } }
  const undoes = { key: 'undoes', type: 'transform', config: { template: { undone: '{{ input }}' } } }
  const nodes = graph.nodes.map(node =>
    'key' in node && node.key === 'all' ? { ...node, compensate: 'undoes' } : node,
  )
  const edges = [...graph.edges, { from: 'all', to: 'fails' }]
  const one = await splitScene(pool, { nodes: [...nodes, fails, undoes], edges })
  const shown = await one.run({ list: [1, 2, 3] })
  expect(shown.status).toBe('failed')
  expect(shown.nodes.find(({ key }) => key === 'undoes')?.output).toEqual({ undone: [1, 2, 3] })
  await one.end()
})

test('the failure of an item starts no handler; that of the execution whose item it is does', async () => {
  const graph = around({ items: 'input.list' }, { transform: { expression: 'input.no.where' } })
  const one = await splitScene(pool, { ...graph, settings: { on_failure: 'nobody' } })
  const id = await one.begin({ list: [1] })
  const shown = await one.engine.ended(id)
  expect(shown.failure_handler).toMatchObject({ workflow: 'nobody' })
  const [item] = await one.items(id)
  expect(item?.status).toBe('failed')
  expect((await findExecution(pool, item?.id ?? '')).failure_handler).toBeNull()
  await one.end()
})
