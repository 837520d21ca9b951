// The SQL of callbacks.
import type { JsonObject } from '../base/json.ts'
import type { Db, Pool } from '../db/pool.ts'
import { sql } from '../db/sql.ts'

/** Which node is called back, and with what. */
export interface Expected {
  readonly executionId: string
  readonly nodeId: string
  readonly generation: number
  /** What is posted must fit it. */
  readonly schema?: JsonObject | null
}

export async function insertCallback(pool: Pool, hash: string, one: Expected): Promise<void> {
  await pool.run(sql('callback.insert')`
    insert into public.callbacks (token_hash, execution_id, node_id, generation, schema)
    values (decode(${hash}, 'hex'), ${one.executionId}, ${one.nodeId}, ${one.generation}, ${one.schema ?? null})
    on conflict (token_hash) do nothing`)
}

/** With the key of the node. */
export type Found = Expected & { readonly node: string }

export async function findCallback(db: Db, hash: string): Promise<Found | undefined> {
  const [row] = await db.rows<Found>(sql('callback.find')`
    select c.execution_id as "executionId", c.node_id as "nodeId", n.key as node, c.generation, c.schema
    from public.callbacks c join public.nodes n on n.id = c.node_id
    where c.token_hash = decode(${hash}, 'hex')`)
  return row
}

/** The latest of the node. */
export async function findCallbackOf(db: Db, of: { executionId: string; node: string }): Promise<Found | undefined> {
  const [row] = await db.rows<Found>(sql('callback.findOf')`
    select c.execution_id as "executionId", c.node_id as "nodeId", n.key as node, c.generation, c.schema
    from public.callbacks c join public.nodes n on n.id = c.node_id
    where c.execution_id = ${of.executionId} and n.key = ${of.node}
    order by c.generation desc
    limit 1`)
  return row
}
