// Wide work: one execution with 10,000 items, from the commit that queued it until it is over, on one daemon and on two.
// An item is an execution of its own. Where it does next to nothing, daemons and server share the processors; where it
// waits, the places of one daemon are short.
import { isDeepStrictEqual } from 'node:util'
import { systemClock } from '../../src/base/clock.ts'
import { notify } from '../../src/db/listener.ts'
import { sql } from '../../src/db/sql.ts'
import { startExecutions } from '../../src/execution/start.ts'
import type { NodeDocument } from '../../src/workflow/workflow.ts'
import type { Bench } from '../bench.ts'
import type { Cost } from '../cost.ts'
import { type Daemon, type Ground, onGround } from '../ground.ts'
import { type Bar, ratios } from '../report.ts'
import { publish, type Shape, type Workflow } from '../shapes.ts'
import { memoryFigure, ROUNDS } from '../throughput.ts'

const PATIENCE_MS = 120_000
const SPLIT = { items: 'input', max_parallel: 1_000 }

export async function run(bench: Bench): Promise<void> {
  await onGround(async ground => {
    const idle = await publish(ground, shape('split', { type: 'transform', config: { expression: 'item' } }))
    const waiting = await publish(ground, shape('split-waiting', { type: 'delay', config: { for: '200ms' } }))
    const first = await ground.daemon()
    await compare(bench, { ground, first, workflow: idle, what: 'items', bar: '≤ 6' })
    await compare(bench, { ground, first, workflow: waiting, what: 'items that wait 200 ms' })
  })
}

async function compare(
  { quick, say, figure }: Bench,
  { ground, first, workflow, what, bar }: Comparison,
): Promise<void> {
  const items = Array.from({ length: quick ? 1_000 : 10_000 }, (_, i) => i)
  const few = items.slice(0, 1_000)
  await time(ground, workflow, few) // warms up
  const alone: number[] = []
  const both: number[] = []
  const costs: Cost[] = []
  for (let i = 1; i <= ROUNDS; i++) {
    say(`${what}, round ${i} of ${ROUNDS}`)
    const meter = await ground.meter(first)
    alone.push(await time(ground, workflow, items))
    costs.push(await meter.stop())
    const second = await ground.daemon()
    await time(ground, workflow, few)
    both.push(await time(ground, workflow, items))
    await second.stop()
  }
  figure({ name: `${what}, one daemon`, unit: 's', values: alone })
  figure({ name: `${what}, two daemons`, unit: 's', values: both, ...(bar && !quick && { bar }) })
  figure({ name: `${what}, one times two`, unit: '', values: ratios(alone, both) })
  figure(memoryFigure(costs))
}

interface Comparison {
  readonly ground: Ground
  readonly first: Daemon
  readonly workflow: Workflow
  readonly what: string
  readonly bar?: Bar
}

function shape(name: string, body: Pick<NodeDocument, 'type' | 'config'>): Shape {
  const node = (key: string, of: Pick<NodeDocument, 'type' | 'config'>): NodeDocument => ({
    ...of,
    key,
    name: key,
    policy: {},
  })
  return {
    name,
    waves: 2,
    nodes: [
      node('each', { type: 'split', config: SPLIT }),
      node('body', body),
      node('all', { type: 'merge', config: {} }),
    ],
    edges: [
      { source: 'each', target: 'body', condition: null },
      { source: 'body', target: 'all', condition: null },
    ],
    events: [],
  }
}

/** Seconds. Throws unless every item ran once, and all came back in their order. */
async function time({ pool, queue, ids }: Ground, workflow: Workflow, items: readonly number[]): Promise<number> {
  const id = ids.next()
  const [of, none] = [
    { workflowId: workflow.id, input: items, priority: 0 },
    { triggerId: null, scheduledFor: null },
  ]
  const startedAt = performance.now()
  await pool.transaction(async tx => {
    await startExecutions(tx, queue, [{ id, ...of, ...none, fireKey: null, triggerData: {} }])
    await notify(tx, 'jobs')
  })
  const output = await outputOf(pool, id)
  const seconds = (performance.now() - startedAt) / 1000
  if (!isDeepStrictEqual(output, items)) throw new Error('the items did not come back as they went')
  const [row] = await pool.rows<{ ran: number }>(sql('bench.items')`
    select count(*) as ran from public.executions where parent_execution_id = ${id} and status = 'completed'`)
  if (row?.ran !== items.length) throw new Error(`${row?.ran} of ${items.length} items ran`)
  return seconds
}

async function outputOf(pool: Ground['pool'], id: string): Promise<unknown> {
  for (const patience = AbortSignal.timeout(PATIENCE_MS); !patience.aborted; await systemClock.sleep(20)) {
    const [row] = await pool.rows<{ status: string; error: string | null; output: unknown }>(sql('bench.output')`
      select status, error, output_data as output from public.executions where id = ${id} and completed_at is not null`)
    if (row === undefined) continue
    if (row.status !== 'completed') throw new Error(`the execution ${row.status}: ${row.error}`)
    return row.output
  }
  throw new Error('the execution is not over')
}
