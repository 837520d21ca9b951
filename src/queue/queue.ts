// The only importer of pg-boss. Invariants:
// 1. The id of a job that carries one turn is derived from (execution, turn), so enqueueing it twice is a no-op.
// 2. Workers settle and touch jobs by job object, never by id alone: a stale claim settles nothing.
// 3. `enqueue` and `settle` join the caller's transaction; a job exists if and only if what it belongs to was committed.
// 4. A settled job is deleted: the event log tells its story, and the table stays as small as what is queued.
// 5. A job may carry the first turns of several executions; such a job is settled once all of them are done with.
// 6. Claims keep their pace on statistics that were made for another size of the queue (cold plans).
import { createHash } from 'node:crypto'
import { PgBoss } from 'pg-boss'
import { MbflowError, messageOf } from '../base/errors.ts'
import { failpoint } from '../base/failpoint.ts'
import type { Logger } from '../base/log.ts'
import type { Service } from '../base/service.ts'
import { findByKey } from '../db/by-key.ts'
import { createPool, despiteConflicts, type Pool, type RawDb, type Tx } from '../db/pool.ts'
import { liveJobs, type Unserved, unservedPools } from './queue-store.ts'
import { POOL_QUEUES, type QueueName, queueOf, queues } from './queues.ts'
import { createStatistics } from './statistics.ts'

/** Identifies one claim of a job; what `settle` and `touch` need. */
export interface JobClaim {
  readonly id: string
  readonly retryCount: number
  readonly queue: QueueName
  /** Whether it carries the turns of several executions: whoever claimed it settles it, none of those who end a turn. */
  readonly isShared: boolean
}

export interface NewJob {
  readonly id: string
  /** Whose turns it carries. */
  readonly executionIds: readonly string[]
  readonly turn: number
  readonly priority: number
  /** Whose workers are to take it; absent = any that serves the default. */
  readonly pool?: string | undefined
}

/** A job by its turn, wherever it is. */
export type JobName = Pick<NewJob, 'id' | 'pool'>

/** One turn of those a claimed job carries. */
export interface Job extends JobClaim {
  readonly executionId: string
  readonly turn: number
}

export interface Queue extends Service {
  enqueue(tx: Tx, jobs: readonly NewJob[]): Promise<void>
  /** Ends the jobs still held under these claims, but for shared ones. */
  settle(tx: RawDb, jobs: readonly JobClaim[]): Promise<void>
  /** Ends the jobs still held under these claims, shared or not: all that they carried is done with. */
  finish(jobs: readonly JobClaim[]): Promise<unknown>
  /** Removes jobs that no worker needs to look at any more, queued or held; who holds one finds its claim lost. */
  withdraw(tx: RawDb, jobs: readonly JobName[]): Promise<void>
  /** `enqueue` and `settle`, ready to be sent together with other statements (`pool.atOnce`). */
  change(jobs: { enqueue: readonly NewJob[]; settle: readonly JobClaim[] }): Promise<Ready<unknown>>
  /** Claims up to `limit` jobs, and resolves to the turns they carry; ends the jobs still held under `finished` claims. */
  fetch(limit: number, queue?: QueueName, finished?: readonly JobClaim[]): Promise<Job[]>
  /** Renews the claims; resolves to the ids still held. */
  touch(jobs: readonly JobClaim[]): Promise<Set<string>>
  /** Those of the ids that are queued or held. */
  live(ids: readonly string[]): Promise<Set<string>>
  /** Pools of which jobs have waited for `patience` milliseconds while no worker holds one. */
  unserved(patience: number): Promise<Unserved[]>
}

const SCHEMA = 'pgboss'
const BATCH_SIZES = [200, 100, 50, 20, 10, 5, 2, 1]
/** No job of ours has a group: the limit changes nothing but the form of the claim, to one that finds jobs by their ids. */
const NO_GROUPS = 1

interface Payload {
  readonly executionId?: string | undefined
  /** Of a shared job. */
  readonly executionIds?: readonly string[]
  readonly turn: number
}

