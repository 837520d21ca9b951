// Rows for tests of the schema: each table's smallest valid row, and what a test changes about it.
import type { RawDb } from '../../../src/db/pool.ts'

export type Row = Readonly<Record<string, unknown>>

/** Inserts one row and gives it back whole. */
export async function insert(db: RawDb, table: string, row: Row): Promise<Row> {
  const columns = Object.keys(row)
  const { rows } = await db.executeSql(
    `insert into public.${table} (${columns.join(', ')}) values (${columns.map((_, i) => `$${i + 1}`).join(', ')}) returning *`,
    Object.values(row),
  )
  return rows[0] as Row
}

export async function select(db: RawDb, text: string, values: unknown[] = []): Promise<Row[]> {
  return (await db.executeSql(text, values)).rows as Row[]
}

/** Every row of every table as text, the queue's too. */
export async function everyRow(db: RawDb): Promise<string> {
  const tables = await select(
    db,
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('public', 'pgboss')`,
  )
  const rows = await Promise.all(tables.map(({ name }) => select(db, `select t::text as row from ${name} t`)))
  return rows
    .flat()
    .map(({ row }) => row)
    .join('\n')
}

let made = 0

/** A draft with two nodes and the edge between them, a trigger and an execution with its first node and event. */
export async function insertOneOfEach(db: RawDb): Promise<Readonly<Record<string, Row>>> {
  const name = `workflow ${++made}`
  const workflow = await insert(db, 'workflows', { name })
  const first = await insert(db, 'nodes', { workflow_id: workflow.id, key: 'a', name: 'A', type: 'http' })
  const second = await insert(db, 'nodes', { workflow_id: workflow.id, key: 'b', name: 'B', type: 'merge' })
  const edge = await insert(db, 'edges', {
    workflow_id: workflow.id,
    source_node_id: first.id,
    target_node_id: second.id,
  })
  const trigger = await insert(db, 'triggers', {
    workflow_id: workflow.id,
    workflow_name: name,
    key: 't',
    name: 'T',
    type: 'manual',
  })
  const execution = await insert(db, 'executions', { workflow_id: workflow.id })
  const nodeExecution = await insert(db, 'node_executions', { execution_id: execution.id, node_id: first.id })
  const event = await insert(db, 'events', { execution_id: execution.id, sequence: 1, event_type: 'workflow_started' })
  return { workflow, first, second, edge, trigger, execution, nodeExecution, event }
}
