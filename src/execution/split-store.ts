// The SQL of splits. How many items are open, and whether one failed, is asked of their executions, by partial indexes:
// there is no counter that could be wrong.
import type { Json } from '../base/json.ts'
import { rowsByKey } from '../db/by-key.ts'
import { uuids, words } from '../db/columns.ts'
import type { Db, Pool, Tx } from '../db/pool.ts'
import { constant, sql } from '../db/sql.ts'
import type { EventType } from '../event/event.ts'
import type { Around, SplitKey } from './item.ts'
import type { Standing } from './split.ts'
import type { ExecutionStatus } from './state.ts'

/** Seed of the advisory locks of executions whose splits somebody sees to; other classes of locks have others. */
const SPLIT_SEED = 3

/** Those of the executions that nobody else sees to, until the transaction ends. */
export async function tryLockSplits(tx: Tx, executionIds: readonly string[]): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(sql('split.tryLock')`
    select id from unnest(${executionIds}::uuid[]) as l (id)
    where pg_try_advisory_xact_lock(hashtextextended(id::text, ${SPLIT_SEED}))`)
  return rows.map(row => row.id)
}

/** Their splits that have not ended, in a statement of its own after they were locked. */
export function loadStandings(tx: Tx, executionIds: readonly string[]): Promise<Standing[]> {
  return tx.rows(sql('split.standings')`
    select s.execution_id as "executionId", s.node_id as "nodeId", s.generation, n.key as node,
      p.workflow_id as "workflowId", p.priority, p.status as "executionStatus", s.sequence, s.since, s.total,
      s.max_parallel as "maxParallel", s.on_item_error as "onItemError", s.next_index as "nextIndex", s.status,
      items.open, items.paused,
      (select c.item_index from public.executions c
       where c.parent_execution_id = s.execution_id and c.parent_node_id = s.node_id and c.generation = s.generation
         and c.item_index < s.next_index and c.status in ('failed', 'cancelled')
       order by c.item_index limit 1) as "failedIndex"
    from public.splits s
    join public.executions p on p.id = s.execution_id
    join public.nodes n on n.id = s.node_id
    cross join lateral (
      select count(*)::integer as open, (count(*) filter (where c.status = 'paused'))::integer as paused
      from public.executions c
      where c.parent_execution_id = s.execution_id and c.parent_node_id = s.node_id and c.generation = s.generation
        and c.status in ('pending', 'running', 'paused')
    ) as items
    where s.execution_id = any(${executionIds}::uuid[]) and s.status <> 'ended'`)
}

/** False when it stands elsewhere by now, or is to open no more. */
export async function moveOn(
  tx: Tx,
  { executionId, nodeId, generation }: SplitKey,
  { from, to }: { from: number; to: number },
): Promise<boolean> {
  const moved = await tx.run(sql('split.moveOn')`
    update public.splits set next_index = ${to}
    where execution_id = ${executionId} and node_id = ${nodeId} and generation = ${generation}
      and next_index = ${from} and status = 'open'`)
  return moved === 1
}

export interface ItemRow {
  readonly id: string
  readonly index: number
  readonly status: ExecutionStatus
}

/** Executions of items from `from` to before `to`, in the order of the items. */
export function findItems(
  db: Db,
  { executionId, nodeId, generation }: SplitKey,
  { from, to }: { from: number; to: number },
): Promise<ItemRow[]> {
  return db.rows(sql('split.items')`
    select id, item_index as index, status
    from public.executions
    where parent_execution_id = ${executionId} and parent_node_id = ${nodeId} and generation = ${generation}
      and item_index >= ${from} and item_index < ${to}
    order by item_index`)
}

export interface OpenItem {
  readonly id: string
  readonly status: ExecutionStatus
  /** The latest event by which something was asked of it. */
  readonly asked: EventType | null
}

/** Those that are not over; the most that may be open at once. */
export function findOpenItems(pool: Pool, { executionId, nodeId, generation }: SplitKey): Promise<OpenItem[]> {
  return rowsByKey(
    pool,
    sql('split.openItems')`
    select c.id, c.status, (
      select v.event_type from public.events v
      where v.execution_id = c.id and v.event_type in ('workflow_cancel_requested', 'workflow_pause_requested',
        'workflow_paused', 'workflow_resumed', 'workflow_retried')
      order by v.sequence desc limit 1) as asked
    from public.executions c
    where c.parent_execution_id = ${executionId} and c.parent_node_id = ${nodeId} and c.generation = ${generation}
      and c.status in ('pending', 'running', 'paused')
    order by c.item_index`,
  )
}

/** Whether it stands as it was found, and does so until the transaction ends. */
export async function holdSplit(
  tx: Tx,
  { executionId, nodeId, generation, since, status }: Standing,
): Promise<boolean> {
  const rows = await tx.rows(sql('split.hold')`
    select from public.splits
    where execution_id = ${executionId} and node_id = ${nodeId} and generation = ${generation}
      and since = ${since} and status = ${status}
    for share`)
  return rows.length === 1
}

