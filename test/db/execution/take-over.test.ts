import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatabaseClock, systemClock } from '../../../src/base/clock.ts'
import { type Statement, sql } from '../../../src/db/sql.ts'
import type { EventLog } from '../../../src/event/event-log.ts'
import { createAdvance } from '../../../src/execution/advance.ts'
import type { TurnDeps } from '../../../src/execution/turn.ts'
import { buryDead, createWakeServices, rescueSilent, wakeDue } from '../../../src/execution/wake.ts'
import type { NodeContext, Outcome } from '../../../src/node/node-type.ts'
import type { Job } from '../../../src/queue/queue.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, documentOf, scripted, type TestEngine } from '../../support/engine.ts'

const done: Outcome = { kind: 'completed', output: null }
const broken: Outcome = { kind: 'failed', error: { code: 'BROKEN', message: 'it broke', retryable: true } }

let engine: TestEngine
/** What nodes do; tests set it. */
let execute: (context: NodeContext) => Promise<Outcome> = async () => done

beforeAll(async () => {
  engine = await createTestEngine((await createTestDatabase()).pool, {
    nodeTypes: scripted(context => execute(context)),
  })
})
afterAll(() => engine.stop())

async function begin(lines: string[], policies?: Parameters<typeof documentOf>[1]): Promise<string> {
  const [id = ''] = await engine.begin(await engine.publish(documentOf(lines, policies)), [{}])
  return id
}

/** Claims the only job there is, as a worker would. */
async function claim(): Promise<Job> {
  const [job] = await engine.queue.fetch(1)
  if (job === undefined) throw new Error('there is no job')
  return job
}

/** Makes the queue believe that the holder of the job is gone, and claims it again. */
async function claimAgain(job: Job): Promise<Job> {
  await engine.pool.run(sql('test.lapse')`update pgboss.job set state = 'retry' where id = ${job.id}`)
  return claim()
}

/** Makes the queue believe that every worker that took the jobs was lost. */
async function exhaust(jobs: readonly Job[]): Promise<void> {
  await engine.pool.run(sql('test.exhaust')`
    with gone as (delete from pgboss.job where id = any(${jobs.map(job => job.id)}::uuid[]) returning data)
    insert into pgboss.job (name, data) select 'exec_dead', data from gone order by data ->> 'executionId'`)
}

const inFourDays = { now: () => Date.now() + 4 * 86_400_000, observe: () => {}, skew: () => 0 }

function work(
  job: Job,
  signals: { lost?: AbortSignal; drain?: AbortSignal } = {},
  deps: TurnDeps = engine.deps,
): Promise<void> {
  const never = new AbortController().signal
  const [turn] = createAdvance(deps)([{ job, lost: signals.lost ?? never, drain: signals.drain ?? never }])
  return turn ?? Promise.reject(new Error('no turn'))
}

async function eventTypes(id: string): Promise<string[]> {
  return (await engine.eventLog.read(id)).map(event => event.body.type)
}

test('a second worker goes on where the first was lost, with the same idempotency key and a higher attempt', async () => {
  const attempts: { attempt: number; key: string }[] = []
  const hang = Promise.withResolvers<Outcome>()
  const begun = Promise.withResolvers<void>()
  execute = ({ attempt, idempotencyKey }) => {
    attempts.push({ attempt, key: idempotencyKey })
    begun.resolve()
    return attempt === 1 ? hang.promise : Promise.resolve(done)
  }
  const id = await begin(['a'])
  const job = await claim()
  const zombie = work(job)
  await begun.promise
  await work(await claimAgain(job))
  expect(await engine.ended(id)).toMatchObject({ status: 'completed' })

  // The first worker comes back to life: what it writes changes nothing.
  const before = await eventTypes(id)
  hang.resolve(done)
  await zombie
  expect(await eventTypes(id)).toEqual(before)
  expect(before).toEqual([
    'workflow_started', 'wave_started', 'node_started', 'execution_taken_over', 'node_retrying', 'node_started',
    'node_completed', 'wave_completed', 'workflow_completed',
  ]) // biome-ignore format: a row each
  expect(attempts.map(({ attempt }) => attempt)).toEqual([1, 2])
  expect(new Set(attempts.map(({ key }) => key)).size).toBe(1)
  expect(await engine.violations()).toEqual([])
})

test('a recorded node does not run again after a take-over', async () => {
  const ran: string[] = []
  const hang = Promise.withResolvers<Outcome>()
  const second = Promise.withResolvers<void>()
  execute = async ({ attempt, idempotencyKey }) => {
    ran.push(`${idempotencyKey} ${attempt}`)
    if (ran.length === 2) {
      second.resolve()
      return hang.promise
    }
    return done
  }
  const id = await begin(['a -> b'])
  const job = await claim()
  const first = work(job)
  await second.promise
  await work(await claimAgain(job))
  hang.resolve(done)
  await first
  expect((await engine.ended(id)).nodes.map(node => node.retry_count)).toEqual([0, 1])
  expect(ran).toHaveLength(3)
})

