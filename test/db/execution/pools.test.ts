// Nodes of a pool run on workers that serve it, and nowhere else; whoever waits for one can be asked everything.
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { createLimit } from '../../../src/base/limit.ts'
import { type Logger, silentLogger } from '../../../src/base/log.ts'
import type { Pool } from '../../../src/db/pool.ts'
import { sql } from '../../../src/db/sql.ts'
import { createAdvance } from '../../../src/execution/advance.ts'
import { type Command, control } from '../../../src/execution/control.ts'
import { findExecution } from '../../../src/execution/find.ts'
import { createPoolWatch } from '../../../src/execution/pool-watch.ts'
import { buryDead, rescueSilent, wakeDue } from '../../../src/execution/wake.ts'
import type { NodeContext, Outcome } from '../../../src/node/node-type.ts'
import type { Job } from '../../../src/queue/queue.ts'
import type { Runner } from '../../../src/queue/runner.ts'
import type { NodePolicy, WorkflowSettings } from '../../../src/workflow/workflow.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, documentOf, scripted, type TestEngine } from '../../support/engine.ts'
import { splitScene } from '../../support/split-scene.ts'

const done: Outcome = { kind: 'completed', output: null }
const gpu = { pool: 'gpu' }
const BROKEN = { code: 'BROKEN', message: 'it broke' }

let pool: Pool
let engine: TestEngine
let runners: Runner[]
let execute: (context: NodeContext) => Promise<Outcome>
beforeEach(async () => {
  ;({ pool } = await createTestDatabase())
  execute = async () => done
  engine = await createTestEngine(pool, { nodeTypes: scripted(context => execute(context)) })
  runners = []
})
afterEach(async () => {
  for (const runner of runners) await runner.stop()
  expect(await engine.violations()).toEqual([])
  await engine.stop()
})

async function begin(
  lines: readonly string[],
  policies: Record<string, NodePolicy>,
  settings: WorkflowSettings = {},
): Promise<string> {
  const version = await engine.publish({ ...documentOf(lines, { policies }), settings })
  return (await engine.begin(version, [null]))[0] ?? ''
}

async function serve(name?: string, slots = 10): Promise<void> {
  const runner = engine.runner({ slots, ...(name && { pool: name }) })
  runners.push(runner)
  await runner.start()
}

async function claim(queue?: 'node.gpu'): Promise<Job> {
  const [job] = await engine.queue.fetch(1, queue)
  if (job === undefined) throw new Error('there is no job')
  return job
}

function hold(job: Job, drain = new AbortController().signal): Promise<void> {
  const [turn] = createAdvance(engine.deps)([{ job, lost: new AbortController().signal, drain }])
  return turn ?? Promise.reject(new Error('no turn'))
}

const ask = async (verb: Command['verb'], id: string) =>
  (await control({ ...engine.deps, ids: engine.ids }, { verb, by: 'test' } as Command, [id]))[0]
const types = async (id: string) => (await engine.eventLog.read(id)).map(event => event.body.type)
const jobs = () =>
  pool.rows(
    sql('test.jobs')`select name, data ->> 'turn' as turn from pgboss.job where name like 'node.%' order by name`,
  )

test('its nodes run on its workers, and the others on theirs', async () => {
  const ran: string[] = []
  const [other, ofPool] = await Promise.all(
    ['default', 'gpu'].map(where =>
      createTestEngine(pool, {
        nodeTypes: scripted(async ({ log }) => {
          ran.push(`${log.bindings().node} ${where}`)
          return done
        }),
      }),
    ),
  )
  const id = await begin(['a -> b', 'a -> c', 'b -> d', 'c -> d'], { b: gpu })
  const both = [other?.runner(), ofPool?.runner({ pool: 'gpu' })]
  for (const runner of both) await runner?.start()
  await engine.ended(id)
  for (const runner of both) await runner?.stop()
  for (const one of [other, ofPool]) await one?.stop()
  expect(ran).toEqual(['a default', 'c default', 'b gpu', 'd default'])
  expect(await jobs()).toEqual([])
})

