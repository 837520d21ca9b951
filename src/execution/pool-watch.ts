// Says which pools nobody serves: executions wait for one for as long as no worker is started that does.
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { createLoop, type Loop } from '../base/service.ts'
import type { Queue } from '../queue/queue.ts'

export interface PoolWatchDeps {
  readonly queue: Pick<Queue, 'unserved'>
  /** Pools that this process serves: what waits for one of them waits for this process. */
  readonly served: readonly string[]
  readonly clock: Clock
  readonly log: Logger
}

const LOOK_MS = 15_000
/** A worker that serves a pool takes what waits within a second or two. */
const PATIENCE_MS = 15_000
const REMIND_MS = 600_000

export function createPoolWatch({ queue, served, clock, log }: PoolWatchDeps): Loop {
  /** When it was last said, by pool. */
  const said = new Map<string, number>()
  return createLoop({
    name: 'pool-watch',
    clock,
    log,
    every: LOOK_MS,
    async tick() {
      const now = clock.monotonic()
      const unserved = (await queue.unserved(PATIENCE_MS)).filter(({ pool }) => !served.includes(pool))
      for (const pool of said.keys()) if (!unserved.some(one => one.pool === pool)) said.delete(pool)
      for (const { pool, waiting } of unserved) {
        if (now - (said.get(pool) ?? Number.NEGATIVE_INFINITY) < REMIND_MS) continue
        said.set(pool, now)
        log.warn(
          { evt: 'pool.unserved', pool, waiting },
          `executions wait for the pool ${pool}, and no worker takes them: start one with --pools ${pool}`,
        )
      }
      return undefined
    },
  })
}
