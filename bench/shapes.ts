// The workflows that are measured, how their executions are started, and how it is known that they ran as they should.
import { isDeepStrictEqual } from 'node:util'
import { systemClock } from '../src/base/clock.ts'
import type { Json } from '../src/base/json.ts'
import { notify } from '../src/db/listener.ts'
import { sql } from '../src/db/sql.ts'
import { startExecutions } from '../src/execution/start.ts'
import { publishWorkflow } from '../src/workflow/publish.ts'
import type { EdgeDocument, NodeDocument } from '../src/workflow/workflow.ts'
import type { Driver } from './ground.ts'

export interface Shape {
  readonly name: string
  readonly nodes: readonly NodeDocument[]
  readonly edges: readonly EdgeDocument[]
  readonly waves: number
  /** Type and payload of what a run records, in order. */
  readonly events: readonly (readonly [type: string, payload: string])[]
}

/** A shape in a database. */
export interface Workflow {
  readonly shape: Shape
  readonly id: string
  /** In the order of the shape's nodes. */
  readonly nodeIds: readonly string[]
}

/** Executions whose ids lie between two, both included. */
export interface Batch {
  readonly workflow: Workflow
  readonly first: string
  readonly last: string
  readonly count: number
}

export const OUTPUT = { ok: true }

/** Every execution there is, of a database with one workflow. */
export function everything(workflow: Workflow, count: number): Batch {
  return {
    workflow,
    first: '00000000-0000-0000-0000-000000000000',
    last: 'ffffffff-ffff-ffff-ffff-ffffffffffff',
    count,
  }
}

/** `waves` waves of `width` nodes; every node feeds every node of the next wave. Nodes do next to nothing, on the normal path. */
export function layered(name: string, waves: number, width: number): Shape {
  const keys = Array.from({ length: waves }, (_, w) => Array.from({ length: width }, (_, n) => `w${w}n${n}`))
  const events: [string, object][] = [['workflow_started', {}]]
  keys.forEach((wave, number) => {
    events.push(['wave_started', { wave: number, nodes: width }])
    for (const node of wave) events.push(['node_started', { node, attempt: 1 }])
    for (const node of wave) events.push(['node_completed', { node, output: OUTPUT }])
    events.push(['wave_completed', { wave: number }])
  })
  events.push(['workflow_completed', { output: OUTPUT }])
  return {
    name,
    waves,
    nodes: keys.flat().map(key => ({
      key,
      name: key,
      type: 'transform',
      config: { expression: JSON.stringify(OUTPUT) },
      policy: {},
    })),
    edges: keys
      .slice(1)
      .flatMap((wave, before) =>
        wave.flatMap(target => (keys[before] ?? []).map(source => ({ source, target, condition: null }))),
      ),
    events: events.map(([type, payload]) => [type, JSON.stringify(payload)]),
  }
}

export async function publish({ pool, ids }: Driver, shape: Shape): Promise<Workflow> {
  const { name, nodes, edges } = shape
  const document = { name, description: null, variables: {}, settings: {}, triggers: [], nodes, edges }
  const { workflow } = await pool.transaction(tx => publishWorkflow(tx, { ids }, document))
  const rows = await pool.rows<{ id: string }>(sql('bench.nodes')`
    select n.id from public.nodes n join unnest(${nodes.map(node => node.key)}::text[]) with ordinality as k (key, place) using (key)
    where n.workflow_id = ${workflow.id} order by k.place`)
  return { shape, id: workflow.id, nodeIds: rows.map(row => row.id) }
}

/** Starts executions as fires do, so many in a transaction; workers are told. */
export async function begin(
  { pool, queue, ids }: Driver,
  workflow: Workflow,
  { count, together = 100, input }: { count: number; together?: number; input?: (nth: number) => Json },
): Promise<Batch> {
  const all = Array.from({ length: count }, () => ids.next())
  for (let begun = 0; begun < count; begun += together) {
    const executions = all.slice(begun, begun + together).map((id, nth) => ({
      id,
      workflowId: workflow.id,
      triggerId: null,
      scheduledFor: null,
      fireKey: null,
      triggerData: {},
      input: input === undefined ? OUTPUT : input(begun + nth),
      priority: 0,
    }))
    await pool.transaction(async tx => {
      await startExecutions(tx, queue, executions)
      await notify(tx, 'jobs')
    })
  }
  return { workflow, first: all[0] ?? '', last: all.at(-1) ?? '', count }
}

const PATIENCE_MS = 600_000

/**
 * Resolves when none of them is open. Looking must cost next to nothing: it asks for the last one alone until that is
 * over, and waits between two looks for a hundredth of the time that has passed.
 */
export async function over({ pool }: Driver, { first, last }: Batch): Promise<void> {
  const since = performance.now()
  let asked = last
  for (let passed = 0; passed < PATIENCE_MS; passed = performance.now() - since) {
    await systemClock.sleep(Math.min(20, 2 + passed / 100))
    const [open] = await pool.rows(
      sql('bench.open')`select from public.executions where id = ${asked} and status in ('pending', 'running')`,
    )
    if (open !== undefined) continue
    const [other] = await pool.rows<{ id: string }>(sql('bench.otherOpen')`
      select id from public.executions where id between ${first} and ${last} and status in ('pending', 'running')
      order by id desc limit 1`)
    if (other === undefined) return
    asked = other.id
  }
  throw new Error(`execution ${asked} is not over after ${PATIENCE_MS / 1000} s`)
}

export async function countCompleted({ pool }: Driver, { first, last }: Batch): Promise<number> {
  const [row] = await pool.rows<{ count: number }>(sql('bench.completed')`
    select count(*) as count from public.executions where id between ${first} and ${last} and status = 'completed'`)
  return row?.count ?? 0
}

/** Throws unless all of them completed and recorded what their shape promises, no more and no less. */
export async function requireRecorded({ pool }: Driver, { workflow, first, last, count }: Batch): Promise<void> {
  const { nodes, events } = workflow.shape
  const expected: Record<string, number> = { 'execution completed': count, 'node completed': count * nodes.length }
  for (const [type] of events) expected[type] = (expected[type] ?? 0) + count
  const rows = await pool.rows<{ what: string; count: number }>(sql('bench.recorded')`
    select 'execution ' || status as what, count(*) as count from public.executions
    where id between ${first} and ${last} group by status
    union all
    select 'node ' || status, count(*) from public.node_executions
    where execution_id between ${first} and ${last} group by status
    union all
    select event_type, count(*) from public.events
    where execution_id between ${first} and ${last} group by event_type`)
  const found = Object.fromEntries(rows.map(row => [row.what, row.count]))
  if (!isDeepStrictEqual(found, expected))
    throw new Error(`the run recorded ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`)
}