test('who takes an execution over takes neither another place nor another token for it', async () => {
  const begun = Promise.withResolvers<void>()
  const hang = Promise.withResolvers<Outcome>()
  execute = async ({ attempt }) => {
    if (attempt > 1) return done
    begun.resolve()
    return hang.promise
  }
  const settings = { concurrency: { max: 1 }, rate: { limit: 1, period_ms: 3_600_000 } }
  const [id = ''] = await engine.begin(await engine.publish({ ...documentOf(['a']), name: 'gated', settings }), [{}])
  const job = await claim()
  const first = work(job)
  await begun.promise
  await work(await claimAgain(job))
  hang.resolve(done)
  await first
  expect((await engine.ended(id)).status).toBe('completed')
  const gated = (await eventTypes(id)).filter(type => /admitted|passed|limited|throttled/.test(type))
  expect(gated).toEqual(['execution_admitted', 'execution_passed'])
})

test('a worker that drains hands its execution over, and the next turn finishes it without a retry', async () => {
  const drain = new AbortController()
  const begun = Promise.withResolvers<void>()
  const end = Promise.withResolvers<Outcome>()
  execute = ({ scope }) => {
    begun.resolve()
    return Object.keys(scope.nodes).length === 0 ? end.promise : Promise.resolve(done)
  }
  const id = await begin(['a -> b'])
  const turn = work(await claim(), { drain: drain.signal })
  await begun.promise
  drain.abort()
  end.resolve(done)
  await turn
  expect((await eventTypes(id)).slice(-2)).toEqual(['node_completed', 'execution_handed_over'])
  const next = await claim()
  expect(next).toMatchObject({ executionId: id, turn: 1, retryCount: 0 })
  await work(next)
  expect((await engine.ended(id)).nodes.map(node => node.retry_count)).toEqual([0, 0])
  expect(await engine.violations()).toEqual([])
})

test('an attempt that outlasts the drain is cut short and runs again in the next turn', async () => {
  const drain = new AbortController()
  let hanging = true
  const begun = Promise.withResolvers<void>()
  execute = ({ signal }) => {
    begun.resolve()
    if (!hanging) return Promise.resolve(done)
    return new Promise(resolve => signal.addEventListener('abort', () => resolve(broken)))
  }
  const id = await begin(['a'])
  const turn = work(await claim(), { drain: drain.signal })
  await begun.promise
  drain.abort()
  await turn
  hanging = false
  await work(await claim())
  expect((await engine.ended(id)).nodes[0]).toMatchObject({ status: 'completed', retry_count: 1 })
})

test('a long pause before a retry gives the worker back, and the timer wakes the execution', async () => {
  execute = async ({ attempt }) => (attempt === 1 ? broken : done)
  const id = await begin(['a'], {
    policies: { a: { retry: { backoff: 'constant', delay_ms: 200_000_000, max_delay_ms: 200_000_000 } } },
  })
  await work(await claim())
  const [row] = await engine.pool.rows(sql('test.parked')`
    select status, parked_reason, wake_at > now() as later from public.executions where id = ${id}`)
  expect(row).toEqual({ status: 'running', parked_reason: 'retry', later: true })
  expect(await engine.queue.fetch(1)).toEqual([])
  expect(await wakeDue(wakeDeps())).toBe(0)

  // Its time comes: in the row, and for the worker that goes on with it.
  await engine.pool.run(sql('test.due')`update public.executions set wake_at = now() where id = ${id}`)
  expect(await Promise.all([wakeDue(wakeDeps()), wakeDue(wakeDeps())])).toContain(1)
  await work(await claim(), {}, { ...engine.deps, databaseClock: inFourDays })
  expect(await engine.ended(id)).toMatchObject({ status: 'completed' })
  expect(await eventTypes(id)).toContain('execution_woken')
})

test('an execution whose job is gone is rescued with a new one', async () => {
  execute = async () => done
  const id = await begin(['a'])
  await engine.pool.run(sql('test.lose')`delete from pgboss.job where id = ${id}`)
  expect(await rescueSilent(wakeDeps(), 0)).toBe(1)
  expect(await rescueSilent(wakeDeps(), 0)).toBe(0)
  await work(await claim())
  expect(await engine.ended(id)).toMatchObject({ status: 'completed' })
})

