// Executions that begin together, on a real queue: what one of them meets is not to be felt by those it shares a job with.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/log.ts'
import type { Tx } from '../../../src/db/pool.ts'
import { sql } from '../../../src/db/sql.ts'
import { createAdvance } from '../../../src/execution/advance.ts'
import { controlIn } from '../../../src/execution/control.ts'
import { buryDead, rescueSilent } from '../../../src/execution/wake.ts'
import type { NodeContext, Outcome } from '../../../src/node/node-type.ts'
import type { Job, Queue } from '../../../src/queue/queue.ts'
import { createRunner, type Runner } from '../../../src/queue/runner.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, documentOf, scripted, type TestEngine } from '../../support/engine.ts'

const done: Outcome = { kind: 'completed', output: null }
const TOGETHER = 30

let engine: TestEngine
let execute: (context: NodeContext) => Promise<Outcome>
let runners: Runner[]
beforeEach(async () => {
  execute = async () => done
  runners = []
  engine = await createTestEngine((await createTestDatabase()).pool, {
    nodeTypes: scripted(context => execute(context)),
  })
  return engine.stop
})
afterEach(() => Promise.all(runners.map(runner => runner.stop())))

/** Executions that began together, in jobs of three. */
async function begin(): Promise<string[]> {
  const inputs = Array.from({ length: TOGETHER }, (_, nth) => ({ nth }))
  return engine.begin(await engine.publish(documentOf(['a'])), inputs)
}

async function run(slots: number): Promise<Runner> {
  const runner = engine.runner({ slots })
  runners.push(runner)
  await runner.start()
  return runner
}

async function ended(ids: readonly string[]): Promise<string[]> {
  return (await Promise.all(ids.map(engine.ended))).map(execution => execution.status)
}

/** The executions of every job in the queue. */
function queued(): Promise<{ ids: string[] }[]> {
  return engine.pool.rows(sql('test.queued')`
    select coalesce(data -> 'executionIds', jsonb_build_array(data -> 'executionId')) as ids from pgboss.job order by created_on`)
}

async function emptied(): Promise<void> {
  while ((await queued()).length > 0) await systemClock.sleep(20)
}

function work(job: Job, drain = new AbortController()): Promise<void> {
  const [turn] = createAdvance(engine.deps)([{ job, lost: new AbortController().signal, drain: drain.signal }])
  return turn ?? Promise.reject(new Error('no turn'))
}

async function lapse(): Promise<void> {
  await engine.pool.run(sql('test.lapse')`update pgboss.job set state = 'retry' where state = 'active'`)
}

async function eventTypes(id: string): Promise<string[]> {
  return (await engine.eventLog.read(id)).map(event => event.body.type)
}

test('they share jobs, each ends, and no job is left', async () => {
  const ids = await begin()
  expect((await queued()).map(job => job.ids.length)).toEqual(Array.from({ length: 10 }, () => 3))
  await run(50)
  expect(new Set(await ended(ids))).toEqual(new Set(['completed']))
  await emptied()
  expect(await engine.violations()).toEqual([])
})

test('what finds no slot beside one that takes long is handed over to a worker that has one', async () => {
  const ids = await begin()
  const hang = Promise.withResolvers<Outcome>()
  const begun = Promise.withResolvers<void>()
  execute = ({ scope }) => {
    if ((scope.input as { nth: number }).nth !== 0) return Promise.resolve(done)
    begun.resolve()
    return hang.promise
  }
  await run(1)
  await begun.promise
  await run(10)
  expect(new Set(await ended(ids.slice(1)))).toEqual(new Set(['completed']))
  expect(await eventTypes(ids[1] ?? '')).toContain('execution_handed_over')
  expect(await eventTypes(ids.at(-1) ?? '')).not.toContain('execution_handed_over')
  hang.resolve(done)
  await engine.ended(ids[0] ?? '')
  await emptied()
  expect(await engine.violations()).toEqual([])
})

