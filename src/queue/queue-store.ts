// The queue's part of the pulse. Everything else that is asked of the queue is asked through pg-boss.
import { constant } from '../db/sql.ts'

/** Whether a job may be claimed: see Question in db/pulse.ts. */
export const claimable = constant`
  (select 0 where exists (select from pgboss.job where name = 'exec' and state < 'active' and start_after <= now()))`
