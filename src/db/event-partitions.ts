// The monthly partitions of events: this month's and the next ones', made ahead.
import { systemCode } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { isBlocked } from './errors.ts'
import { makeEventPartitions } from './migration-store.ts'
import type { Db } from './pool.ts'

const CANCELED = '57014'

/**
 * For every start, before any role runs. If somebody holds the tables, or there is more to move than the pool's time
 * limit allows, it is left to a later call: until then the default partition takes the rows.
 */
export async function ensureEventPartitions(db: Db, log: Logger): Promise<void> {
  try {
    const made = await makeEventPartitions(db)
    if (made > 0) log.info({ evt: 'db.partitions_made', made }, 'event partitions made')
  } catch (error) {
    if (!isBlocked(error) && systemCode(error) !== CANCELED) throw error
    log.warn(
      { evt: 'db.partitions_postponed', err: error },
      'event partitions could not be made now; `mbflow migrate up` makes them without a time limit',
    )
  }
}
