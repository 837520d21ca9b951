// Every queue there is. Names are inlined into SQL text by pg-boss: constants of ours, never user text.

/** Seconds a worker may be silent before its jobs go to another; pg-boss's minimum. */
export const LEASE_SECONDS = 10

export const queues = {
  /** One job per turn of an execution. */
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

export type QueueName = (typeof queues)[keyof typeof queues]['name']