test('an execution that lost every worker fails with the reason', async () => {
  const id = await begin(['a -> b'])
  await exhaust([await claim()])
  expect(await buryDead(wakeDeps())).toBe(1)
  const execution = await engine.ended(id)
  expect(execution).toMatchObject({ status: 'failed', error: expect.stringContaining('WORKER_LOST') })
  expect(execution.nodes.map(node => node.status)).toEqual(['skipped', 'skipped'])
})

test('a job of an earlier turn is settled without a trace', async () => {
  execute = async () => done
  const id = await begin(['a'])
  const job = await claim()
  await engine.pool.run(sql('test.turn')`update public.executions set turn = 1 where id = ${id}`)
  await work(job)
  expect(await eventTypes(id)).toEqual([])
  expect(await engine.queue.live([job.id])).toEqual(new Set())
})

test('an execution that lost every worker before it wrote anything is buried, not rescued for ever', async () => {
  const id = await begin(['a'])
  await exhaust([await claim()])
  await engine.pool.run(sql('test.silence')`
    update public.executions set updated_at = now() - interval '5 minutes' where id = ${id}`)
  const { rescue } = createWakeServices(wakeDeps(), () => {})
  await rescue.start()
  expect(await engine.ended(id)).toMatchObject({ status: 'failed', error: expect.stringContaining('WORKER_LOST') })
  await rescue.stop()
})

test('a dead letter that cannot be buried does not keep others from it', async () => {
  const cursed = await begin(['a'])
  const first = await claim()
  const other = await begin(['a -> b'])
  await exhaust([first, await claim()])
  const eventLog: EventLog = {
    ...engine.eventLog,
    read: id => (id === cursed ? Promise.reject(new Error('cannot be read')) : engine.eventLog.read(id)),
  }
  expect(await buryDead({ ...wakeDeps(), eventLog })).toBe(1)
  expect((await engine.ended(other)).status).toBe('failed')
})

test('a claim that is left over from a turn that parked drives nothing: the timer wakes the execution', async () => {
  let job: Job | undefined
  let attempts = 0
  execute = async () => {
    attempts++
    // The lease lapses while the attempt runs; the append that parks still passes the fence.
    await engine.pool.run(sql('test.lapse')`update pgboss.job set state = 'retry' where id = ${job?.id}`)
    return broken
  }
  const id = await begin(['a'], {
    policies: { a: { retry: { backoff: 'constant', delay_ms: 200_000_000, max_delay_ms: 200_000_000 } } },
  })
  job = await claim()
  await work(job)
  await work(await claim(), {}, { ...engine.deps, databaseClock: inFourDays })
  expect(attempts).toBe(1)
  expect(await eventTypes(id)).toEqual([
    'workflow_started',
    'wave_started',
    'node_started',
    'node_retrying',
    'execution_parked',
  ])
  expect(await engine.queue.live([job.id])).toEqual(new Set())
})

test.each([3_600_000, -3_600_000])(
  'a worker whose clock is wrong by %d ms ends nothing that has time left',
  async wrong => {
    const begun = Promise.withResolvers<void>()
    const hang = Promise.withResolvers<Outcome>()
    execute = ({ attempt }) => {
      begun.resolve()
      return attempt === 1 ? hang.promise : Promise.resolve(done)
    }
    const [id = ''] = await engine.begin(
      await engine.publish({ ...documentOf(['a']), settings: { timeout_ms: 600_000 } }),
      [{}],
    )
    const job = await claim()
    const zombie = work(job)
    await begun.promise
    const clock = { ...systemClock, now: () => systemClock.now() + wrong }
    await work(await claimAgain(job), {}, { ...engine.deps, databaseClock: createDatabaseClock(clock) })
    expect(await engine.ended(id)).toMatchObject({ status: 'completed' })
    hang.resolve(done)
    await zombie
  },
)

test('a wake that the database does not answer is left to the next pass: stopping does not wait for it', async () => {
  const id = await begin(['a'])
  await claim()
  await engine.pool.run(sql('test.park')`
    update public.executions set status = 'running', started_at = now(), wake_at = now(), parked_reason = 'retry'
    where id = ${id}`)
  const asked = Promise.withResolvers<void>()
  const away = Object.assign(new Error('nobody there'), { code: 'ECONNREFUSED' })
  const cut = await createTestEngine({
    ...engine.pool,
    async atOnce() {
      asked.resolve()
      throw away
    },
    rows: async <R>(statement: Statement) => {
      if (statement.name === 'event.findWritten') throw away
      return engine.pool.rows<R>(statement)
    },
  })
  const { timers } = createWakeServices(cut.deps, () => {})
  await timers.start()
  await asked.promise
  await timers.stop()
  await cut.stop()
})

function wakeDeps() {
  return { ...engine.deps, log: engine.deps.log }
}
