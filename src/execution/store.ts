// The SQL of executions, except the append (event/event-log).
import type { Json, JsonObject } from '../base/json.ts'
import { rowsByKey } from '../db/by-key.ts'
import { unlessNull, uuids, values, words } from '../db/columns.ts'
import type { Db, Pool, Tx } from '../db/pool.ts'
import { constant, sql } from '../db/sql.ts'
import type { ParkReason } from '../event/event.ts'
import type { ExecutionStatus } from './state.ts'

/** An execution as it was created ("event 0"), and where it stands. */
export interface ExecutionRow {
  readonly id: string
  readonly workflowId: string
  readonly triggerId: string | null
  readonly triggerData: JsonObject
  readonly input: Json
  /** What is still to be evaluated of the input when the run begins; see mapping.ts. */
  readonly mapping: JsonObject | string | null
  readonly priority: number
  readonly status: ExecutionStatus
  readonly lastSequence: number
  readonly turn: number
  readonly claim: number
  readonly createdAt: Date
  readonly startedAt: Date | null
  /** When its timer wakes it; null unless it is parked. */
  readonly wakeAt: Date | null
  readonly parkedReason: ParkReason | null
  /** What its limit is counted by, once it has its place under it, or waits for one. */
  readonly limitKey: string | null
  /** What its rate is counted by, once it has passed it, or waits for that. */
  readonly rateKey: string | null
  /** Whose workers have its turn, or are to take it; null: those of the default. */
  readonly pool: string | null
  /** The job of its first turn, if that carries others as well. */
  readonly sharedJobId: string | null
  /** Of one that runs for an item of a split: the execution it is part of, the split, its generation, and which item. */
  readonly parentId: string | null
  readonly parentNodeId: string | null
  readonly generation: number
  readonly itemIndex: number | null
}

export interface NewExecution {
  readonly id: string
  readonly workflowId: string
  readonly triggerId: string | null
  readonly scheduledFor: Date | null
  readonly fireKey: string | null
  readonly triggerData: JsonObject
  readonly input: Json
  readonly mapping?: JsonObject | string | null
  readonly priority: number
  /** Whether the policies of its trigger depend on its end. */
  readonly reportsEnd?: boolean
}

const columns = constant`id, workflow_id as "workflowId", trigger_id as "triggerId", trigger_data as "triggerData",
      input_data as input, input_mapping as mapping, priority, status, last_sequence as "lastSequence", turn, claim,
      created_at as "createdAt", started_at as "startedAt", wake_at as "wakeAt",
      parked_reason as "parkedReason", limit_key as "limitKey", rate_key as "rateKey", pool, shared_job_id as "sharedJobId", parent_execution_id as "parentId",
      parent_node_id as "parentNodeId", generation, item_index as "itemIndex"`

/** With the database's instant. */
export function loadExecutions(pool: Pool, ids: readonly string[]): Promise<(ExecutionRow & { now: Date })[]> {
  return rowsByKey(
    pool,
    sql('execution.load')`
    select ${columns}, (select clock_timestamp()::timestamptz(3)) as now
    from public.executions
    where id = any(${uuids(ids)}::uuid[])`,
  )
}

/** In the order of their ids, locked until the end of the transaction; with its instant. */
export function lockExecutions(tx: Tx, ids: readonly string[]): Promise<(ExecutionRow & { now: Date })[]> {
  return tx.rows(sql('execution.lock')`
    select ${columns}, now()::timestamptz(3) as now
    from public.executions
    where id = any(${ids}::uuid[])
    order by id
    for no key update`)
}

/** Where the executions stand, by their latest event. */
export function latestSequences(
  pool: Pool,
  ids: readonly string[],
): Promise<{ readonly id: string; readonly lastSequence: number }[]> {
  return rowsByKey(
    pool,
    sql('execution.sequences')`
    select id, last_sequence as "lastSequence" from public.executions where id = any(${ids}::uuid[])`,
  )
}

export function insertExecutions(
  tx: Tx,
  executions: readonly NewExecution[],
  /** Jobs that begin several of them, by their ids. */
  sharedJobs: ReadonlyMap<string, string> = new Map(),
): Promise<number> {
  const each = <T>(pick: (row: NewExecution) => T): T[] => executions.map(pick)
  return tx.run(sql('execution.insert')`
    insert into public.executions
      (id, workflow_id, trigger_id, scheduled_for, fire_key, trigger_data, input_data, input_mapping, priority, reports_end,
       shared_job_id)
    select id, workflow_id, trigger_id, scheduled_for, fire_key, trigger_data, input, nullif(mapping, 'null'), priority, reports_end,
      shared_job_id
    from rows from (
      unnest(${uuids(each(row => row.id))}::uuid[]),
      unnest(${uuids(each(row => row.workflowId))}::uuid[]),
      unnest(${uuids(each(row => row.triggerId))}::uuid[]),
      unnest(${words(unlessNull(each(row => row.scheduledFor)))}::timestamptz[]),
      jsonb_array_elements_text(${values(each(row => row.fireKey))}::jsonb),
      jsonb_array_elements(${values(each(row => row.triggerData))}::jsonb),
      jsonb_array_elements(${values(each(row => row.input))}::jsonb),
      jsonb_array_elements(${values(unlessNull(each(row => row.mapping)))}::jsonb),
      unnest(${words(each(row => row.priority))}::integer[]),
      unnest(${words(each(row => String(row.reportsEnd ?? false)))}::boolean[]),
      unnest(${uuids(unlessNull(each(row => sharedJobs.get(row.id))))}::uuid[])
    ) as e (id, workflow_id, trigger_id, scheduled_for, fire_key, trigger_data, input, mapping, priority, reports_end,
      shared_job_id)`)
}

/** When the next timer is due: see Question in db/pulse.ts. */
export const timerDueIn = constant`
  (select extract(epoch from min(wake_at) - clock_timestamp()) * 1000 from public.executions where wake_at is not null)`

/** Parked executions whose time has come. */
export function findDue(db: Db, limit: number): Promise<ExecutionRow[]> {
  return db.rows(sql('execution.findDue')`
    select ${columns}
    from public.executions
    where wake_at <= now()
    order by wake_at
    limit ${limit}`)
}

/** Executions that wait for nothing and have not moved for `silence` milliseconds; pages continue after an id. */
export function findSilent(db: Db, page: { silence: number; after: string; limit: number }): Promise<ExecutionRow[]> {
  return db.rows(sql('execution.findSilent')`
    select ${columns}
    from public.executions
    where status in ('pending', 'running') and (wake_at is null or parked_reason = 'pool')
      and coalesce(parked_reason, '') not in ('items', 'limit', 'rate') and id > ${page.after}
      and updated_at < now() - ${page.silence} * interval '1 millisecond'
    order by id
    limit ${page.limit}`)
}
