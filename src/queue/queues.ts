// Every queue there is. Names are inlined into SQL text by pg-boss: constants of ours, and names of pools, which have
// nothing in them that SQL could take for anything else.
import { isPoolName } from '../base/pool-name.ts'

/** Seconds a worker may be silent before its jobs go to another; pg-boss's minimum. */
export const LEASE_SECONDS = 10

/** Turns one job may carry. */
export const MOST_TURNS = 10

export const queues = {
  /** Turns of executions: a job each, but for first turns of executions that began together. */
  exec: {
    name: 'exec',
    options: {
      // Counts lost workers only: everything that can fail in a run is recorded in its events, not by failing the job.
      retryLimit: 20,
      retryDelay: 0,
      heartbeatSeconds: LEASE_SECONDS,
      // pg-boss allows a day at most; longer turns are handed over before.
      expireInSeconds: 24 * 3600,
      // A job may wait for a worker for a year; then rescue makes another.
      retentionSeconds: 365 * 24 * 3600,
      deleteAfterSeconds: 3600,
      deadLetter: 'exec_dead',
    },
  },
  /** Jobs of executions that lost every worker that took them. */
  dead: {
    name: 'exec_dead',
    options: {
      retryLimit: 20,
      retryDelay: 60,
      heartbeatSeconds: LEASE_SECONDS,
      retentionSeconds: 365 * 24 * 3600,
      deleteAfterSeconds: 3600,
    },
  },
} as const

/** What the names of the queues of pools begin with. */
export const POOL_QUEUES = 'node.'

export type QueueName = (typeof queues)[keyof typeof queues]['name'] | `${typeof POOL_QUEUES}${string}`

/** The queue of the turns that only workers of this pool take; without one, of all others. */
export function queueOf(pool?: string): QueueName {
  if (pool === undefined) return queues.exec.name
  if (!isPoolName(pool)) throw new Error(`${JSON.stringify(pool)} is not the name of a pool`)
  return `${POOL_QUEUES}${pool}`
}
