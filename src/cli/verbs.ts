// What commands that change triggers stand on: the database of the command, and a queue that only enqueues.
import { systemClock } from '../base/clock.ts'
import { createMetrics } from '../base/metrics.ts'
import { createDatabaseIds } from '../db/database-time.ts'
import { createQueue } from '../queue/queue.ts'
import type { ArmDeps } from '../trigger/arm.ts'
import type { CliContext } from './context.ts'

/** Runs `work` with the verbs' dependencies. */
export async function withVerbs<T>(context: CliContext, work: (deps: ArmDeps) => Promise<T>): Promise<T> {
  const { pool, log } = await context.connect()
  const queue = createQueue({ pool, log, supervise: false })
  await queue.start()
  try {
    const ids = await createDatabaseIds(pool, systemClock)
    return await work({ pool, log, queue, ids, metrics: createMetrics() })
  } finally {
    await queue.stop()
  }
}
