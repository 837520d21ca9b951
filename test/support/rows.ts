// Everything that the database holds of an execution.
import type { Pool } from '../../src/db/pool.ts'
import { sql } from '../../src/db/sql.ts'

/** Of all its rows, and of its jobs: whoever changes one changes it. */
export async function checksumOf(pool: Pool, id: string): Promise<string | undefined> {
  const [row] = await pool.rows<{ checksum: string }>(sql('test.checksum')`
    select md5(concat_ws(E'\n',
      (select e::text from public.executions e where id = ${id}),
      (select string_agg(x::text, E'\n' order by id) from public.node_executions x where execution_id = ${id}),
      (select string_agg(v::text, E'\n' order by sequence) from public.events v where execution_id = ${id}),
      (select string_agg(c::text, E'\n' order by token_hash) from public.callbacks c where execution_id = ${id}),
      (select string_agg(j::text, E'\n' order by j.id) from pgboss.job j where data ->> 'executionId' = ${id}::text))) as checksum`)
  return row?.checksum
}
