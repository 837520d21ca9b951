// What people are shown of executions. Reads only; nothing is decided on these rows.
import type { Json, JsonObject } from '../base/json.ts'
import type { Db } from '../db/pool.ts'
import { constant, sql } from '../db/sql.ts'
import type { FailureHandler } from '../event/event.ts'
import type { ExecutionStatus } from './state.ts'

/** What `execution list` and `watch` show. */
export interface ListedExecution {
  readonly id: string
  readonly workflow: string
  readonly version: number
  readonly trigger: string | null
  readonly status: ExecutionStatus
  readonly error: string | null
  readonly scheduled_for: Date | null
  readonly created_at: Date
  readonly started_at: Date | null
  readonly completed_at: Date | null
}

export interface ExecutionFilter {
  readonly workflow?: string
  readonly status?: string
  /** Only executions before this id (a page further back in time). */
  readonly before?: string
  /** Those that run for items of this one; otherwise those that run for no item. */
  readonly itemsOf?: string
  readonly limit: number
}

const listed = constant`e.id, w.name as workflow, w.version, e.trigger_data ->> 'key' as trigger, e.status, e.error,
      e.scheduled_for, e.created_at, e.started_at, e.completed_at`

/** The newest first. */
export function listExecutions(
  db: Db,
  { workflow, status, before, itemsOf, limit }: ExecutionFilter,
): Promise<ListedExecution[]> {
  return db.rows(sql('execution.list')`
    select ${listed}
    from public.executions e join public.workflows w on w.id = e.workflow_id
    where (${workflow ?? null}::text is null or w.name = ${workflow ?? null})
      and (${status ?? null}::text is null or e.status = ${status ?? null})
      and (${before ?? null}::uuid is null or e.id < ${before ?? null})
      and e.parent_execution_id is not distinct from ${itemsOf ?? null}::uuid
    order by e.id desc
    limit ${limit}`)
}

/** Which executions a command is for, when they are not named. */
export interface Selection {
  readonly statuses: readonly ExecutionStatus[]
  readonly workflow?: string
  readonly triggerId?: string
  /** Created at or after, and before. */
  readonly since?: Date
  readonly until?: Date
  /** Only those that ended because every worker that took them was lost. */
  readonly dead: boolean
}

/** Their ids, the oldest first; items of splits are asked through the executions they are part of. */
export async function selectExecutions(db: Db, selection: Selection): Promise<string[]> {
  const { statuses, workflow = null, triggerId = null, since = null, until = null, dead } = selection
  const rows = await db.rows<{ id: string }>(sql('execution.select')`
    select e.id
    from public.executions e join public.workflows w on w.id = e.workflow_id
    where e.status = any(${statuses}::text[]) and e.parent_execution_id is null
      and (${workflow}::text is null or w.name = ${workflow})
      and (${triggerId}::uuid is null or e.trigger_id = ${triggerId})
      and (${since}::timestamptz is null or e.created_at >= ${since})
      and (${until}::timestamptz is null or e.created_at < ${until})
      and (not ${dead}::boolean or starts_with(e.error, 'WORKER_LOST: '))
    order by e.id`)
  return rows.map(row => row.id)
}

export async function readNow(db: Db): Promise<Date> {
  const [row] = await db.rows<{ now: Date }>(sql('execution.now')`select clock_timestamp()::timestamptz(3) as now`)
  return row?.now ?? new Date(Number.NaN)
}

export interface Watched {
  /** Executions to look at whatever became of them. */
  readonly ids: readonly string[]
  /** All made at or after this instant. */
  readonly since: Date
  readonly workflow?: string
}

const MOST_OPEN = 1_000

/** What somebody who watches wants to see, the oldest first: those named, the new ones, and the latest that are not over. */
export function listWatched(db: Db, { ids, since, workflow }: Watched): Promise<ListedExecution[]> {
  return db.rows(sql('execution.watched')`
    with watched as (
      select id from public.executions where id = any(${ids}::uuid[])
      union
      select id from public.executions where id >= public.mbflow_uuid_at(${since}) and parent_execution_id is null
      union
      (select id from public.executions
        where status in ('pending', 'running', 'paused') and parent_execution_id is null
        order by created_at desc limit ${MOST_OPEN})
    )
    select ${listed}
    from watched join public.executions e using (id) join public.workflows w on w.id = e.workflow_id
    where ${workflow ?? null}::text is null or w.name = ${workflow ?? null}
    order by e.id`)
}

