// The bare limit: what runs of a shape leave behind, written into the real schema (every index, key, trigger and
// partition) as final rows by prepared multi-row statements, without an engine. What a database can record at most.
import { createHash } from 'node:crypto'
import { silentLogger } from '../src/base/log.ts'
import { createPool, type Pool } from '../src/db/pool.ts'
import { type Statement, sql } from '../src/db/sql.ts'
import type { Driver } from './ground.ts'
import { OUTPUT, requireRecorded, type Workflow } from './shapes.ts'

const CONNECTIONS = 3
const TOGETHER = 100

/** Executions a second: a hundred in a transaction, on three connections. */
export async function bareRate(driver: Driver, workflow: Workflow, count: number): Promise<number> {
  const pool = openPool(driver.url, CONNECTIONS)
  try {
    const writeBatch = (): Promise<void> => insert(pool, workflow, rowsOf(driver, workflow, TOGETHER))
    await Promise.all(Array.from({ length: CONNECTIONS }, writeBatch)) // connects, and prepares the statements
    const batches = CONNECTIONS * Math.ceil(count / TOGETHER / CONNECTIONS) // no connection is idle at the end
    const first = driver.ids.next()
    let next = 0
    const startedAt = performance.now()
    await Promise.all(
      Array.from({ length: CONNECTIONS }, async () => {
        while (next++ < batches) await writeBatch()
      }),
    )
    const seconds = (performance.now() - startedAt) / 1000
    await requireRecorded(driver, { workflow, first, last: driver.ids.next(), count: batches * TOGETHER })
    return (batches * TOGETHER) / seconds
  } finally {
    await pool.end()
  }
}

/**
 * Milliseconds that executions take one after the other on one connection, each in the commits that no durable engine
 * can do without: it begins, its first wave starts, each wave ends and the next one starts.
 */
export async function bareTimes(driver: Driver, workflow: Workflow, count: number): Promise<number[]> {
  const pool = openPool(driver.url, 1)
  try {
    const times: number[] = []
    for (let i = 0; i < count; i++) {
      const steps = stepsOf(workflow, rowsOf(driver, workflow, 1))
      const startedAt = performance.now()
      for (const rows of steps) await insert(pool, workflow, rows)
      times.push(performance.now() - startedAt)
    }
    return times
  } finally {
    await pool.end()
  }
}

interface Rows {
  readonly executions: readonly string[]
  readonly nodes: readonly { id: string; execution: string; node: string; wave: number }[]
  readonly events: readonly { id: string; execution: string; sequence: number; type: string; payload: string }[]
}

function openPool(url: string, max: number): Pool {
  return createPool({ url, applicationName: 'mbflow:bare', max, log: silentLogger })
}

function rowsOf({ ids }: Driver, { shape, nodeIds }: Workflow, count: number): Rows {
  const executions = Array.from({ length: count }, () => ids.next())
  const width = nodeIds.length / shape.waves
  return {
    executions,
    nodes: executions.flatMap(execution =>
      nodeIds.map((node, i) => ({ id: derived(execution, node), execution, node, wave: Math.floor(i / width) })),
    ),
    events: executions.flatMap(execution =>
      shape.events.map(([type, payload], i) => ({ id: ids.next(), execution, sequence: i + 1, type, payload })),
    ),
  }
}

/** The rows of one execution by the commit that records them; a step's events end with the starts of a wave. */
function stepsOf({ shape }: Workflow, { executions, nodes, events }: Rows): Rows[] {
  const ends = events.flatMap(({ type }, i) =>
    type === 'node_started' && events[i + 1]?.type !== 'node_started' ? [i + 1] : [],
  )
  const waves = Array.from({ length: shape.waves + 1 }, (_, wave) => ({
    executions: [],
    nodes: nodes.filter(node => node.wave === wave),
    events: events.slice(ends[wave - 1] ?? 0, ends[wave]),
  }))
  return [{ executions, nodes: [], events: [] }, ...waves]
}

/** One transaction. */
async function insert(pool: Pool, { id, shape }: Workflow, { executions, nodes, events }: Rows): Promise<void> {
  const output = JSON.stringify(OUTPUT)
  await pool.transaction(async tx => {
    const statements: Statement[] = []
    if (executions.length > 0)
      statements.push(sql('bare.executions')`
        insert into public.executions (id, workflow_id, status, input_data, output_data, last_sequence, started_at, completed_at)
        select id, ${id}, 'completed', ${output}, ${output}, ${shape.events.length}, now(), now()
        from unnest(${executions}::uuid[]) as e (id)`)
    if (nodes.length > 0)
      statements.push(sql('bare.nodes')`
        insert into public.node_executions (id, execution_id, node_id, status, wave, input_data, output_data, started_at, completed_at)
        select id, execution, node, 'completed', wave, ${output}, ${output}, now(), now()
        from unnest(${nodes.map(row => row.id)}::uuid[], ${nodes.map(row => row.execution)}::uuid[],
          ${nodes.map(row => row.node)}::uuid[], ${nodes.map(row => row.wave)}::integer[]) as n (id, execution, node, wave)`)
    if (events.length > 0)
      statements.push(sql('bare.events')`
        insert into public.events (id, execution_id, sequence, event_type, payload)
        select * from unnest(${events.map(row => row.id)}::uuid[], ${events.map(row => row.execution)}::uuid[],
          ${events.map(row => row.sequence)}::bigint[], ${events.map(row => row.type)}::text[], ${events.map(row => row.payload)}::jsonb[])`)
    await Promise.all(statements.map(statement => tx.run(statement)))
  })
}

function derived(execution: string, node: string): string {
  const digest = createHash('md5').update(execution).update(node).digest('hex')
  return `${execution.slice(0, 19)}a${digest.slice(0, 3)}-${digest.slice(3, 15)}`
}