test('without a worker that serves its pool it waits, holds no worker, and says for which', async () => {
  const id = await begin(['a -> b'], { b: gpu })
  await hold(await claim())
  expect(await findExecution(pool, id)).toMatchObject({ status: 'running', parked_reason: 'pool', pool: 'gpu' })
  expect(await jobs()).toEqual([{ name: 'node.gpu', turn: '1' }])
  expect(await engine.queue.unserved(0)).toEqual([{ pool: 'gpu', waiting: 1 }])
  expect(await engine.queue.unserved(60_000)).toEqual([])
  expect(await rescueSilent(engine.deps, 0)).toBe(0)
  await serve('gpu')
  await serve()
  expect(await engine.ended(id)).toMatchObject({ status: 'completed', parked_reason: null, pool: null })
  expect(await engine.queue.unserved(0)).toEqual([])
})

test('which pools nobody serves is said once, and again when it comes to that again', async () => {
  const said: unknown[] = []
  const log = { ...silentLogger, warn: (fields: unknown) => void said.push(fields) } as Logger
  const watch = createPoolWatch({ queue: engine.queue, served: ['default'], clock: systemClock, log })
  const look = async (): Promise<void> => {
    const asked = systemClock.monotonic()
    watch.wake()
    while (watch.age() >= systemClock.monotonic() - asked) await systemClock.sleep(2)
  }
  await watch.start()
  for (let i = 0; i < 2; i++) {
    const id = await begin(['a'], { a: gpu })
    await hold(await claim())
    await pool.run(
      sql('test.long')`update pgboss.job set created_on = now() - interval '1 minute' where name = 'node.gpu'`,
    )
    await look()
    await look()
    await hold(await claim('node.gpu'))
    await engine.ended(id)
    await look()
  }
  await watch.stop()
  expect(said).toEqual(Array(2).fill({ evt: 'pool.unserved', pool: 'gpu', waiting: 1 }))
})

test('what waits for the default pool is told of by daemons that serve another only', async () => {
  await begin(['a'], {})
  await pool.run(sql('test.long')`update pgboss.job set created_on = now() - interval '1 minute'`)
  expect(await engine.queue.unserved(15_000)).toEqual([{ pool: 'default', waiting: 1 }])
  const said = (served: string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      const log = { ...silentLogger, warn: (fields: { pool: string }) => resolve(fields.pool) } as unknown as Logger
      const watch = createPoolWatch({ queue: engine.queue, served, clock: systemClock, log })
      void watch
        .start()
        .then(() => watch.stop())
        .then(() => resolve('nothing'), reject)
    })
  expect(await said(['gpu'])).toBe('default')
  expect(await said(['default', 'gpu'])).toBe('nothing')
  await hold(await claim())
})

test('a pool whose workers are busy is served', async () => {
  await begin(['a'], { a: gpu })
  await begin(['a'], { a: gpu })
  await hold(await claim())
  await hold(await claim())
  const job = await claim('node.gpu')
  expect(await engine.queue.unserved(0)).toEqual([])
  await hold(job)
  await hold(await claim('node.gpu'))
})

test('cancelled while it waits for a pool, its job is removed and it ends without one', async () => {
  const id = await begin(['a -> b'], { b: gpu })
  await hold(await claim())
  await ask('cancel', id)
  expect(await jobs()).toEqual([])
  await serve()
  expect(await engine.ended(id)).toMatchObject({ status: 'cancelled' })
})

test('paused while it waits for a pool, it goes back there once it is resumed', async () => {
  const id = await begin(['a -> b'], { b: gpu })
  await hold(await claim())
  expect(await ask('pause', id)).toMatchObject({ is: 'paused' })
  expect(await jobs()).toEqual([])
  await ask('resume', id)
  await serve()
  await serve('gpu')
  expect(await engine.ended(id)).toMatchObject({ status: 'completed' })
})

test('a command that comes between the claim and the start wins: what was claimed starts nothing', async () => {
  const id = await begin(['a'], { a: gpu })
  await hold(await claim())
  const job = await claim('node.gpu')
  await ask('pause', id)
  await hold(job)
  expect(await findExecution(pool, id)).toMatchObject({ status: 'paused' })
})