test('when their worker is lost, those that had ended stay as they are, and the others go on, each by itself', async () => {
  const ids = await begin()
  const [first, ...others] = await engine.queue.fetch(1)
  if (first === undefined) throw new Error('there is no job')
  await work(first)
  const before = await eventTypes(first.executionId)
  await lapse()
  await run(50)
  expect(new Set(await ended(ids))).toEqual(new Set(['completed']))
  await emptied()
  expect(await eventTypes(first.executionId)).toEqual(before)
  for (const { executionId } of others) expect(await eventTypes(executionId)).toContain('execution_handed_over')
})

test('a worker that goes on after its job was taken apart changes nothing', async () => {
  const ids = await begin()
  const hang = Promise.withResolvers<Outcome>()
  let begun = 0
  execute = () => {
    begun++
    return hang.promise
  }
  const stale = await engine.queue.fetch(1)
  const works = stale.map(turn => work(turn))
  while (begun < stale.length) await systemClock.sleep(10)
  execute = async () => done
  await lapse()
  await run(50)
  expect(new Set(await ended(ids))).toEqual(new Set(['completed']))
  await emptied()
  const log = await Promise.all(ids.map(eventTypes))
  hang.resolve(done)
  await Promise.all(works)
  expect(await Promise.all(ids.map(eventTypes))).toEqual(log)
  expect(await engine.violations()).toEqual([])
})

test('a worker that is through with a job that is held by another does not end it', async () => {
  await begin()
  const stale = await engine.queue.fetch(1)
  await lapse()
  const held = await engine.queue.fetch(10)
  expect(held.map(({ id, retryCount }) => `${id} ${retryCount}`)).toContain(`${stale[0]?.id} 1`)
  await engine.queue.finish(stale.slice(0, 1))
  expect(await queued()).toHaveLength(10)
})

test('a worker that is lost when all had ended, but the job was not settled, leaves nothing to be done', async () => {
  const ids = await begin()
  const turns = await engine.queue.fetch(1)
  await Promise.all(turns.map(turn => work(turn)))
  const log = await Promise.all(ids.map(eventTypes))
  await lapse()
  await run(50)
  await emptied()
  expect((await Promise.all(ids.map(eventTypes))).slice(0, 3)).toEqual(log.slice(0, 3))
})

test('a worker that stops hands over what it has no end of, and settles what it has', async () => {
  const ids = await begin()
  const begun = Promise.withResolvers<void>()
  execute = ({ signal, attempt }) => {
    if (attempt > 1) return Promise.resolve(done)
    begun.resolve()
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))
  }
  const runner = await run(2)
  await begun.promise
  await runner.stop()
  execute = async () => done
  expect(await engine.pool.rows(sql('test.held')`select from pgboss.job where state = 'active'`)).toEqual([])
  await run(50)
  expect(new Set(await ended(ids))).toEqual(new Set(['completed']))
  await emptied()
})

test('a claim that fails forgets none of the jobs it was to settle', async () => {
  const ids = await begin()
  let failures = 0
  const fetch: Queue['fetch'] = (limit, name, finished = []) => {
    if (finished.length > 0 && failures++ === 0) return Promise.reject(new Error('no answer'))
    return engine.queue.fetch(limit, name, finished)
  }
  const work = createAdvance(engine.deps)
  const queue = { ...engine.queue, fetch }
  const runner = createRunner({ queue, slots: 5, pollInterval: 50, clock: systemClock, log: silentLogger, work })
  runners.push(runner)
  await runner.start()
  expect(new Set(await ended(ids))).toEqual(new Set(['completed']))
  await emptied()
  expect(failures).toBeGreaterThan(0)
})

test('a job is settled though no slot is free to claim another', async () => {
  await begin()
  const running: (() => void)[] = []
  execute = () => new Promise(resolve => running.push(() => resolve(done)))
  const nth = async (n: number): Promise<() => void> => {
    while (running.length < n) await systemClock.sleep(10)
    return running[n - 1] ?? expect.fail()
  }
  await run(2)
  for (const n of [2, 3]) (await nth(n))() // of the first job two have ended, and the slot goes to one of the second
  await nth(4)
  ;(await nth(1))() // the first job is done with, and its slot goes to another of the second
  await nth(5)
  const held = sql('test.held')`select from pgboss.job where state = 'active'`
  while ((await engine.pool.rows(held)).length > 1) await systemClock.sleep(20)
})

