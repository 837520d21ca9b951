// Starts executions: rows and queue jobs in the caller's transaction, so that they exist together or not at all.
import type { Tx } from '../db/pool.ts'
import type { Queue } from '../queue/queue.ts'
import { firstJobs, sharedJobs } from './first-jobs.ts'
import { insertExecutions, type NewExecution } from './store.ts'

export type { NewExecution } from './store.ts'

/** The workflow versions named must be published: a version that ran never changes. */
export async function startExecutions(tx: Tx, queue: Queue, executions: readonly NewExecution[]): Promise<void> {
  if (executions.length === 0) return
  const jobs = firstJobs(executions)
  await Promise.all([insertExecutions(tx, executions, sharedJobs(jobs)), queue.enqueue(tx, jobs)])
}
