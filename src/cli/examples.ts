// The example workflows of this repository, for a first start that shows something.
import { join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { createMetrics } from '../base/metrics.ts'
import { createDatabaseIds } from '../db/database-time.ts'
import { createPool } from '../db/pool.ts'
import { nodeTypes } from '../node/registry.ts'
import { createQueue } from '../queue/queue.ts'
import { applyAll, readDocuments } from '../trigger/apply-files.ts'
import { listWorkflows } from '../workflow/find.ts'

const FOLDER = join(import.meta.dirname, '../../examples')

/** Applies them to a database that has no workflow; what a user changed or removed later stays so. Resolves to how many. */
export async function applyExamples(url: string, log: Logger): Promise<number> {
  const pool = createPool({ url, applicationName: 'mbflow:examples', max: 2, log })
  try {
    if ((await listWorkflows(pool, { limit: 1 })).items.length > 0) return 0
    const documents = await readDocuments([FOLDER], nodeTypes)
    const queue = createQueue({ pool, log, supervise: false })
    await queue.start()
    try {
      const ids = await createDatabaseIds(pool, systemClock)
      const deps = { pool, log, queue, ids, metrics: createMetrics() }
      const { workflows } = await applyAll(deps, { documents, prune: false, dryRun: false })
      return workflows.length
    } finally {
      await queue.stop()
    }
  } finally {
    await pool.end()
  }
}