interface BossDb {
  executeSql(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>
}

/** Sends its statement before it returns. May be sent once. */
export type Ready<T> = (tx: RawDb) => Promise<T>

/** Runs a call of pg-boss up to its one statement. */
function ready<T>(call: (db: BossDb) => Promise<T>): Promise<Ready<T>> {
  return new Promise((resolve, reject) => {
    const { promise: answer, ...settle } = Promise.withResolvers<{ rows: unknown[] }>()
    const done = call({
      executeSql(text, values) {
        resolve(tx => {
          prepared(tx).executeSql(text, values).then(settle.resolve, settle.reject)
          return done
        })
        return answer
      },
    })
    done.catch(reject)
  })
}

/** pg-boss sends unnamed statements; a name per text makes PostgreSQL parse and plan each of them once. */
function prepared(db: RawDb): BossDb {
  return { executeSql: (text, values) => db.executeSql({ name: statementName(text), text, values: values ?? [] }) }
}

const statementNames = new Map<string, string>()
function statementName(text: string): string {
  let name = statementNames.get(text)
  if (name === undefined) {
    name = `queue:${createHash('sha1').update(text).digest('hex').slice(0, 12)}`
    statementNames.set(text, name)
  }
  return name
}

export function createQueue({ pool, log, supervise }: { pool: Pool; log: Logger; supervise: boolean }): Queue {
  const boss = createBoss(pool, { supervise, migrate: false }, log)
  const statistics = createStatistics(pool, log)
  const { make, remove, ...jobs } = createJobs(boss)

  return {
    name: 'queue',
    async start() {
      try {
        await boss.start()
        if (supervise) await statistics.refresh() // a worker, not a command that is over in a moment
      } catch (error) {
        if (!/pg-boss|schema|version/i.test(messageOf(error))) throw error
        throw new MbflowError('QUEUE_VERSION', `the queue schema does not fit this program: ${messageOf(error)}`, {
          hint: 'Run `mbflow migrate up` with this version of mbflow.',
          cause: error,
        })
      }
    },
    async stop() {
      await statistics.settled()
      await boss.stop({ graceful: false, close: false })
    },
    ...jobs,
    async fetch(limit, queue = queues.exec.name, finished = []) {
      // The limit is part of the statement text: a few sizes keep the number of prepared statements small.
      const batchSize = BATCH_SIZES.find(size => size <= limit)
      if (batchSize === undefined) return []
      await make(queue)
      const [, , jobs] = await despiteConflicts(async () => {
        const claim = await ready(db => boss.fetch<Payload>(queue, { batchSize, groupConcurrency: NO_GROUPS, db }))
        const end = await remove(finished)
        failpoint('claim.before')
        return pool.atOnce(tx => Promise.all([findByKey(tx), end(tx), claim(tx)]))
      })
      if (jobs.length > 0) failpoint('claim.after')
      statistics.claimed(jobs.length)
      return jobs.flatMap(({ id, retryCount, data: { executionId = '', executionIds, turn } }) => {
        const claim = { id, retryCount, queue, isShared: executionIds !== undefined }
        return (executionIds ?? [executionId]).map(one => ({ ...claim, executionId: one, turn }))
      })
    },
    async touch(jobs) {
      const kept = new Set<string>()
      for (const [name, some] of claimsByQueue(jobs)) {
        // The published type of this answer is empty (12.38.0); `settled` lists the ids that were touched.
        // A transaction, since that is repeated when it meets a settlement of the same jobs in another order.
        const answer = (await pool.transaction(tx => boss.touch(name, some, { db: prepared(tx) }))) as {
          settled?: string[] | null
        }
        for (const id of answer.settled ?? []) kept.add(id)
      }
      return kept
    },
    finish: jobs => despiteConflicts(async () => (await remove(jobs))(pool)),
    live: ids => liveJobs(pool, ids),
    unserved: patience => unservedPools(pool, patience),
  }
}

/** What is put into the queues and taken out of them in transactions of the caller. */
function createJobs(boss: PgBoss): Pick<Queue, 'enqueue' | 'settle' | 'withdraw' | 'change'> & {
  make(name: QueueName): Promise<void>
  remove(claims: readonly JobClaim[]): Promise<Ready<unknown>>
} {
  const insert = (name: QueueName, jobs: readonly NewJob[], db: BossDb): Promise<unknown> => {
    const rows = jobs.map(({ id, executionIds, turn, priority }) => {
      const [executionId, another] = executionIds
      const data: Payload = another === undefined ? { executionId, turn } : { executionIds, turn }
      return { id, priority, data }
    })
    return boss.insert(name, rows, { db })
  }
  async function remove(claims: readonly JobClaim[]): Promise<Ready<unknown>> {
    const removals = await Promise.all(
      claimsByQueue(claims).map(([name, some]) => ready(db => boss.deleteJob(name, some, { db }))),
    )
    return tx => Promise.all(removals.map(removal => removal(tx)))
  }
  const known = new Set<QueueName>([queues.exec.name, queues.dead.name])
  /** The queue of a pool is made when something is first put into it or taken from it. */
  async function make(name: QueueName): Promise<void> {
    if (known.has(name)) return
    await boss.createQueue(name, queues.exec.options)
    known.add(name)
  }

  return {
    make,
    remove,
    async enqueue(tx, jobs) {
      for (const [name, some] of byQueue(jobs)) {
        await make(name)
        await insert(name, some, prepared(tx))
      }
    },
    async settle(tx, jobs) {
      const end = await remove(jobs.filter(isAlone))
      await end(tx)
    },
    async withdraw(tx, jobs) {
      for (const [name, some] of byQueue(jobs)) {
        const ids = some.map(job => job.id)
        await boss.deleteJob(name, ids, { db: prepared(tx) })
      }
    },
    async change({ enqueue, settle }) {
      const entering = byQueue(enqueue)
      for (const [name] of entering) await make(name)
      const changes = await Promise.all([
        ...entering.map(([name, jobs]) => ready(db => insert(name, jobs, db))),
        remove(settle.filter(isAlone)),
      ])
      return tx => Promise.all(changes.map(change => change(tx)))
    },
  }
}

function byQueue<T extends JobName>(jobs: readonly T[]): [QueueName, T[]][] {
  return [...Map.groupBy(jobs, job => queueOf(job.pool))]
}

function isAlone({ isShared }: JobClaim): boolean {
  return !isShared
}

/** As pg-boss takes them. */
function claimsByQueue(jobs: readonly JobClaim[]): [QueueName, { id: string; retryCount: number }[]][] {
  const byQueue = Map.groupBy(jobs, job => job.queue)
  return [...byQueue].map(([name, some]) => [name, some.map(({ id, retryCount }) => ({ id, retryCount }))])
}

function createBoss(pool: Pool, options: { supervise: boolean; migrate: boolean }, log: Logger): PgBoss {
  const boss = new PgBoss({
    db: { executeSql: (text, values) => pool.executeSql(text, values) },
    schema: SCHEMA,
    migrate: options.migrate,
    createSchema: options.migrate,
    supervise: options.supervise,
    superviseIntervalSeconds: 3,
    monitorIntervalSeconds: 3,
    schedule: false,
    registerInstance: false,
    warningQueueSize: 1_000_000, // tens of thousands are a burst, and a warning comes with every look
    useListenNotify: false,
  })
  boss.on('error', error => log.warn({ evt: 'queue.error', err: error }, 'the queue reported an error'))
  boss.on('warning', warning => log.warn({ evt: 'queue.warning', warning }, 'the queue reported a warning'))
  return boss
}

/** Installs or upgrades the queue's own schema and its queues; part of `migrate up`. */
export async function installQueue(url: string, log: Logger): Promise<void> {
  const pool = createPool({
    url,
    applicationName: 'mbflow:migrate',
    max: 2,
    log,
    statementTimeout: 300_000,
    idleInTransactionTimeout: 300_000,
  })
  const boss = createBoss(pool, { supervise: false, migrate: true }, log)
  try {
    await boss.start()
    for (const { name, options } of [queues.dead, queues.exec]) {
      if (await boss.getQueue(name)) await boss.updateQueue(name, options)
      else await boss.createQueue(name, options)
    }
    for (const { name } of await boss.getQueues())
      if (name.startsWith(POOL_QUEUES)) await boss.updateQueue(name, queues.exec.options)
    // Claims must keep their plan while the table turns over: vacuum and analyze early (autovacuum's defaults wait for 20 %).
    await pool.executeSql(`alter table ${SCHEMA}.job_common set (
      autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000,
      autovacuum_vacuum_insert_scale_factor = 0.05,
      autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 500)`)
  } finally {
    await boss.stop({ graceful: false, close: false })
    await pool.end()
  }
}
