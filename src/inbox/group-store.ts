// The SQL of groups: what event triggers remember from one event to the next. Written under the mutex of the trigger.
import { uuids, values, words } from '../db/columns.ts'
import type { Db, Tx } from '../db/pool.ts'
import { constant, sql } from '../db/sql.ts'
import type { Group } from './gather.ts'

export interface GroupName {
  readonly triggerId: string
  readonly groupKey: string
}

export interface StoredGroup extends GroupName {
  readonly group: Group
}

export interface GroupChange extends GroupName {
  readonly before: Group | null
  readonly after: Group | null
}

export async function loadGroups(tx: Tx, names: readonly GroupName[]): Promise<StoredGroup[]> {
  if (names.length === 0) return []
  const rows = await tx.rows<GroupName & Group>(sql('inbox.loadGroups')`
    select g.trigger_id as "triggerId", g.group_key as "groupKey", g.gathering,
      (extract(epoch from g.opened_at) * 1000)::bigint as "openedAt", (extract(epoch from g.due_at) * 1000)::bigint as "dueAt",
      coalesce((
        select jsonb_agg(jsonb_build_object('eventId', m.event_id, 'at', (extract(epoch from m.member_at) * 1000)::bigint,
          'part', m.part, 'bytes', m.byte_count) order by m.member_at, m.event_id)
        from public.event_group_members m where m.trigger_id = g.trigger_id and m.group_key = g.group_key
      ), '[]') as members
    from rows from (
      unnest(${uuids(names.map(({ triggerId }) => triggerId))}::uuid[]),
      jsonb_array_elements_text(${values(names.map(({ groupKey }) => groupKey))}::jsonb)
    ) as n (trigger_id, group_key)
    join public.event_groups g on g.trigger_id = n.trigger_id and g.group_key = n.group_key`)
  return rows.map(({ triggerId, groupKey, ...group }) => ({ triggerId, groupKey, group }))
}

/**
 * Groups to be closed, the longest overdue first: those that no event may join any more. What could not be processed for a
 * day does not keep them open.
 */
export function loadDueGroups(db: Db, limit: number): Promise<GroupName[]> {
  return db.rows(sql('inbox.dueGroups')`
    select trigger_id as "triggerId", group_key as "groupKey" from public.event_groups
    where due_at <= clock_timestamp() and due_at <= coalesce((
      select min(received_at) from public.inbound_events
      where processed_at is null and received_at > clock_timestamp() - interval '1 day'
    ), 'infinity')
    order by due_at
    limit ${limit}`)
}

/** Whether an event waits, and when the next group is due: see Question in db/pulse.ts. */
export const inboxDueIn = constant`
  least((select 0 where exists (select from public.inbound_events where processed_at is null)),
        (select extract(epoch from min(due_at) - clock_timestamp()) * 1000 from public.event_groups))`

/** Milliseconds until the next group is due, negative when one is overdue; null when there is none. */
export async function nextGroupIn(db: Db): Promise<number | null> {
  const [row] = await db.rows<{ ms: number | null }>(sql('inbox.nextGroup')`
    select (extract(epoch from min(due_at) - clock_timestamp()) * 1000)::float8 as ms from public.event_groups`)
  return row?.ms ?? null
}

export async function saveGroups(tx: Tx, changes: readonly GroupChange[]): Promise<void> {
  const gone = changes.filter(({ before, after }) => before !== null && after === null)
  const kept = changes.flatMap(({ after, ...change }) => (after === null ? [] : [{ ...change, after }]))
  const left = kept.flatMap(({ before, after, ...name }) => {
    const stay = new Set(idsOf(after))
    return idsOf(before).flatMap(eventId => (stay.has(eventId) ? [] : [{ ...name, eventId }]))
  })
  const joined = kept.flatMap(({ before, after, ...name }) => {
    const known = new Set(idsOf(before))
    return after.members.flatMap(member => (known.has(member.eventId) ? [] : [{ ...name, ...member }]))
  })
  await Promise.all([
    gone.length > 0 && deleteGroups(tx, gone),
    kept.length > 0 && upsertGroups(tx, kept),
    left.length > 0 && deleteMembers(tx, left),
    joined.length > 0 && insertMembers(tx, joined),
  ])
}

const idsOf = (group: Group | null): string[] => group?.members.map(({ eventId }) => eventId) ?? []

function deleteGroups(tx: Tx, names: readonly GroupName[]): Promise<number> {
  return tx.run(sql('inbox.deleteGroups')`
    delete from public.event_groups g
    using rows from (
      unnest(${uuids(names.map(({ triggerId }) => triggerId))}::uuid[]),
      jsonb_array_elements_text(${values(names.map(({ groupKey }) => groupKey))}::jsonb)
    ) as n (trigger_id, group_key)
    where g.trigger_id = n.trigger_id and g.group_key = n.group_key`)
}

function upsertGroups(tx: Tx, groups: readonly (GroupName & { readonly after: Group })[]): Promise<number> {
  return tx.run(sql('inbox.upsertGroups')`
    insert into public.event_groups as g (trigger_id, group_key, gathering, opened_at, due_at)
    select * from rows from (
      unnest(${uuids(groups.map(({ triggerId }) => triggerId))}::uuid[]),
      jsonb_array_elements_text(${values(groups.map(({ groupKey }) => groupKey))}::jsonb),
      unnest(${words(groups.map(({ after }) => after.gathering))}::text[]),
      unnest(${words(groups.map(({ after }) => new Date(after.openedAt)))}::timestamptz[]),
      unnest(${words(groups.map(({ after }) => new Date(after.dueAt)))}::timestamptz[])
    ) as n (trigger_id, group_key, gathering, opened_at, due_at)
    on conflict (trigger_id, group_key) do update
    set gathering = excluded.gathering, opened_at = excluded.opened_at, due_at = excluded.due_at`)
}

interface MemberName extends GroupName {
  readonly eventId: string
}

function deleteMembers(tx: Tx, members: readonly MemberName[]): Promise<number> {
  return tx.run(sql('inbox.deleteMembers')`
    delete from public.event_group_members m
    using rows from (
      unnest(${uuids(members.map(({ triggerId }) => triggerId))}::uuid[]),
      jsonb_array_elements_text(${values(members.map(({ groupKey }) => groupKey))}::jsonb),
      unnest(${uuids(members.map(({ eventId }) => eventId))}::uuid[])
    ) as n (trigger_id, group_key, event_id)
    where m.trigger_id = n.trigger_id and m.group_key = n.group_key and m.event_id = n.event_id`)
}

function insertMembers(tx: Tx, members: readonly (MemberName & Group['members'][number])[]): Promise<number> {
  return tx.run(sql('inbox.insertMembers')`
    insert into public.event_group_members (trigger_id, group_key, event_id, part, byte_count, member_at)
    select * from rows from (
      unnest(${uuids(members.map(({ triggerId }) => triggerId))}::uuid[]),
      jsonb_array_elements_text(${values(members.map(({ groupKey }) => groupKey))}::jsonb),
      unnest(${uuids(members.map(({ eventId }) => eventId))}::uuid[]),
      unnest(${words(members.map(({ part }) => part))}::smallint[]),
      unnest(${words(members.map(({ bytes }) => bytes))}::integer[]),
      unnest(${words(members.map(({ at }) => new Date(at)))}::timestamptz[])
    ) as n (trigger_id, group_key, event_id, part, byte_count, member_at)`)
}
