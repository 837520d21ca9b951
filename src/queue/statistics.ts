// Keeps the planner's idea of the job table fresh. Autovacuum looks once a minute, which a burst does not wait for: a claim
// planned for an empty table visits every queued job. So a process that claims in a burst asks for statistics itself, after
// four times as many claims from ask to ask, and after a pause from the start.
import { systemClock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Pool } from '../db/pool.ts'

export interface Statistics {
  /** So many jobs were just claimed. */
  claimed(count: number): void
  /** Now; several processes that ask at once are served by one. */
  refresh(): Promise<void>
  /** Resolves when nothing is under way. */
  settled(): Promise<void>
}

/** What claims choose by; the payloads would cost most and decide nothing. */
const COLUMNS = 'id, name, state, blocked, priority, created_on, start_after'
const FIRST = 500
const GROWTH = 4
const SELDOM = 100_000
const PAUSE_MS = 30_000

export function createStatistics(pool: Pool, log: Logger): Statistics {
  let claims = 0
  let next = FIRST
  let lastAt = 0
  let underWay = Promise.resolve()

  async function refresh(): Promise<void> {
    await pool.executeSql(`analyze (skip_locked) pgboss.job_common (${COLUMNS})`)
  }

  return {
    refresh,
    claimed(count) {
      if (count === 0) return
      const now = systemClock.monotonic()
      if (now - lastAt > PAUSE_MS) [claims, next] = [0, FIRST]
      lastAt = now
      claims += count
      if (claims < next) return
      next = Math.min(claims * GROWTH, claims + SELDOM)
      underWay = refresh().catch(error =>
        log.warn({ evt: 'queue.statistics_failed', err: error }, 'the statistics of the queue could not be refreshed'),
      )
    },
    settled: () => underWay,
  }
}
