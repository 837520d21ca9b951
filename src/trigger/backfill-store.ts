// The SQL of backfills.
import type { Db, Tx } from '../db/pool.ts'
import { constant, sql } from '../db/sql.ts'
import type { BackfillOverlap } from './backfill.ts'
import type { Spec } from './past-store.ts'

export type BackfillStatus = 'running' | 'paused' | 'completed' | 'cancelled'

export interface Backfill {
  readonly id: string
  readonly triggerId: string
  readonly specVersion: number
  readonly from: Date
  /** Exclusive. */
  readonly until: Date
  readonly overlap: BackfillOverlap
  readonly maxRunning: number
  readonly ratePerMinute: number | null
  readonly status: BackfillStatus
  readonly note: string | null
  readonly slotCount: number
  readonly doneCount: number
  readonly firedCount: number
  /** The earliest slot not disposed of; null once completed. */
  readonly nextSlotAt: Date | null
  readonly notBefore: Date
  readonly sinceAt: Date
  readonly sinceDone: number
  readonly endedAt: Date | null
  readonly createdAt: Date
}

const columns = constant`b.id, b.trigger_id as "triggerId", b.spec_version as "specVersion", b.from_at as "from",
      b.until_at as "until", b.overlap, b.max_running as "maxRunning", b.rate_per_minute as "ratePerMinute", b.status, b.note,
      b.slot_count as "slotCount", b.done_count as "doneCount", b.fired_count as "firedCount",
      b.next_slot_at as "nextSlotAt", b.not_before as "notBefore", b.since_at as "sinceAt", b.since_done as "sinceDone",
      b.ended_at as "endedAt", b.created_at as "createdAt"`

export type NewBackfill = Pick<
  Backfill,
  'id' | 'triggerId' | 'specVersion' | 'from' | 'until' | 'overlap' | 'maxRunning' | 'ratePerMinute' | 'slotCount'
> & { readonly nextSlotAt: Date }

export async function insertBackfill(tx: Tx, one: NewBackfill): Promise<void> {
  await tx.run(sql('backfill.insert')`
    insert into public.backfills (id, trigger_id, spec_version, from_at, until_at, overlap, max_running, rate_per_minute,
      slot_count, next_slot_at)
    values (${one.id}, ${one.triggerId}, ${one.specVersion}, ${one.from}, ${one.until}, ${one.overlap}, ${one.maxRunning},
      ${one.ratePerMinute}, ${one.slotCount}, ${one.nextSlotAt})`)
}

export interface RunningBackfill {
  readonly id: string
  /** How long its rate makes it wait, milliseconds. */
  readonly waits: number
  /** Whether it waits for executions to end. */
  readonly isBlocked: boolean
}

/** When the next backfill may go on: see Question in db/pulse.ts. */
export const backfillDueIn = constant`
  (select extract(epoch from min(not_before) - clock_timestamp()) * 1000 from public.backfills where status = 'running')`

/** Those whose turn it is first. */
export function findRunning(db: Db, limit: number): Promise<RunningBackfill[]> {
  return db.rows(sql('backfill.running')`
    select b.id, greatest(0, extract(epoch from b.not_before - clock_timestamp()) * 1000)::float8 as waits,
      o.own >= b.max_running or (b.overlap = 'buffer_all' and o."all" > 0) as "isBlocked"
    from public.backfills b cross join lateral (
      select count(*) as "all", count(*) filter (where e.fire_key like 'bf:' || b.id || ':%') as own
      from public.executions e
      where e.trigger_id = b.trigger_id and e.status in ('pending', 'running', 'paused')
    ) as o
    where b.status = 'running'
    order by b.not_before
    limit ${limit}`)
}

/** Held until the transaction ends; undefined when somebody else holds it, or it does not run. */
export async function holdRunning(tx: Tx, id: string): Promise<Backfill | undefined> {
  const [row] = await tx.rows<Backfill>(sql('backfill.hold')`
    select ${columns} from public.backfills b where b.id = ${id} and b.status = 'running' for update skip locked`)
  return row
}

/** Held until the transaction ends. */
export async function lockBackfill(tx: Tx, id: string): Promise<Backfill | undefined> {
  const [row] = await tx.rows<Backfill>(sql('backfill.lock')`
    select ${columns} from public.backfills b where b.id = ${id} for update`)
  return row
}

