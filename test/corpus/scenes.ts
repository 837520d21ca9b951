// The kinds of runs of which the corpus has a history. Each plays one execution on a real engine; which events come in
// which order is settled by the scene, not by the machine.
import { expect } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { Json, JsonObject } from '../../src/base/json.ts'
import type { Pool } from '../../src/db/pool.ts'
import { sql } from '../../src/db/sql.ts'
import { admitWaiting } from '../../src/execution/admit.ts'
import { createAdvance } from '../../src/execution/advance.ts'
import { seeToSplits } from '../../src/execution/children.ts'
import { letBegin } from '../../src/execution/pace.ts'
import { buryDead, rescueSilent, wakeDue } from '../../src/execution/wake.ts'
import type { Failed, NodeContext, Outcome } from '../../src/node/node-type.ts'
import type { Job } from '../../src/queue/queue.ts'
import { queueOf } from '../../src/queue/queues.ts'
import { hanging, type Scene, type Setting, scene } from '../support/control-scene.ts'

export interface Kind {
  readonly about: string
  /** The scene, played to the point at which its history ends. */
  play(pool: Pool): Promise<Scene>
}

type Execute = (key: string, context: NodeContext) => Promise<Outcome>

const completed = (output: JsonObject = {}, branches?: string[]): Outcome => ({
  kind: 'completed',
  output,
  ...(branches ? { branches } : {}),
})
const failed = (code: string, retryable = false): Failed => ({
  kind: 'failed',
  error: { code, message: 'it broke', retryable, details: { by: 'the corpus' } },
})
const by: Execute = async (key, { scope }) => completed({ by: key, of: scope.input })
/** Longer than a worker holds an execution for it. */
const LONG_MS = 200_000_000
const late = { retry: { backoff: 'constant', delay_ms: LONG_MS, max_delay_ms: LONG_MS } } as const

/** Runs to its end by itself. */
function plain(about: string, setting: Setting, execute: Execute = by): Kind {
  return {
    about,
    async play(pool) {
      const one = await scene(pool, setting, execute)
      await one.work()
      await one.engine.ended(one.id)
      return one
    },
  }
}

async function claim({ engine }: Scene, pool?: string): Promise<Job> {
  const [job] = await engine.queue.fetch(1, queueOf(pool))
  if (job === undefined) throw new Error('there is no job')
  return job
}

/** What a worker does with a job it holds. */
function hold({ engine }: Scene, job: Job, drain = new AbortController().signal): Promise<void> {
  const [turn] = createAdvance(engine.deps)([{ job, lost: new AbortController().signal, drain }])
  return turn ?? Promise.reject(new Error('no turn'))
}

/** Its time comes: nobody waits for days. */
async function wake({ engine, id }: Scene): Promise<void> {
  await engine.pool.run(sql('corpus.due')`update public.executions set wake_at = now() where id = ${id}`)
  expect(await wakeDue(engine.deps)).toBe(1)
}

