// Waits for executions to end. Those who wait at the same time share their looks.
import type { Clock } from '../base/clock.ts'
import { isTransient, type Pool } from '../db/pool.ts'
import { createGroupCommit } from '../event/group-commit.ts'
import { type End, findEnded } from './end-store.ts'

export type { End } from './end-store.ts'

/** Pauses between two looks, milliseconds: most of what is waited for is over soon. */
const FIRST_PAUSE_MS = 10
const LONGEST_PAUSE_MS = 100

export interface Ends {
  /** Null when the execution is not over within so many milliseconds, or before the signal aborts. */
  of(executionId: string, within: number, signal: AbortSignal): Promise<End | null>
}

export function createEnds({ pool, clock }: { pool: Pool; clock: Clock }): Ends {
  const looks = createGroupCommit<string, End | null>({
    keyOf: id => id,
    sizeOf: () => 1,
    async flush(ids) {
      const ended = new Map((await findEnded(pool, ids)).map(end => [end.id, end]))
      return ids.map(id => ended.get(id) ?? null)
    },
    maxBatch: 1_000,
    maxSize: 1_000,
    lanes: 1,
  })

  /** Whoever waits is told when the database is back, or loses patience before. */
  async function look(id: string): Promise<End | null> {
    try {
      return await looks.add(id)
    } catch (error) {
      if (isTransient(error)) return null
      throw error
    }
  }

  return {
    async of(executionId, within, signal) {
      const until = clock.monotonic() + within
      for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
        const end = await look(executionId)
        const left = until - clock.monotonic()
        if (end !== null || left <= 0 || signal.aborted) return end
        await clock.sleep(Math.min(pause, left), signal)
      }
    },
  }
}