/** The rule it follows. */
export async function loadSpec(db: Db, { triggerId, specVersion }: Backfill): Promise<Spec | undefined> {
  const [row] = await db.rows<Spec>(sql('backfill.spec')`
    select spec_version as "specVersion", type, config, anchor_at as "anchorAt", enabled, valid_from as "validFrom"
    from public.trigger_specs where trigger_id = ${triggerId} and spec_version = ${specVersion}`)
  return row
}

export interface OpenExecutions {
  readonly now: Date
  /** Of the trigger, whatever fired them. */
  readonly all: number
  /** Of the backfill. */
  readonly own: number
}

export async function countOpenOf(db: Db, { id, triggerId }: Backfill): Promise<OpenExecutions> {
  const [row] = await db.rows<OpenExecutions>(sql('backfill.open')`
    select clock_timestamp()::timestamptz(3) as now, count(*)::integer as "all",
      count(*) filter (where fire_key like ${`bf:${id}:%`})::integer as own
    from public.executions
    where trigger_id = ${triggerId} and status in ('pending', 'running', 'paused')`)
  return row ?? { now: new Date(), all: 0, own: 0 }
}

export interface Step {
  readonly id: string
  readonly done: number
  readonly fired: number
  /** Null: it is through. */
  readonly nextSlotAt: Date | null
  readonly notBefore: Date
}

export async function recordStep(tx: Tx, { id, done, fired, nextSlotAt, notBefore }: Step): Promise<void> {
  await tx.run(sql('backfill.step')`
    update public.backfills
    set done_count = done_count + ${done}, fired_count = fired_count + ${fired}, next_slot_at = ${nextSlotAt},
        not_before = ${notBefore}, updated_at = now(),
        status = case when ${nextSlotAt}::timestamptz is null then 'completed' else status end,
        ended_at = case when ${nextSlotAt}::timestamptz is null then now() end
    where id = ${id}`)
}

export interface StatusChange {
  readonly id: string
  readonly status: Exclude<BackfillStatus, 'completed'>
  readonly note: string | null
}

/** One that goes on measures its speed anew. */
export async function setStatus(tx: Tx, { id, status, note }: StatusChange): Promise<void> {
  await tx.run(sql('backfill.status')`
    update public.backfills
    set status = ${status}, note = ${note}, updated_at = now(),
        ended_at = case when ${status}::text = 'cancelled' then now() end,
        since_at = case when ${status}::text = 'running' then now() else since_at end,
        since_done = case when ${status}::text = 'running' then done_count else since_done end
    where id = ${id}`)
}

export interface ListedBackfill extends Backfill {
  /** `workflow/key`; null when the trigger is gone. */
  readonly trigger: string | null
  readonly now: Date
}

const more = constant`t.workflow_name || '/' || t.key as trigger, clock_timestamp()::timestamptz(3) as now`

/** The latest first. */
export function listBackfills(db: Db, limit: number): Promise<ListedBackfill[]> {
  return db.rows(sql('backfill.list')`
    select ${columns}, ${more} from public.backfills b left join public.triggers t on t.id = b.trigger_id
    order by b.created_at desc, b.id desc
    limit ${limit}`)
}

/** Those whose id begins so, at most two: one is meant, two are ambiguous. */
export function findBackfills(db: Db, prefix: string): Promise<ListedBackfill[]> {
  return db.rows(sql('backfill.find')`
    select ${columns}, ${more} from public.backfills b left join public.triggers t on t.id = b.trigger_id
    where starts_with(b.id::text, ${prefix})
    order by b.id desc
    limit 2`)
}

/** What became of its slots, and how the executions it started fare. */
export interface Outcome {
  /** The status of executions; else why slots were skipped. */
  readonly outcome: string
  readonly kind: 'execution' | 'skipped'
  readonly slots: number
}

export function countOutcomes(db: Db, { id, triggerId, from, until }: Backfill): Promise<Outcome[]> {
  return db.rows(sql('backfill.outcomes')`
    select case when f.disposition = 'fired' then 'execution' else 'skipped' end as kind,
      coalesce(f.reason, e.status, 'no longer kept') as outcome, sum(f.slot_count)::integer as slots
    from public.trigger_fires f left join public.executions e on e.id = f.execution_id
    where f.trigger_id = ${triggerId} and f.slot_at >= ${from} and f.slot_at < ${until} and f.fire_key like ${`bf:${id}:%`}
    group by 1, 2
    order by 1, 2`)
}
