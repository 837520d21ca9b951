// What is asked of the queue in a way that pg-boss does not offer. Whatever changes it goes through pg-boss.
import { DEFAULT_POOL } from '../base/pool-name.ts'
import type { Db } from '../db/pool.ts'
import { type Fragment, part, sql } from '../db/sql.ts'
import { POOL_QUEUES, type QueueName, queues } from './queues.ts'

/** Whether a job may be claimed: see Question in db/pulse.ts. */
export function claimable(queue: QueueName): Fragment {
  // In the order of claims, so that it is answered from their index, which holds what waits and nothing else.
  return part`
  (select 0 from pgboss.job where name = ${queue} and state < 'active' and not blocked and start_after <= now()
    order by priority desc, created_on limit 1)`
}

/** Those of the ids that are queued or held, in whichever queue. */
export async function liveJobs(db: Db, ids: readonly string[]): Promise<Set<string>> {
  const rows = await db.rows<{ id: string }>(sql('queue.live')`
    select id from pgboss.job
    where name in (select name from pgboss.queue where name <> ${queues.dead.name}) and id = any(${ids}::uuid[])
      and state in ('created', 'retry', 'active')`)
  return new Set(rows.map(row => row.id))
}

/** A pool, or the default one, of which jobs wait, and none is worked on. */
export interface Unserved {
  readonly pool: string
  /** Executions; of more than a thousand jobs, those that a thousand carry. */
  readonly waiting: number
}

/** Pools of which jobs have waited for `patience` milliseconds while no worker holds one. */
export function unservedPools(db: Db, patience: number): Promise<Unserved[]> {
  return db.rows(sql('queue.unserved')`
    select case q.name when ${queues.exec.name} then ${DEFAULT_POOL} else substr(q.name, ${POOL_QUEUES.length + 1}) end as pool,
      (select coalesce(sum(coalesce(jsonb_array_length(data -> 'executionIds'), 1)), 0)::integer from (
        select data from pgboss.job where name = q.name and state < 'active' limit 1000) as line) as waiting
    from pgboss.queue q
    where (q.name = ${queues.exec.name} or starts_with(q.name, ${POOL_QUEUES}))
      and not exists (select from pgboss.job where name = q.name and state = 'active')
      and exists (
        select from pgboss.job where name = q.name and state < 'active'
          and created_on < now() - ${patience} * interval '1 millisecond')
    order by pool`)
}
