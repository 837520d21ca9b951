// The invariants that SQL can state, as named queries: each returns the rows that break it, none when all is well.
import type { Db } from '../db/pool.ts'
import { type Statement, sql } from '../db/sql.ts'

export interface Invariant {
  readonly name: string
  /** What must always hold. */
  readonly holds: string
  readonly violations: Statement
}

export const invariants: readonly Invariant[] = [
  {
    name: 'sequence_gapless',
    holds: 'the events of an execution are numbered 1..n, and its row knows n',
    violations: sql('verify.sequence')`
      select e.id as execution_id, e.last_sequence, count(v.sequence) as events, min(v.sequence) as first, max(v.sequence) as last
      from public.executions e left join public.events v on v.execution_id = e.id
      group by e.id
      having count(v.sequence) <> e.last_sequence or coalesce(max(v.sequence), 0) <> e.last_sequence`,
  },
  {
    name: 'terminal_once',
    holds:
      'an execution is over exactly since its latest terminal event; nothing but a retry, redrive or rerun follows one',
    violations: sql('verify.terminal')`
      select e.id as execution_id, e.status, array_agg(v.sequence) as terminal_events, e.last_sequence
      from public.executions e
      left join public.events v on v.execution_id = e.id
        and v.event_type in ('workflow_completed', 'workflow_failed', 'workflow_cancelled')
        and not exists (
          select from public.events reopened
          where reopened.execution_id = e.id and reopened.sequence = v.sequence + 1
            and reopened.event_type in ('workflow_retried', 'workflow_redriven', 'workflow_rerun'))
      group by e.id
      having (e.status in ('completed', 'failed', 'cancelled')) <> (count(v.sequence) = 1)
        or count(v.sequence) > 1 or max(v.sequence) < e.last_sequence`,
  },
  {
    name: 'fire_has_execution',
    holds: 'every fired row of the ledger has its execution',
    violations: sql('verify.fired')`
      select f.trigger_id, f.fire_key, f.execution_id
      from public.trigger_fires f
      where f.disposition = 'fired' and not exists (select from public.executions e where e.id = f.execution_id)`,
  },
  {
    name: 'execution_has_fire',
    holds: 'every execution of a trigger has its row in the ledger, and no two share one',
    violations: sql('verify.unfired')`
      select e.trigger_id, e.fire_key, count(*) as executions
      from public.executions e
      left join public.trigger_fires f on f.trigger_id = e.trigger_id and f.fire_key = e.fire_key and f.execution_id = e.id
      where e.trigger_id is not null
      group by e.trigger_id, e.fire_key
      having count(*) > 1 or count(f.fire_key) = 0`,
  },
  {
    name: 'buffered_has_trigger',
    holds: 'what waits has a trigger that will fire it',
    violations: sql('verify.buffered')`
      select f.trigger_id, f.fire_key
      from public.trigger_fires f
      where f.disposition = 'buffered' and not exists (select from public.triggers t where t.id = f.trigger_id)`,
  },
  {
    name: 'slots_disjoint',
    holds: 'no slot was disposed of twice',
    violations: sql('verify.slots')`
      select * from (
        select trigger_id, fire_key, slot_at, slot_until,
          lead(slot_at) over (partition by trigger_id order by slot_at, slot_until) as following
        from public.trigger_fires
        where fire_key like 'slot:%'
      ) as run
      where following <= slot_until`,
  },
  {
    name: 'event_once',
    holds:
      'an event has its row in the ledger of a trigger only once it is processed, and waits in no group of it any more',
    violations: sql('verify.events')`
      select i.id as event_id, f.trigger_id, i.processed_at, g.group_key
      from public.trigger_fires f
      join public.inbound_events i on f.fire_key = 'evt:' || i.id
      left join public.event_group_members m on m.trigger_id = f.trigger_id and m.event_id = i.id
      left join public.event_groups g on g.trigger_id = m.trigger_id and g.group_key = m.group_key and g.gathering <> 'throttle'
      where i.processed_at is null or g.group_key is not null`,
  },
  {
    name: 'cursor_ahead',
    holds: 'the cursor of a trigger lies after every slot it has disposed of',
    violations: sql('verify.cursor')`
      select c.trigger_id, c.next_fire_at, max(f.slot_until) as disposed_until
      from public.trigger_cursors c join public.trigger_fires f on f.trigger_id = c.trigger_id and f.fire_key like 'slot:%'
      group by c.trigger_id, c.next_fire_at
      having max(f.slot_until) >= c.next_fire_at`,
  },
  {
    name: 'backfill_accounted',
    holds: 'what a backfill says it has disposed of is in the ledger, all of it before its next slot',
    violations: sql('verify.backfills')`
      select b.id as backfill_id, b.done_count, b.fired_count, b.next_slot_at, f.slots, f.fired, f.disposed_until
      from public.backfills b cross join lateral (
        select coalesce(sum(slot_count), 0) as slots, count(*) filter (where disposition = 'fired') as fired,
          max(slot_until) as disposed_until
        from public.trigger_fires
        where trigger_id = b.trigger_id and fire_key like 'bf:' || b.id || ':%'
      ) as f
      where f.slots <> b.done_count or f.fired <> b.fired_count or f.disposed_until >= b.next_slot_at`,
  },
  {
    name: 'items_accounted',
    holds:
      'the items of a split each have one execution, from the first to how far it has come; none is open once it ended',
    violations: sql('verify.items')`
      select s.execution_id, s.node_id, s.generation, s.status, s.total, s.next_index, c.made, c.last_index, c.open
      from public.splits s cross join lateral (
        select count(*) filter (where item_index < s.next_index) as made, max(item_index) as last_index,
          count(*) filter (where status in ('pending', 'running', 'paused')) as open
        from public.executions
        where parent_execution_id = s.execution_id and parent_node_id = s.node_id and generation = s.generation
      ) as c
      where c.made <> s.next_index or c.last_index >= s.total or (s.status = 'ended' and c.open > 0)`,
  },
  {
    name: 'failure_handled_once',
    holds: 'a failure has the execution that it names as its handler, and an execution handles one failure',
    violations: sql('verify.handlers')`
      select coalesce(h.id, f.handler_id) as execution_id, count(f.execution_id) as failures, count(h.id) as executions
      from (
        select execution_id, (payload #>> '{handler,execution_id}')::uuid as handler_id
        from public.events
        where event_type = 'workflow_failed' and payload #> '{handler,execution_id}' is not null
      ) as f
      full join (select id from public.executions where trigger_data ->> 'type' = 'on_failure') as h on h.id = f.handler_id
      group by coalesce(h.id, f.handler_id)
      having count(f.execution_id) <> 1 or count(h.id) <> 1`,
  },
]

export interface StoredExecution {
  readonly id: string
  readonly workflowId: string
  readonly parentNodeId: string | null
  readonly input: unknown
  readonly row: Record<string, unknown>
  readonly nodes: readonly Record<string, unknown>[]
}

/** Executions with their rows as JSON, a page at a time in id order. */
export function pageOfExecutions(
  db: Db,
  { after, limit }: { after: string; limit: number },
): Promise<StoredExecution[]> {
  return db.rows(sql('verify.page')`
    select e.id, e.workflow_id as "workflowId", e.parent_node_id as "parentNodeId", e.input_data as input, to_jsonb(e) as row,
      coalesce((select jsonb_agg(to_jsonb(n)) from public.node_executions n where n.execution_id = e.id), '[]') as nodes
    from public.executions e
    where e.id > ${after}
    order by e.id
    limit ${limit}`)
}
