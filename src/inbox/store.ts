// The SQL of inbound events. What is unprocessed is asked for as such, never by "after the last one": transactions commit
// out of order, and an event that shows late would be stepped over.
import type { Json, JsonObject } from '../base/json.ts'
import { findByKey } from '../db/by-key.ts'
import { uuids, values } from '../db/columns.ts'
import type { Db, Pool, Tx } from '../db/pool.ts'
import { constant, sql } from '../db/sql.ts'
import type { InboundEvent } from './cloud-event.ts'

/** An event in the inbox. */
export interface StoredEvent extends InboundEvent {
  readonly id: string
  /** Workflows whose ends led to it. */
  readonly chain: readonly string[]
  readonly receivedAt: Date
}

const columns = constant`id, source, external_id as "externalId", type, attributes, data, chain, received_at as "receivedAt"`

/** Writes those that are new; resolves to which these are, in the order given. */
export async function insertEvents(tx: Tx, events: readonly InboundEvent[]): Promise<boolean[]> {
  const each = <T>(pick: (event: InboundEvent) => T): T[] => events.map(pick)
  const rows = await tx.rows<{ source: string; externalId: string }>(sql('inbox.insert')`
    insert into public.inbound_events (source, external_id, type, attributes, data)
    select source, external_id, type, attributes, nullif(data, 'null')
    from rows from (
      jsonb_array_elements_text(${values(each(event => event.source))}::jsonb),
      jsonb_array_elements_text(${values(each(event => event.externalId))}::jsonb),
      jsonb_array_elements_text(${values(each(event => event.type))}::jsonb),
      jsonb_array_elements(${values(each(event => event.attributes))}::jsonb),
      jsonb_array_elements(${values(each(event => event.data))}::jsonb)
    ) as e (source, external_id, type, attributes, data)
    on conflict on constraint inbound_events_source_external_id_key do nothing
    returning source, external_id as "externalId"`)
  const nameOf = ({ source, externalId }: { source: string; externalId: string }) =>
    JSON.stringify([source, externalId])
  const fresh = new Set(rows.map(nameOf))
  // Of an event that is twice in one request the first is new.
  return events.map(event => fresh.delete(nameOf(event)))
}

export interface WaitingEvent extends StoredEvent {
  /** Whether it has waited for ten minutes. */
  readonly isOld: boolean
}

/** What waits, the first received first. Nothing is locked. */
export function loadUnprocessed(pool: Pool, limit: number): Promise<WaitingEvent[]> {
  return pool.atOnce(tx =>
    Promise.all([
      findByKey(tx),
      tx.rows<WaitingEvent>(sql('inbox.loadUnprocessed')`
        select ${columns}, received_at < clock_timestamp() - interval '10 minutes' as "isOld"
        from public.inbound_events
        where processed_at is null
        order by received_at, id
        limit ${limit}`),
    ]).then(([, events]) => events),
  )
}

/** Those of the events that nobody else is processing, and nobody has; theirs until the transaction ends. */
export async function claimEvents(tx: Tx, ids: readonly string[]): Promise<Set<string>> {
  const rows = await tx.rows<{ id: string }>(sql('inbox.claim')`
    select id from public.inbound_events
    where id = any(${ids}::uuid[]) and processed_at is null
    order by id
    for update skip locked`)
  return new Set(rows.map(({ id }) => id))
}

export function loadEvents(tx: Tx, ids: readonly string[]): Promise<StoredEvent[]> {
  return tx.rows(sql('inbox.load')`select ${columns} from public.inbound_events where id = any(${ids}::uuid[])`)
}

export interface Processed {
  readonly id: string
  /** What went wrong with it, by trigger; null when nothing did. */
  readonly faults: readonly Fault[] | null
}

export async function markProcessed(tx: Tx, processed: readonly Processed[]): Promise<void> {
  await tx.run(sql('inbox.markProcessed')`
    update public.inbound_events i
    set processed_at = now(), faults = nullif(p.faults, 'null')
    from rows from (
      unnest(${uuids(processed.map(({ id }) => id))}::uuid[]),
      jsonb_array_elements(${values(processed.map(({ faults }) => faults))}::jsonb)
    ) as p (id, faults)
    where i.id = p.id`)
}

export type Fault = { readonly trigger: string; readonly message: string }

export interface ListedEvent {
  readonly id: string
  readonly source: string
  readonly externalId: string
  readonly type: string
  readonly attributes: JsonObject
  readonly data: Json
  /** Of the triggers that could not judge it. */
  readonly faults: readonly Fault[] | null
  readonly receivedAt: Date
  readonly processedAt: Date | null
  /** What became of it, by trigger. */
  readonly fires: readonly ListedFire[]
}

export interface ListedFire {
  readonly trigger: string
  /** `gathered` while it waits for more of its kind. */
  readonly disposition: string
  readonly reason: string | null
  readonly execution_id: string | null
}

/** The latest ones first. */
export function listEvents(
  db: Db,
  { type, pending, limit }: { type: string | undefined; pending: boolean; limit: number },
): Promise<ListedEvent[]> {
  return db.rows(sql('inbox.list')`
    select i.id, i.source, i.external_id as "externalId", i.type, i.attributes, i.data, i.faults,
      i.received_at as "receivedAt", i.processed_at as "processedAt",
      array(
        select jsonb_build_object('trigger', t.workflow_name || '/' || t.key, 'disposition', coalesce(f.disposition, 'gathered'),
          'reason', f.reason, 'execution_id', f.execution_id)
        from public.triggers t
        left join public.trigger_fires f on f.trigger_id = t.id and f.fire_key = 'evt:' || i.id
        where f.trigger_id is not null
          or exists (select from public.event_group_members m where m.trigger_id = t.id and m.event_id = i.id)
        order by 1
      ) as fires
    from public.inbound_events i
    where (${type ?? null}::text is null or i.type = ${type ?? null}) and (not ${pending} or i.processed_at is null)
    order by i.received_at desc, i.id desc
    limit ${limit}`)
}
