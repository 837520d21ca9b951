// A database with a whim, for what nobody knows of: an outcome that the border lets through and the database does not take.
import type { Pool } from '../../src/db/pool.ts'
import { sql } from '../../src/db/sql.ts'
import type { Outcome } from '../../src/node/node-type.ts'

export const refused: Outcome = { kind: 'completed', output: 'against a whim' }

/** From now on the database refuses it. */
export async function refuse(pool: Pool): Promise<void> {
  await pool.run(
    sql('test.whim')`alter table public.events add constraint whim check (payload::text not like '%a whim%') not valid`,
  )
}