test('its timeout ends it while it waits for a pool', async () => {
  const id = await begin(['a -> b'], { b: gpu }, { timeout_ms: 60_000 })
  await hold(await claim())
  expect((await findExecution(pool, id)).wake_at).not.toBeNull()
  await pool.run(sql('test.late')`update public.executions set wake_at = now() where id = ${id}`)
  expect(await wakeDue(engine.deps)).toBe(1)
  expect(await jobs()).toEqual([])
  const clock = engine.deps.databaseClock
  const late = { ...engine.deps, databaseClock: { ...clock, now: () => clock.now() + 60_000 } }
  const [turn] = createAdvance(late)([
    { job: await claim(), lost: new AbortController().signal, drain: new AbortController().signal },
  ])
  await turn
  expect(await types(id)).toContain('workflow_failed')
  expect((await findExecution(pool, id)).error).toMatch(/^EXECUTION_TIMEOUT/)
})

test('a worker of the pool that is lost is replaced by another, which runs the node again with the same key', async () => {
  const keys: string[] = []
  const hang = Promise.withResolvers<Outcome>()
  const begun = Promise.withResolvers<void>()
  execute = async ({ idempotencyKey, attempt, log }) => {
    if (log.bindings().node === 'a') return done
    keys.push(`${idempotencyKey} ${attempt}`)
    if (attempt > 1) return done
    begun.resolve()
    return hang.promise
  }
  const id = await begin(['a -> b'], { b: { ...gpu, retry: { max_attempts: 1 } } })
  await hold(await claim())
  const job = await claim('node.gpu')
  const lost = hold(job)
  await begun.promise
  await pool.run(sql('test.lapse')`update pgboss.job set state = 'retry' where id = ${job.id}`)
  await hold(await claim('node.gpu'))
  hang.resolve(done)
  await lost
  expect(await engine.ended(id)).toMatchObject({ status: 'completed' })
  const [first = '', second = '', ...more] = keys.map(key => key.split(' '))
  expect([first[0], first[1], second[0], second[1], more]).toEqual([second[0], '1', first[0], '2', []])
})

test('a worker of the pool that drains hands over, and the next one goes on', async () => {
  const drain = new AbortController()
  const id = await begin(['a -> b', 'b -> c'], { b: gpu, c: gpu })
  execute = async ({ log }) => {
    if (log.bindings().node === 'b') drain.abort()
    return done
  }
  await hold(await claim())
  await hold(await claim('node.gpu'), drain.signal)
  expect((await types(id)).at(-1)).toBe('execution_handed_over')
  await serve()
  await serve('gpu')
  expect((await engine.ended(id)).nodes.map(node => node.retry_count)).toEqual([0, 0, 0])
})

test('one that lost its job while it waited for a pool is given another, though it has a timeout', async () => {
  const id = await begin(['a -> b'], { b: gpu }, { timeout_ms: 600_000 })
  await hold(await claim())
  await pool.run(sql('test.lose')`delete from pgboss.job where name = 'node.gpu'`)
  expect(await rescueSilent(engine.deps, 0)).toBe(1)
  await serve()
  await serve('gpu')
  expect(await engine.ended(id)).toMatchObject({ status: 'completed' })
})

test('one that lost its job while a node of a pool ran runs it again on a worker of the pool', async () => {
  const begun = Promise.withResolvers<void>()
  const hang = Promise.withResolvers<Outcome>()
  execute = async () => {
    begun.resolve()
    return hang.promise
  }
  const id = await begin(['a'], { a: gpu })
  await hold(await claim())
  const lost = hold(await claim('node.gpu'))
  await begun.promise
  await pool.run(sql('test.lose')`delete from pgboss.job where name = 'node.gpu'`)
  expect(await rescueSilent(engine.deps, 0)).toBe(1)
  expect(await jobs()).toEqual([{ name: 'node.gpu', turn: '2' }])
  execute = async () => done
  await serve('gpu')
  expect(await engine.ended(id)).toMatchObject({ status: 'completed' })
  hang.resolve(done)
  await lost
})