/** Makes the executions of these items; resolves to the ids of those that were not there. */
export async function insertItems(
  tx: Tx,
  { executionId, nodeId, generation, workflowId, priority, sequence }: Standing,
  items: readonly { readonly id: string; readonly index: number; readonly sharedJobId: string | undefined }[],
): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(sql('split.insertItems')`
    with list as materialized (
      select payload -> 'items' as items from public.events where execution_id = ${executionId} and sequence = ${sequence}
    )
    insert into public.executions
      (id, workflow_id, parent_execution_id, parent_node_id, generation, item_index, priority, shared_job_id, input_data)
    select i.id, ${workflowId}, ${executionId}, ${nodeId}, ${generation}, i.index, ${priority}, i.shared_job_id, list.items -> i.index
    from list, rows from (
      unnest(${uuids(items.map(item => item.id))}::uuid[]),
      unnest(${words(items.map(item => item.index))}::integer[]),
      unnest(${uuids(items.map(item => item.sharedJobId))}::uuid[])
    ) as i (id, index, shared_job_id)
    on conflict (parent_execution_id, parent_node_id, generation, item_index) where parent_execution_id is not null
    do nothing
    returning id`)
  return rows.map(row => row.id)
}

/** Nobody has anything to do about it any more; unless it was opened again meanwhile. */
export async function endSplit(tx: Tx, { executionId, nodeId, generation, since, status }: Standing): Promise<void> {
  await tx.run(sql('split.end')`
    update public.splits set status = 'ended'
    where execution_id = ${executionId} and node_id = ${nodeId} and generation = ${generation}
      and since = ${since} and status = ${status}`)
}

/** Executions after an id, in order, with splits that have not ended. */
export async function findUnfinished(
  pool: Pool,
  { after, limit }: { after: string; limit: number },
): Promise<string[]> {
  const rows = await rowsByKey<{ id: string }>(
    pool,
    sql('split.unfinished')`
    select distinct execution_id as id from public.splits
    where status <> 'ended' and execution_id > ${after}
    order by execution_id limit ${limit}`,
  )
  return rows.map(row => row.id)
}

/** Whether a split stands still, with no item open: see Question in db/pulse.ts. */
export const standsStill = constant`
  (select 0 where exists (
    select from public.splits s join public.executions p on p.id = s.execution_id
    where s.status <> 'ended' and p.status <> 'paused' and not exists (
      select from public.executions c
      where c.parent_execution_id = s.execution_id and c.parent_node_id = s.node_id and c.generation = s.generation
        and c.status in ('pending', 'running', 'paused'))))`

export interface Result {
  readonly index: number
  readonly id: string
  readonly status: ExecutionStatus
  readonly error: string | null
  /** Of its output as text. */
  readonly bytes: number
  /** Null also where those before have more than `most` bytes together. */
  readonly output: Json
}

const PAGE = 1_000

/** What became of the items from `from` on, a page of them. */
export function pageOfResults(
  pool: Pool,
  { executionId, nodeId, generation }: SplitKey,
  { from, most }: { from: number; most: number },
): Promise<Result[]> {
  return rowsByKey(
    pool,
    sql('split.results')`
    select index, id, status, error, bytes,
      case when sum(bytes) over (order by index) <= ${most} then output end as output
    from (
      select item_index as index, id, status, error, output_data as output,
        coalesce(octet_length(output_data::text), 0) as bytes
      from public.executions
      where parent_execution_id = ${executionId} and parent_node_id = ${nodeId} and generation = ${generation}
        and item_index >= ${from} and item_index < ${from + PAGE}
    ) as page
    order by index`,
  )
}

/** The first that failed by itself, else the first that was cancelled, and how many did. */
export async function findFailure(
  pool: Pool,
  { executionId, nodeId, generation }: SplitKey,
): Promise<(Pick<Result, 'index' | 'id' | 'error'> & { readonly failed: number }) | undefined> {
  const [row] = await rowsByKey<Pick<Result, 'index' | 'id' | 'error'> & { failed: number }>(
    pool,
    sql('split.failure')`
    select item_index as index, id, error, (count(*) filter (where status = 'failed') over ())::integer as failed
    from public.executions
    where parent_execution_id = ${executionId} and parent_node_id = ${nodeId} and generation = ${generation}
      and status in ('failed', 'cancelled')
    order by status = 'cancelled', item_index
    limit 1`,
  )
  return row
}

/** The executions around an item, the innermost first, with what the nodes named came to in them (null: all nodes). */
export function loadAround(pool: Pool, of: SplitKey, keys: readonly string[] | null): Promise<Around[]> {
  return rowsByKey(
    pool,
    sql('split.around')`
    with recursive around as (
      select e.id, ${of.nodeId}::uuid as node_id, e.parent_execution_id, e.parent_node_id, e.trigger_data, 0 as distance
      from public.executions e where e.id = ${of.executionId}
      union all
      select e.id, a.parent_node_id, e.parent_execution_id, e.parent_node_id, e.trigger_data, a.distance + 1
      from around a join public.executions e on e.id = a.parent_execution_id
    )
    select a.id, a.node_id as "nodeId", a.parent_node_id as "parentNodeId",
      case when a.parent_node_id is null then a.trigger_data end as "triggerData",
      coalesce((
        select jsonb_object_agg(n.key, jsonb_build_object('status', x.status, 'output', x.output_data)
          || case when x.status = 'failed' then jsonb_build_object('error', x.error) else '{}' end)
        from public.node_executions x join public.nodes n on n.id = x.node_id
        where x.execution_id = a.id and x.status in ('completed', 'failed', 'skipped')
          and (${keys}::text[] is null or n.key = any(${keys}))), '{}') as nodes
    from around a
    order by a.distance`,
  )
}
