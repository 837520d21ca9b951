// The workflows that are measured, and the same rows written without an engine.
import { createHash } from 'node:crypto'
import { silentLogger } from '../src/base/log.ts'
import { createPool, type Pool } from '../src/db/pool.ts'
import { sql } from '../src/db/sql.ts'
import { startExecutions } from '../src/execution/start.ts'
import { publishWorkflow } from '../src/workflow/publish.ts'
import type { EdgeDocument, NodeDocument } from '../src/workflow/workflow.ts'
import type { Ground } from './ground.ts'

export interface Shape {
  readonly name: string
  readonly nodes: readonly NodeDocument[]
  readonly edges: readonly EdgeDocument[]
  readonly waves: number
}

const OUTPUT = { ok: true }

/** Nodes do next to nothing, on the normal path. */
function node(key: string): NodeDocument {
  return { key, name: key, type: 'transform', config: { expression: JSON.stringify(OUTPUT) }, policy: {} }
}

/** `waves` waves of `width` nodes; every node feeds every node of the next wave. */
export function layered(name: string, waves: number, width: number): Shape {
  const wave = (w: number): string[] => Array.from({ length: width }, (_, n) => `w${w}n${n}`)
  const numbers = Array.from({ length: waves }, (_, w) => w)
  return {
    name,
    waves,
    nodes: numbers.flatMap(w => wave(w).map(node)),
    edges: numbers
      .slice(1)
      .flatMap(w => wave(w - 1).flatMap(source => wave(w).map(target => ({ source, target, condition: null })))),
  }
}

export async function publish({ pool, ids }: Ground, { name, nodes, edges }: Shape): Promise<string> {
  const document = { name, description: null, variables: {}, settings: {}, triggers: [], nodes, edges }
  return (await pool.transaction(tx => publishWorkflow(tx, { ids }, document))).workflow.id
}

/** Starts executions, a hundred in a transaction. */
export async function begin({ pool, queue, ids }: Ground, workflowId: string, count: number): Promise<void> {
  for (let begun = 0; begun < count; begun += 100) {
    const batch = Array.from({ length: Math.min(100, count - begun) }, () => ({
      id: ids.next(),
      workflowId,
      triggerId: null,
      scheduledFor: null,
      fireKey: null,
      triggerData: {},
      input: OUTPUT,
      priority: 0,
    }))
    await pool.transaction(tx => startExecutions(tx, queue, batch))
  }
}

/**
 * The bare limit: what a run of the shape records, as final rows in our real schema, by prepared multi-row statements,
 * a hundred executions a transaction. Resolves to the rate, executions a second.
 */
export async function bareRate(
  ground: Ground,
  { shape, workflowId, count }: { shape: Shape; workflowId: string; count: number },
): Promise<number> {
  const connections = 3
  const pool = createPool({
    url: ground.url,
    applicationName: 'mbflow:bare',
    max: connections,
    log: silentLogger,
    statementTimeout: 600_000,
  })
  const nodeIds = (
    await pool.rows<{ id: string }>(
      sql('bench.nodes')`select id from public.nodes where workflow_id = ${workflowId} order by id`,
    )
  ).map(row => row.id)
  const batches = Math.ceil(count / 100)
  let next = 0
  const startedAt = performance.now()
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (next++ < batches) await writeBare(pool, ground, { shape, workflowId, nodeIds })
    }),
  )
  const seconds = (performance.now() - startedAt) / 1000
  await pool.end()
  return (batches * 100) / seconds
}

interface Bare {
  readonly shape: Shape
  readonly workflowId: string
  readonly nodeIds: readonly string[]
}

async function writeBare(pool: Pool, { ids }: Ground, { shape, workflowId, nodeIds }: Bare): Promise<void> {
  const executions = Array.from({ length: 100 }, () => ids.next())
  const width = nodeIds.length / shape.waves
  const nodes = executions.flatMap(execution =>
    nodeIds.map((node, i) => ({ id: derived(execution, node), execution, node, wave: Math.floor(i / width) })),
  )
  const events = executions.flatMap(execution =>
    eventsOf(shape).map(([type, payload], i) => ({ id: ids.next(), execution, sequence: i + 1, type, payload })),
  )
  const output = JSON.stringify(OUTPUT)
  await pool.transaction(tx =>
    Promise.all([
      tx.run(sql('bare.executions')`
        insert into public.executions (id, workflow_id, status, input_data, output_data, last_sequence, started_at, completed_at)
        select id, ${workflowId}, 'completed', ${output}, ${output}, ${eventsOf(shape).length}, now(), now()
        from unnest(${executions}::uuid[]) as e (id)`),
      tx.run(sql('bare.nodes')`
        insert into public.node_executions (id, execution_id, node_id, status, wave, input_data, output_data, started_at, completed_at)
        select id, execution, node, 'completed', wave, ${output}, ${output}, now(), now()
        from unnest(${nodes.map(row => row.id)}::uuid[], ${nodes.map(row => row.execution)}::uuid[],
          ${nodes.map(row => row.node)}::uuid[], ${nodes.map(row => row.wave)}::integer[]) as n (id, execution, node, wave)`),
      tx.run(sql('bare.events')`
        insert into public.events (id, execution_id, sequence, event_type, payload)
        select * from unnest(${events.map(row => row.id)}::uuid[], ${events.map(row => row.execution)}::uuid[],
          ${events.map(row => row.sequence)}::bigint[], ${events.map(row => row.type)}::text[], ${events.map(row => row.payload)}::jsonb[])`),
    ]),
  )
}

const memo = new Map<string, readonly (readonly [string, string])[]>()

/** Type and payload of the events of one run, in order. */
function eventsOf(shape: Shape): readonly (readonly [string, string])[] {
  const known = memo.get(shape.name)
  if (known !== undefined) return known
  const width = shape.nodes.length / shape.waves
  const events: [string, object][] = [['workflow_started', {}]]
  for (let wave = 0; wave < shape.waves; wave++) {
    const keys = shape.nodes.slice(wave * width, (wave + 1) * width).map(({ key }) => key)
    events.push(['wave_started', { wave, nodes: width }])
    for (const key of keys) events.push(['node_started', { node: key, attempt: 1 }])
    for (const key of keys) events.push(['node_completed', { node: key, output: OUTPUT }])
    events.push(['wave_completed', { wave }])
  }
  events.push(['workflow_completed', { output: OUTPUT }])
  const written = events.map(([type, payload]) => [type, JSON.stringify(payload)] as const)
  memo.set(shape.name, written)
  return written
}

function derived(execution: string, node: string): string {
  const digest = createHash('md5').update(execution).update(node).digest('hex')
  return `${execution.slice(0, 19)}a${digest.slice(0, 3)}-${digest.slice(3, 15)}`
}