test('one that lost every worker of its pool fails', async () => {
  const id = await begin(['a'], { a: gpu })
  await hold(await claim())
  await pool.run(sql('test.bury')`
    with gone as (delete from pgboss.job where name = 'node.gpu' returning data)
    insert into pgboss.job (name, data) select 'exec_dead', data from gone`)
  expect(await buryDead(engine.deps)).toBe(1)
  expect(await findExecution(pool, id)).toMatchObject({ status: 'failed', parked_reason: null, pool: null })
})

test('of the nodes of a pool no more run at once in a process than it says, in however many executions', async () => {
  let running = 0
  let most = 0
  const nodeTypes = scripted(async () => {
    most = Math.max(most, ++running)
    await systemClock.sleep(5)
    running--
    return done
  })
  const narrow = await createTestEngine(pool, { nodeTypes, pools: new Map([['gpu', createLimit(2)]]) })
  const policies = { a: gpu, b: gpu, c: gpu }
  const ids = await narrow.begin(await engine.publish(documentOf(['a', 'b', 'c'], { policies })), [1, 2, 3])
  const both = [narrow.runner(), narrow.runner({ pool: 'gpu', slots: 2 })]
  for (const runner of both) await runner.start()
  for (const id of ids) await narrow.ended(id)
  for (const runner of both) await runner.stop()
  await narrow.stop()
  expect(most).toBe(2)
})

test('whichever pools its nodes name, an execution comes to its end, each node having run once, in its wave', async () => {
  const pools = [undefined, undefined, 'gpu', 'slow']
  const node = fc.record({ pool: fc.constantFrom(...pools), after: fc.array(fc.nat(7), { maxLength: 2 }) })
  for (const name of [undefined, 'gpu', 'slow']) await serve(name)
  await fc.assert(
    fc.asyncProperty(fc.array(node, { minLength: 2, maxLength: 8 }), async nodes => {
      const ran: string[] = []
      execute = async ({ log }) => {
        ran.push(String(log.bindings().node))
        return done
      }
      const edges = nodes.flatMap(({ after }, i) =>
        [...new Set(after.map(n => n % 8))].filter(n => n < i).map(n => `n${n} -> n${i}`),
      )
      const policies = Object.fromEntries(nodes.map((one, i) => [`n${i}`, one.pool ? { pool: one.pool } : {}]))
      const id = await begin([...nodes.map((_, i) => `n${i}`), ...edges], policies)
      const shown = await engine.ended(id)
      expect(shown.status).toBe('completed')
      expect(ran.toSorted()).toEqual(nodes.map((_, i) => `n${i}`))
      const waves = new Map(shown.nodes.map(one => [one.key, one.wave]))
      const inOrder = ran.map(key => waves.get(key) ?? -1)
      expect(inOrder).toEqual(inOrder.toSorted((a, b) => a - b))
    }),
    { numRuns: 15 },
  )
})

test('the nodes of items run on the pool they name, and so does what undoes another', async () => {
  const ran: string[] = []
  const config = { provider: 'mock', model: 'any', prompt: 'anything' }
  const document = {
    nodes: [
      { key: 'each', type: 'split', compensate: 'undo', config: { items: '[1, 2, 3]' } },
      { key: 'work', type: 'llm', pool: 'gpu', config },
      { key: 'all', type: 'merge' },
      { key: 'check', type: 'llm', config },
      { key: 'undo', type: 'llm', pool: 'gpu', config },
    ],
    edges: [
      { from: 'each', to: 'work' },
      { from: 'work', to: 'all' },
      { from: 'all', to: 'check' },
    ],
  }
  const split = await splitScene(pool, document, {
    execute: async ({ log }) => {
      ran.push(String(log.bindings().node))
      return log.bindings().node === 'check' ? { kind: 'failed', error: { ...BROKEN, retryable: false } } : done
    },
  })
  const id = await split.begin()
  await split.until(async () => (await split.items(id)).filter(item => item.status === 'running').length === 3)
  expect(ran).toEqual([])
  const ofPool = split.engine.runner({ pool: 'gpu' })
  await ofPool.start()
  expect(await split.engine.ended(id)).toMatchObject({ status: 'failed', error: 'check: BROKEN: it broke' })
  expect(ran).toEqual(['work', 'work', 'work', 'check', 'undo'])
  await ofPool.stop()
  await split.end()
})
