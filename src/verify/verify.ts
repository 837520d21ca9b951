// Proves a database against its promises: the invariants, and that the tables equal the fold of the event log.
import { isDeepStrictEqual } from 'node:util'
import type { Json } from '../base/json.ts'
import type { Db } from '../db/pool.ts'
import type { ExecutionProjection, NodeProjection } from '../event/append.ts'
import type { RecordedEvent } from '../event/event.ts'
import { leftStanding } from '../execution/compensation.ts'
import { fold } from '../execution/evolve.ts'
import { planOf } from '../execution/item.ts'
import { executionProjection, nodeProjection } from '../execution/projection.ts'
import { initialState } from '../execution/state.ts'
import type { Plan } from '../workflow/waves.ts'
import { invariants, pageOfExecutions, type StoredExecution } from './invariant-store.ts'

export interface Violation {
  readonly invariant: string
  readonly detail: Record<string, unknown>
}

export interface VerifyDeps {
  readonly db: Db
  plan(workflowId: string): Promise<Plan>
  events(executionId: string): Promise<RecordedEvent[]>
}

const PAGE = 500

export async function verify(deps: VerifyDeps): Promise<Violation[]> {
  const violations: Violation[] = []
  for (const { name, violations: statement } of invariants) {
    const rows = await deps.db.rows<Record<string, unknown>>(statement)
    violations.push(...rows.map(detail => ({ invariant: name, detail })))
  }
  for (let after = '00000000-0000-0000-0000-000000000000'; ; ) {
    const page = await pageOfExecutions(deps.db, { after, limit: PAGE })
    for (const stored of page) violations.push(...(await compareWithFold(deps, stored)))
    if (page.length < PAGE) return violations
    after = page.at(-1)?.id ?? after
  }
}

async function compareWithFold(
  { plan: planOfVersion, events: eventsOf }: VerifyDeps,
  stored: StoredExecution,
): Promise<Violation[]> {
  const [whole, events] = await Promise.all([planOfVersion(stored.workflowId), eventsOf(stored.id)])
  const plan = planOf(whole, stored)
  const state = fold(plan, initialState(plan, stored.input as Json), events)
  const differ = (row: string, expected: unknown, found: unknown): Violation[] =>
    isDeepStrictEqual(expected, found)
      ? []
      : [{ invariant: 'tables_equal_fold', detail: { execution_id: stored.id, row, expected, found } }]

  const undoing = leftStanding(plan, state)
  const nodes = new Map(stored.nodes.map(node => [node.node_id, node]))
  const touched = plan.nodes.filter(node => state.nodes[node.index]?.status !== 'pending')
  return [
    ...undoing.map(node => ({ invariant: 'undone_before_end', detail: { execution_id: stored.id, node } })),
    ...differ('executions', executionPicture(executionProjection(state)), pick(stored.row, EXECUTION_COLUMNS)),
    ...differ('node_executions', touched.length, nodes.size),
    ...touched.flatMap(node => {
      const nodeState = state.nodes[node.index]
      const found = nodes.get(node.id)
      if (nodeState === undefined || found === undefined) return differ(node.key, 'a row', 'none')
      return differ(
        node.key,
        nodePicture(nodeProjection(stored.id, node, { before: undefined, after: nodeState })),
        pick(found, NODE_COLUMNS),
      )
    }),
  ]
}

const EXECUTION_COLUMNS = [
  'status',
  'output_data',
  'error',
  'turn',
  'claim',
  'wake_at',
  'parked_reason',
  'limit_key',
  'rate_key',
  'pool',
  'started_at',
  'completed_at',
] as const
const NODE_COLUMNS = [
  'id',
  'status',
  'wave',
  'retry_count',
  'generation',
  'input_data',
  'output_data',
  'error',
  'started_at',
  'completed_at',
] as const

function executionPicture(row: ExecutionProjection): Record<string, unknown> {
  return normal({
    status: row.status,
    output_data: row.output,
    error: row.error,
    turn: row.turn,
    claim: row.claim,
    wake_at: row.wakeAt,
    parked_reason: row.parkedReason,
    limit_key: row.limitKey,
    rate_key: row.rateKey,
    pool: row.pool,
    started_at: row.startedAt,
    completed_at: row.completedAt,
  })
}

function nodePicture(row: NodeProjection): Record<string, unknown> {
  return normal({
    id: row.id,
    status: row.status,
    wave: row.wave,
    retry_count: row.retryCount,
    generation: row.generation,
    input_data: row.input,
    output_data: row.output,
    error: row.error,
    started_at: row.startedAt,
    completed_at: row.completedAt,
  })
}

function pick(row: Record<string, unknown>, columns: readonly string[]): Record<string, unknown> {
  return normal(Object.fromEntries(columns.map(column => [column, row[column]])))
}

/** One form for what JSON, JavaScript and SQL write differently: instants as milliseconds, nothing as null. */
function normal(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => {
      if (value === undefined || value === null) return [column, null]
      return [
        column,
        column.endsWith('_at') ? new Date(value as string | Date).getTime() : JSON.parse(JSON.stringify(value)),
      ]
    }),
  )
}