export interface ShownExecution extends ListedExecution {
  readonly trigger_data: JsonObject
  readonly input: Json
  readonly output: Json
  readonly last_sequence: number
  readonly wake_at: Date | null
  readonly parked_reason: string | null
  readonly limit_key: string | null
  readonly rate_key: string | null
  /** Of one that waits for a limit or a rate: how many are before it, and when the next of them is let begin, if that is known. */
  readonly line: { readonly ahead: number; readonly next_at: string | null } | null
  readonly pool: string | null
  readonly priority: number
  /** What became of `on_failure`; null unless it failed and its workflow names one. */
  readonly failure_handler: FailureHandler | null
  /** The split whose item it runs for. */
  readonly item_of: { readonly execution_id: string; readonly node: string; readonly index: number } | null
  readonly nodes: readonly ShownNode[]
}

export interface ShownNode {
  readonly key: string
  readonly type: string
  readonly status: string
  readonly wave: number
  readonly retry_count: number
  readonly input: Json
  readonly output: Json
  readonly error: string | null
  readonly started_at: string | null
  readonly completed_at: string | null
  /** Of a split: how its items stand now. */
  readonly items: ShownItems | null
}

export interface ShownItems {
  readonly total: number
  readonly completed: number
  /** Cancelled ones too. */
  readonly failed: number
  readonly open: number
}

export async function showExecution(db: Db, id: string): Promise<ShownExecution | undefined> {
  const [row] = await db.rows<ShownExecution>(sql('execution.show')`
    select ${listed}, e.trigger_data,
      case when e.input_mapping is null then e.input_data else (
        select v.payload -> 'input' from public.events v
        where v.execution_id = e.id and v.event_type = 'workflow_started') end as input, e.output_data as output, e.last_sequence, e.wake_at, e.parked_reason, e.limit_key, e.rate_key, e.pool, e.priority,
      case when e.parked_reason in ('limit', 'rate') then json_build_object(
        'ahead', (
          select count(*) from public.executions b
          where (b.parked_reason = 'limit' and e.parked_reason = 'limit' and b.limit_key = e.limit_key
              or b.parked_reason = 'rate' and e.parked_reason = 'rate' and b.rate_key = e.rate_key)
            and (b.priority > e.priority or b.priority = e.priority and b.id < e.id)),
        'next_at', (
          select b.wake_at from public.rate_buckets b where e.parked_reason = 'rate' and b.key = e.rate_key)) end as line,
      case when e.status = 'failed' then (
        select v.payload -> 'handler' from public.events v
        where v.execution_id = e.id and v.sequence = e.last_sequence) end as failure_handler,
      (select json_build_object('execution_id', e.parent_execution_id, 'node', n.key, 'index', e.item_index)
       from public.nodes n where n.id = e.parent_node_id) as item_of,
      coalesce((
        select json_agg(json_build_object('key', n.key, 'type', n.type, 'status', x.status, 'wave', x.wave,
          'retry_count', x.retry_count, 'input', x.input_data, 'output', x.output_data, 'error', x.error,
          'started_at', x.started_at, 'completed_at', x.completed_at, 'items', s.items) order by x.wave, n.id)
        from public.node_executions x join public.nodes n on n.id = x.node_id
        left join lateral (
          select json_build_object('total', s.total, 'completed', count(*) filter (where c.status = 'completed'),
            'failed', count(*) filter (where c.status in ('failed', 'cancelled')),
            'open', count(*) filter (where c.status in ('pending', 'running', 'paused'))) as items
          from public.splits s left join public.executions c on c.parent_execution_id = s.execution_id
            and c.parent_node_id = s.node_id and c.generation = s.generation
          where (s.execution_id, s.node_id, s.generation) = (x.execution_id, x.node_id, x.generation)
          group by s.total
        ) as s on true
        where x.execution_id = e.id), '[]') as nodes
    from public.executions e join public.workflows w on w.id = e.workflow_id
    where e.id = ${id}`)
  return row
}

/** The newest ids in a range, at most two: one is meant, two are ambiguous. */
export async function findBetween(db: Db, range: { from: string; to: string }): Promise<string[]> {
  const rows = await db.rows<{ id: string }>(sql('execution.findBetween')`
    select id from public.executions where id between ${range.from} and ${range.to} order by id desc limit 2`)
  return rows.map(row => row.id)
}
