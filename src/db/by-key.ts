// Plans that do not depend on statistics. PostgreSQL keeps the plan of a prepared statement until the next ANALYZE; one
// made while a table was small or empty scans it from end to end when it has grown a thousandfold within a minute.
import type { Pool, Tx } from './pool.ts'
import { type Statement, sql } from './sql.ts'

/** For the rest of the transaction rows are found by their keys. Need not be awaited: it goes with the next statement. */
export async function findByKey(tx: Tx): Promise<void> {
  await tx.rows(sql('db.findByKey')`
    select set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
      set_config('enable_mergejoin', 'off', true)`)
}

/** The rows of one statement, found by their keys. */
export function rowsByKey<R>(pool: Pool, statement: Statement): Promise<R[]> {
  return pool.atOnce(tx => Promise.all([findByKey(tx), tx.rows<R>(statement)]).then(([, rows]) => rows))
}
