// The pools of a daemon.
import type { Logger } from '../base/log.ts'
import { createPool, type Pool, type PoolOptions } from './pool.ts'

export type Pools = Readonly<Record<'engine' | 'http' | 'queue' | 'scheduler', Pool>>

interface Given {
  readonly url: string
  /** Connections in all. */
  readonly size: number
  /** How long a worker that does not answer keeps what it holds, milliseconds. */
  readonly lease: number
  readonly log: Logger
}

/** Separate pools, so that renewing a claim never waits behind work. */
export function createPools({ url, size, lease, log }: Given): Pools {
  const few = Math.max(1, Math.floor(size / 6))
  const pool = (name: string, max: number, more: Partial<PoolOptions> = {}): Pool =>
    createPool({ url, applicationName: `mbflow:${name}`, max, log, ...more })
  return {
    scheduler: pool('scheduler', few),
    queue: pool('queue', few),
    http: pool('http', few),
    // Writing an append of many megabytes takes its while. Nobody waits for the rows it locks: until the lease of a paused
    // process is over, no one else may write them.
    engine: pool('engine', Math.max(1, size - 3 * few), { idleInTransactionTimeout: lease }),
  }
}
