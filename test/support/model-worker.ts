// The workers of a lane: at most one that holds the execution, and those that were given up for dead. Their attempts end
// when the test says so, and their clock is moved by whole hours.
import { createDatabaseClock, systemClock } from '../../src/base/clock.ts'
import type { Pool } from '../../src/db/pool.ts'
import { sql } from '../../src/db/sql.ts'
import { createAdvance } from '../../src/execution/advance.ts'
import type { TurnDeps } from '../../src/execution/turn.ts'
import type { NodeContext, Outcome } from '../../src/node/node-type.ts'
import { createTestEngine, scripted, type TestEngine } from './engine.ts'

export const HOUR_MS = 3_600_000

interface Worker {
  readonly lost: AbortController
  readonly drain: AbortController
  /** What ends its attempts, by the keys of their nodes. */
  readonly attempts: Map<string, (outcome: Outcome) => void>
  /** As a process that is stopped: it hears nothing. */
  isDeaf: boolean
  hasLeft: boolean
  done: Promise<void>
}

export interface Workers {
  readonly engine: TestEngine
  /** Keys of the nodes that the worker is at; undefined when there is none. */
  atWork(): Promise<string[] | undefined>
  /** Resolves when one of them did something, or after a short while. */
  news(): Promise<void>
  claim(): Promise<void>
  /** The one that holds it is gone, or only stands still; the queue gives its job to another. */
  crash(isGone: boolean): Promise<void>
  drain(): void
  endAttempt(key: string, outcome: Outcome): void
  passHour(): void
  /** Those that were given up for dead go on, each until it finds that it is; false if one of them does not. */
  raise(outcome: Outcome): Promise<boolean>
  /** Nobody works on, no job is left, and it is the first hour. */
  clear(): Promise<void>
}

/** What has not come by then does not come. */
export const PATIENCE_MS = 8_000
const LOOK_ANYWAY_MS = 20

export async function createWorkers(pool: Pool): Promise<Workers> {
  const clock = createDatabaseClock(systemClock)
  let hour = 0
  let worker: Worker | undefined
  let deadOnes: Worker[] = []
  let news = Promise.withResolvers<void>()
  const tell = (): void => {
    news.resolve()
    news = Promise.withResolvers()
  }
  const engine = await createTestEngine(pool, {
    nodeTypes: scripted(context => attemptBy(worker, context, tell)),
    databaseClock: { now: () => clock.now() + hour * HOUR_MS, observe: clock.observe },
    drainTimeout: 0,
  })
  const append: TurnDeps['eventLog']['append'] = (one, signal) =>
    engine.eventLog.append(one, signal).finally(() => setImmediate(tell))

  return {
    engine,
    async atWork() {
      if (worker?.hasLeft) await worker.done
      return worker === undefined || worker.hasLeft ? undefined : [...worker.attempts.keys()].sort()
    },
    news: () => Promise.race([news.promise, systemClock.sleep(LOOK_ANYWAY_MS)]),
    async claim() {
      const [job] = await engine.queue.fetch(1)
      if (job === undefined) throw new Error('there is no job')
      const mine = newWorker()
      worker = mine
      const attend: TurnDeps['commands']['attend'] = (id, hear) =>
        engine.commands.attend(id, sequence => mine.isDeaf || hear(sequence))
      const deps = { ...engine.deps, eventLog: { ...engine.eventLog, append }, commands: { attend } }
      const held = { job, lost: mine.lost.signal, drain: mine.drain.signal }
      const [done = Promise.resolve()] = createAdvance(deps)([held])
      mine.done = done.finally(() => {
        mine.hasLeft = true
        tell()
      })
    },
    async crash(isGone) {
      if (worker === undefined) return
      worker.isDeaf = true
      if (isGone) worker.lost.abort()
      deadOnes.push(worker)
      worker = undefined
      await pool.run(sql('model.lapse')`update pgboss.job set state = 'retry' where state = 'active'`)
    },
    drain: () => worker?.drain.abort(),
    endAttempt(key, outcome) {
      const end = worker?.attempts.get(key)
      worker?.attempts.delete(key)
      end?.(outcome)
    },
    passHour() {
      hour++
    },
    async raise(outcome) {
      for (const dead of deadOnes) {
        dead.isDeaf = false
        for (const end of dead.attempts.values()) end(outcome)
      }
      await engine.commands.look()
      const all = Promise.all(deadOnes.map(dead => dead.done))
      const areGone = await Promise.race([all.then(() => true), systemClock.sleep(PATIENCE_MS).then(() => false)])
      if (areGone) deadOnes = []
      return areGone
    },
    async clear() {
      const all = [...deadOnes, ...(worker ? [worker] : [])]
      for (const { lost } of all) lost.abort()
      await Promise.all(all.map(one => one.done))
      await pool.run(sql('model.clear')`delete from pgboss.job`)
      deadOnes = []
      worker = undefined
      hour = 0
    },
  }
}

function newWorker(): Worker {
  const [lost, drain] = [new AbortController(), new AbortController()]
  return { lost, drain, attempts: new Map(), isDeaf: false, hasLeft: false, done: Promise.resolve() }
}

/** Runs until the test ends it, or somebody aborts it. */
function attemptBy(worker: Worker | undefined, { log, signal }: NodeContext, tell: () => void): Promise<Outcome> {
  const key = String(log.bindings().node)
  const end = Promise.withResolvers<Outcome>()
  worker?.attempts.set(key, end.resolve)
  signal.addEventListener('abort', () => {
    if (worker?.attempts.get(key) === end.resolve) worker.attempts.delete(key)
    end.reject(signal.reason)
  })
  tell()
  return end.promise
}