export const kinds: Readonly<Record<string, Kind>> = {
  diamond: plain('four nodes in three waves, all of which complete', {
    lines: ['a -> b', 'a -> c', 'b -> d', 'c -> d'],
  }),
  'skipped-branch': plain(
    'branches and conditions, taken and not, and a node behind both',
    {
      lines: [
        'a -> b branch big',
        'a -> c branch small',
        'b -> d when output.ok',
        'b -> e',
        'c -> f',
        'd -> f',
        'e -> f',
      ],
    },
    async key => completed({ by: key, ok: false }, key === 'a' ? ['big'] : undefined),
  ),
  'node-failed': plain(
    'a failure that nothing handles: siblings end, what comes after is not reached',
    { lines: ['a -> b', 'a -> c', 'b -> d', 'c -> d'] },
    async key => (key === 'b' ? failed('BROKEN') : completed({ by: key })),
  ),
  'failure-handler': plain(
    'a failure whose handler is not there',
    { lines: ['a -> b'], settings: { on_failure: 'nobody' } },
    async () => failed('BROKEN'),
  ),
  compensated: plain(
    'what completed is undone before it fails; one of the nodes that do is tried again',
    {
      lines: ['a -> c', 'b -> c', 'c -> d', 'ua', 'ub', 'uc'],
      policies: {
        a: { compensate: 'ua' },
        c: { compensate: 'uc' },
        d: { compensate: 'ub' },
        ua: { retry: { backoff: 'constant', delay_ms: 1 } },
      },
    },
    async (key, { attempt }) =>
      key === 'd' ? failed('BROKEN') : key === 'ua' && attempt === 1 ? failed('BUSY', true) : completed({ by: key }),
  ),
  'compensation-failed': plain(
    'something that could not be undone, and something after it that could',
    { lines: ['a -> b', 'b -> c', 'ua', 'ub'], policies: { a: { compensate: 'ua' }, b: { compensate: 'ub' } } },
    async key => (key === 'c' || key === 'ub' ? failed('BROKEN') : completed({ by: key })),
  ),
  'compensated-retry': {
    about: 'cancelled and undone, then retried: what was undone begins anew; undone again, and rerun',
    async play(pool) {
      let breaks = 0
      const node = hanging()
      const one = await scene(
        pool,
        { lines: ['a -> b', 'x', 'ua', 'ux'], policies: { a: { compensate: 'ua' }, x: { compensate: 'ux' } } },
        (key, context) => {
          if (key === 'b' && breaks++ === 0) return node.attempt(context)
          return Promise.resolve(
            (key === 'b' && breaks === 2) || key === 'ux' ? failed('BROKEN') : completed({ by: key }),
          )
        },
      )
      await one.work()
      await node.begun
      await one.ask('cancel')
      await one.engine.ended(one.id)
      await one.ask('retry')
      await one.engine.ended(one.id)
      await one.ask({ verb: 'rerun', node: 'b', input: { by: 'hand' } })
      await one.engine.ended(one.id)
      return one
    },
  },
  'error-edge': plain(
    'failures that are handled: by an edge on error, and by going on',
    { lines: ['a -> b on error', 'a -> c on success', 'b -> d'], policies: { b: { on_error: 'continue' } } },
    async key => (key === 'a' || key === 'b' ? failed('BROKEN') : completed({ by: key })),
  ),
  'strategy-continue': plain(
    'failures that stop nothing: two branches fail, a third goes on, one node joins what is left',
    {
      lines: ['a -> d', 'b -> e', 'c -> f', 'd -> g', 'f -> g'],
      policies: { g: { join: { n_of: 1 } } },
      settings: { error_strategy: 'continue' },
    },
    async key => (key === 'a' || key === 'e' ? failed('BROKEN') : completed({ by: key })),
  ),
  'strategy-require': plain(
    'failures that do not matter: one of two last nodes completes, and that is enough',
    { lines: ['a -> b', 'c -> d'], settings: { error_strategy: { require_n: 1 } } },
    async key => (key === 'a' ? failed('BROKEN') : completed({ by: key })),
  ),
  retries: plain(
    'two retries on the worker that runs it',
    { lines: ['a -> b'], policies: { a: { retry: { backoff: 'constant', delay_ms: 1 } } } },
    async (key, { attempt }) => (key === 'a' && attempt < 3 ? failed('BUSY', true) : completed({ attempt })),
  ),
  'retries-exhausted': plain(
    'as many attempts as its policy allows, all of which fail',
    { lines: ['a -> b'], policies: { a: { retry: { max_attempts: 2, backoff: 'constant', delay_ms: 1 } } } },
    async () => failed('BUSY', true),
  ),
  timeout: plain(
    'a node that takes longer than it may',
    { lines: ['a -> b'], policies: { a: { timeout_ms: 20 } } },
    (_, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  ),
  'execution-timeout': plain(
    'an execution that takes longer than it may',
    { lines: ['a -> b', 'b -> c'], settings: { timeout_ms: 100 } },
    (key, { signal }) =>
      key === 'a'
        ? Promise.resolve(completed())
        : new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  ),
  cancel: {
    about: 'cancelled while a node ran',
    async play(pool) {
      const node = hanging()
      const one = await scene(pool, { lines: ['a -> b', 'b -> c'] }, (key, context) =>
        key === 'b' ? node.attempt(context) : by(key, context),
      )
      await one.work()
      await node.begun
      await one.ask({ verb: 'cancel', reason: 'no longer needed' })
      await one.engine.ended(one.id)
      return one
    },
  },
  'cancel-pending': {
    about: 'cancelled before any worker took it, and retried',
    async play(pool) {
      const one = await scene(pool, { lines: ['a -> b'] }, by)
      await one.ask('cancel')
      await one.ask('retry')
      await one.work()
      await one.engine.ended(one.id)
      return one
    },
  },
  'pause-resume': {
    about: 'paused while a node ran, resumed, and a pause that was taken back',
    async play(pool) {
      const first = hanging()
      const second = hanging()
      const one = await scene(
        pool,
        { lines: ['a -> b', 'b -> c'], settings: { timeout_ms: 600_000 } },
        (key, context) =>
          key === 'a' ? first.attempt(context) : key === 'b' ? second.attempt(context) : by(key, context),
      )
      await one.work()
      await first.begun
      await one.ask('pause')
      first.release(completed({ by: 'a' }))
      await one.becomes('paused')
      await one.ask({ verb: 'resume', reason: 'go on' })
      await second.begun
      await one.ask('pause')
      await one.ask('resume')
      second.release(completed({ by: 'b' }))
      await one.engine.ended(one.id)
      return one
    },
  },
  paused: {
    about: 'paused before any worker took it; it still is',
    async play(pool) {
      const one = await scene(pool, { lines: ['a'] }, by)
      await one.ask({ verb: 'pause', reason: 'not now' })
      return one
    },
  },
  retry: {
    about: 'retried by an operator: what had completed stays, what failed and was not reached runs',
    async play(pool) {
      let broken = true
      const one = await scene(
        pool,
        { lines: ['a -> b', 'b -> c'], policies: { b: { retry: { delay_ms: 1 } } } },
        (key, context) => (key === 'b' && broken ? Promise.resolve(failed('BROKEN')) : by(key, context)),
      )
      await one.work()
      await one.engine.ended(one.id)
      broken = false
      await one.ask({ verb: 'retry', reason: 'mended' })
      await one.engine.ended(one.id)
      return one
    },
  },
  rerun: {
    about: 'rerun twice from nodes in the middle, with and without another input',
    async play(pool) {
      const one = await scene(pool, { lines: ['a -> b', 'a -> c', 'b -> d', 'c -> d'] }, by)
      await one.work()
      await one.engine.ended(one.id)
      await one.ask({ verb: 'rerun', node: 'b', input: { changed: true } })
      await one.engine.ended(one.id)
      await one.ask({ verb: 'rerun', node: 'd' })
      await one.engine.ended(one.id)
      return one
    },
  },
  redrive: {
    about: 'a dead letter that was redriven',
    async play(pool) {
      const one = await scene(pool, { lines: ['a -> b'] }, by)
      const job = await claim(one)
      await pool.run(sql('corpus.bury')`
        with gone as (delete from pgboss.job where id = ${job.id} returning data)
        insert into pgboss.job (name, data) select 'exec_dead', data from gone`)
      expect(await buryDead(one.engine.deps)).toBe(1)
      await one.ask({ verb: 'redrive', reason: 'the memory was too small' })
      await one.work()
      await one.engine.ended(one.id)
      return one
    },
  },
  'hand-over': {
    about: 'handed over by a worker that drained, in the middle of an attempt',
    async play(pool) {
      const begun = Promise.withResolvers<void>()
      const one = await scene(pool, { lines: ['a -> b'] }, (key, context) => {
        if (key === 'a' || context.attempt > 1) return by(key, context)
        begun.resolve()
        return new Promise((_, reject) => context.signal.addEventListener('abort', () => reject(context.signal.reason)))
      })
      const drain = new AbortController()
      const turn = hold(one, await claim(one), drain.signal)
      await begun.promise
      drain.abort()
      await turn
      await one.work()
      await one.engine.ended(one.id)
      return one
    },
  },
  'take-over': {
    about: 'taken over from a worker that was lost in the middle of an attempt',
    async play(pool) {
      const begun = Promise.withResolvers<void>()
      const never = Promise.withResolvers<Outcome>()
      const one = await scene(pool, { lines: ['a -> b'] }, (key, context) => {
        if (key === 'a' || context.attempt > 1) return by(key, context)
        begun.resolve()
        return never.promise
      })
      const job = await claim(one)
      const lost = hold(one, job)
      await begun.promise
      await pool.run(sql('corpus.lapse')`update pgboss.job set state = 'retry' where id = ${job.id}`)
      await hold(one, await claim(one))
      await one.engine.ended(one.id)
      never.resolve(completed())
      await lost
      return one
    },
  },
  rescued: {
    about: 'given a new job after its own was lost',
    async play(pool) {
      const one = await scene(pool, { lines: ['a -> b'] }, by)
      await pool.run(sql('corpus.lose')`delete from pgboss.job where id = ${one.id}`)
      expect(await rescueSilent(one.engine.deps, 0)).toBe(1)
      await one.work()
      await one.engine.ended(one.id)
      return one
    },
  },
  'mapped-input': plain('an input that its trigger maps', {
    lines: ['a -> b'],
    row: {
      triggerData: { type: 'manual', key: 'now', request: { input: { who: 'Ada' } } },
      input: { greeting: 'hello' },
      mapping: { who: '{{ trigger.request.input.who }}' },
    },
  }),
  'mapping-failed': plain('an input mapping that finds nothing', {
    lines: ['a -> b'],
    row: { triggerData: { type: 'manual', key: 'now' }, input: {}, mapping: { who: '{{ trigger.nobody }}' } },
  }),
  parked: {
    about: 'parked until a retry that is days away; it still is',
    async play(pool) {
      const one = await scene(pool, { lines: ['a -> b'], policies: { a: late } }, async () => failed('BUSY', true))
      await hold(one, await claim(one))
      return one
    },
  },
  'parked-cancelled': {
    about: 'parked until a retry, and cancelled',
    async play(pool) {
      const one = await scene(pool, { lines: ['a -> b'], policies: { a: late } }, async () => failed('BUSY', true))
      await hold(one, await claim(one))
      await one.ask('cancel')
      await one.work()
      await one.engine.ended(one.id)
      return one
    },
  },
  waiting: {
    about: 'a node that waits for days, beside one that completes; woken, it waits on',
    async play(pool) {
      const one = await scene(pool, { lines: ['a -> c', 'b -> c'] }, async key =>
        key === 'a' ? { kind: 'parked', until: LONG_MS } : completed({ by: key }),
      )
      await hold(one, await claim(one))
      await wake(one)
      await hold(one, await claim(one))
      return one
    },
  },
  waited: {
    about: 'nodes that waited and then completed with their input, and with an end that was foreseen',
    async play(pool) {
      const one = await scene(pool, { lines: ['a -> b', 'b -> c branch late'] }, async (key, context) => {
        if (key === 'a') return { kind: 'parked', until: 1 }
        if (key === 'b')
          return { kind: 'parked', until: 1, end: { kind: 'completed', output: { by: key }, branches: ['late'] } }
        return by(key, context)
      })
      await one.work()
      for (let over = false; !over; await systemClock.sleep(5)) {
        await wakeDue(one.engine.deps)
        over = (await one.types()).includes('workflow_completed')
      }
      return one
    },
  },
  limited: {
    about: 'waiting for a place under the limit of its workflow; it still does',
    play: async pool => (await limited(pool, 'limited')).one,
  },
  admitted: {
    about:
      'waited for a place, left the line while it was paused, waited again, and got one; the same when it was retried',
    async play(pool) {
      const { one, takeWhileFull } = await limited(pool, 'admitted')
      await one.ask('pause')
      await one.ask('resume')
      await takeWhileFull()
      await admit(one)
      await one.ask('cancel')
      await one.ask('retry')
      await takeWhileFull()
      await admit(one)
      await hold(one, await claim(one))
      return one
    },
  },
  throttled: {
    about: 'waiting for its time under the rate of its workflow; it still does',
    async play(pool) {
      const rate = { limit: 1, period_ms: LONG_MS }
      const one = await scene(pool, { lines: ['a'], settings: { concurrency: { max: 2 }, rate } }, by)
      const { workflowId } = await rowOf(one)
      await one.engine.begin(workflowId, ['other'], { priority: 1 })
      await hold(one, await claim(one))
      await hold(one, await claim(one))
      return one
    },
  },
  passed: {
    about:
      'waited for its time, left the line while it was paused, waited again, and began; and once more when it was retried',
    async play(pool) {
      const rate = { limit: 1, period_ms: LONG_MS, key: 'execution.workflow' }
      const one = await scene(pool, { lines: ['a -> b'], settings: { rate } }, by)
      const { workflowId } = await rowOf(one)
      const full = async (isFull: boolean): Promise<void> =>
        void (await pool.run(sql('corpus.bucket')`
          update public.rate_buckets set missing = ${isFull ? 1 : 0}, counted_at = now(), wake_at = now()`))
      const begin = async (): Promise<void> => {
        await full(false)
        expect(await letBegin({ ...one.engine.deps, ids: one.engine.ids }, ['test/"test"'])).toBe(1)
      }
      await one.engine.begin(workflowId, ['other'], { priority: 1 })
      await hold(one, await claim(one))
      await hold(one, await claim(one))
      await one.ask('pause')
      await one.ask('resume')
      await hold(one, await claim(one))
      await begin()
      await one.ask('cancel')
      await one.ask('retry')
      await full(true)
      await hold(one, await claim(one))
      await begin()
      await hold(one, await claim(one))
      return one
    },
  },
  pooled: {
    about: 'nodes of two pools in one wave, and what follows them on any worker',
    async play(pool) {
      const policies = { b: { pool: 'gpu' }, c: { pool: 'slow' } }
      const setting = { lines: ['a -> b', 'a -> c', 'b -> d', 'c -> d'], policies, settings: { timeout_ms: 600_000 } }
      const one = await scene(pool, setting, by)
      for (const name of [undefined, 'gpu', 'slow', undefined]) await hold(one, await claim(one, name))
      return one
    },
  },
  'pool-cancelled': {
    about: 'cancelled while it waited for a worker of a pool',
    async play(pool) {
      const one = await scene(pool, { lines: ['a -> b'], policies: { b: { pool: 'gpu' } } }, by)
      await hold(one, await claim(one))
      await one.ask('cancel')
      await hold(one, await claim(one))
      return one
    },
  },
  'called-back': {
    about: 'nodes that waited to be called back: one was, after a pause, and of the other the time ran out',
    async play(pool) {
      const one = await scene(pool, { lines: ['a -> c', 'b -> d on error'] }, async (key, context) => {
        if (key === 'a') return { kind: 'parked', until: LONG_MS, callback: true }
        if (key === 'b') return { kind: 'parked', until: 1, callback: true, end: failed('CALLBACK_TIMEOUT') }
        return by(key, context)
      })
      await hold(one, await claim(one))
      await one.quietly('pause')
      await one.quietly({ verb: 'callback', node: 'a', generation: 0, output: { approved: true } })
      await one.quietly('resume')
      await one.work()
      await one.engine.ended(one.id)
      return one
    },
  },
  splitting: {
    about: 'waiting for the items of a split, beside a node that completed; it still does',
    async play(pool) {
      const one = await scene(pool, { lines: [...SPLIT.lines, 'x -> z'], types: SPLIT.types }, splits([1, 2]))
      await hold(one, await claim(one))
      return one
    },
  },
  split: {
    about: 'a split of whose items one fails, and the others go on',
    async play(pool) {
      const one = await scene(pool, SPLIT, splits([1, 'bad', 3], 'collect'))
      await one.work()
      await seeToItems(one, ['completed', 'failed', 'completed'])
      await one.engine.ended(one.id)
      return one
    },
  },
  'split-retried': {
    about: 'a split that failed with one of its items, and was retried: the items that had completed stay',
    async play(pool) {
      let isBad = true
      const one = await scene(pool, SPLIT, (key, context) => splits([1, 'bad'], 'fail', isBad)(key, context))
      await one.work()
      await seeToItems(one, ['completed', 'failed'])
      await one.engine.ended(one.id)
      isBad = false
      await one.ask('retry')
      await one.becomes('running')
      await seeToItems(one, ['completed', 'completed'])
      await one.engine.ended(one.id)
      return one
    },
  },
}

const SPLIT = { lines: ['each -> body', 'body -> all'], types: { each: 'split', all: 'merge' } }

/** An item fails that is `bad`. */
function splits(items: Json[], onItemError: 'collect' | 'fail' = 'fail', isBad = true): Execute {
  return async (key, { scope, items: results = [] }) => {
    if (key === 'each') return { kind: 'split', items, maxParallel: 2, onItemError }
    if (key === 'all') return { kind: 'completed', output: [...results] }
    return isBad && scope.item === 'bad' ? failed('BROKEN') : completed({ of: scope.item ?? null })
  }
}

/** Does what is to be done about its split until its items stand so, and are gathered. */
async function seeToItems({ engine, id }: Scene, wanted: readonly string[]): Promise<void> {
  const deps = { ...engine.deps, ids: engine.ids }
  for (let standing = ''; standing !== wanted.join(); await systemClock.sleep(5)) {
    await seeToSplits(deps, [id])
    const rows = await engine.pool.rows<{ status: string }>(sql('corpus.items')`
      select status from public.executions where parent_execution_id = ${id} order by item_index`)
    standing = rows.map(row => row.status).join()
  }
  await seeToSplits(deps, [id])
}

interface Limited {
  readonly one: Scene
  /** A worker takes it while another execution of its workflow has the only place. */
  takeWhileFull(): Promise<void>
}

/** Waiting already. */
async function limited(pool: Pool, kind: string): Promise<Limited> {
  let other = hanging()
  const row = { triggerData: { kind } }
  const setting = { lines: ['a -> b'], settings: { concurrency: { max: 1, key: 'trigger.kind' } }, row }
  const one = await scene(pool, setting, (key, context) =>
    context.scope.input === 'other' && key === 'a' ? other.attempt(context) : by(key, context),
  )
  const { workflowId } = await rowOf(one)
  const takeWhileFull = async (): Promise<void> => {
    other = hanging()
    await one.engine.begin(workflowId, ['other'], { ...row, priority: 1 })
    const turn = hold(one, await claim(one))
    await other.begun
    await hold(one, await claim(one))
    other.release(completed())
    await turn
  }
  await takeWhileFull()
  return { one, takeWhileFull }
}

async function admit({ engine }: Scene): Promise<void> {
  expect(await admitWaiting({ ...engine.deps, ids: engine.ids }, ['test/"admitted"'])).toMatchObject({ admitted: 1 })
}

async function rowOf({ engine, id }: Scene): Promise<{ workflowId: string }> {
  const [row] = await engine.pool.rows<{ workflowId: string }>(sql('corpus.workflow')`
    select workflow_id as "workflowId" from public.executions where id = ${id}`)
  if (row === undefined) throw new Error(`execution ${id} is gone`)
  return row
}
