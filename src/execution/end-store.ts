// The SQL of those who wait for executions to end.
import type { Json } from '../base/json.ts'
import type { Db } from '../db/pool.ts'
import { sql } from '../db/sql.ts'

export interface End {
  readonly id: string
  readonly status: 'completed' | 'failed' | 'cancelled'
  /** Null unless it completed. */
  readonly output: Json
}

/** Those of the executions that are over. */
export function findEnded(db: Db, ids: readonly string[]): Promise<End[]> {
  return db.rows(sql('execution.findEnded')`
    select id, status, output_data as output
    from public.executions
    where id = any(${ids}::uuid[]) and status in ('completed', 'failed', 'cancelled')`)
}