test('one of them is cancelled before it begins: the others run', async () => {
  const ids = await begin()
  const [first = '', ...others] = ids
  await engine.pool.transaction(tx =>
    controlIn(
      tx,
      { ...engine.deps, ids: engine.ids },
      { command: { verb: 'cancel', by: 'test' }, executionIds: [first] },
    ),
  )
  await run(50)
  expect(await ended([first])).toEqual(['cancelled'])
  expect(new Set(await ended(others))).toEqual(new Set(['completed']))
  await emptied()
})

test('one of them is paused before it begins: it runs when it is resumed, and the others meanwhile', async () => {
  const [first = '', ...others] = await begin()
  const ask = (verb: 'pause' | 'resume'): Promise<unknown> =>
    engine.pool.transaction(tx =>
      controlIn(tx, { ...engine.deps, ids: engine.ids }, { command: { verb, by: 'test' }, executionIds: [first] }),
    )
  await ask('pause')
  await run(50)
  expect(new Set(await ended(others))).toEqual(new Set(['completed']))
  await emptied()
  expect(await eventTypes(first)).toEqual(['workflow_pause_requested', 'workflow_paused'])
  await ask('resume')
  expect(await ended([first])).toEqual(['completed'])
})

test('a job that is lost costs none of them its life, and while it is there none is rescued', async () => {
  const ids = await begin()
  expect(await rescueSilent(engine.deps, 0)).toBe(0)
  const [lost] = await engine.queue.fetch(1)
  if (lost === undefined) throw new Error('there is no job')
  await engine.queue.finish([lost])
  expect(await rescueSilent(engine.deps, 0)).toBe(3)
  await run(50)
  expect(new Set(await ended(ids))).toEqual(new Set(['completed']))
})

test('a job that lost every worker is taken apart: it is not known to which of them they were lost', async () => {
  const ids = await begin()
  await engine.pool.run(sql('test.exhaust')`
    with gone as (delete from pgboss.job where name = 'exec' returning data)
    insert into pgboss.job (name, data) select 'exec_dead', data from gone`)
  expect(await buryDead(engine.deps)).toBe(TOGETHER)
  expect((await queued()).map(job => job.ids.length)).toEqual(ids.map(() => 1))
  await run(50)
  expect(new Set(await ended(ids))).toEqual(new Set(['completed']))
  await emptied()
})

test('a job of an earlier program, of one execution, is understood', async () => {
  const ids = await begin()
  await engine.pool.run(sql('test.old')`
    update pgboss.job set data = jsonb_build_object('executionId', data -> 'executionIds' -> 0, 'turn', 0)`)
  await run(50)
  expect(await ended(ids.filter((_, nth) => nth % 3 === 0))).toEqual(Array.from({ length: 10 }, () => 'completed'))
})

test.each([
  ['by the next claim', (queue: Queue, done: Job[]) => queue.fetch(1, undefined, done)],
  ['while nothing is claimed', (queue: Queue, done: Job[]) => queue.finish(done)],
])('finished jobs are deleted %s also when a renewal has locked them the other way round', async (_, finish) => {
  await begin()
  const held = await engine.queue.fetch(2)
  const [first = '', second = ''] = [...new Set(held.map(job => job.id))].toSorted()
  const lock = (tx: Tx, id: string): Promise<unknown> =>
    tx.rows(sql('test.lock')`select from pgboss.job where id = ${id} for update`)
  const finished = Promise.withResolvers<unknown>()
  await engine.pool.transaction(async tx => {
    await lock(tx, second)
    finished.resolve(finish(engine.queue, held))
    while ((await waiting()) === 0) await systemClock.sleep(5)
    await lock(tx, first)
  })
  await finished.promise
  expect(await engine.queue.live([first, second])).toEqual(new Set())
})

/** Statements that wait for a lock. */
async function waiting(): Promise<number> {
  const rows = await engine.pool.rows(sql('test.waiting')`
    select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)
  return rows.length
}
