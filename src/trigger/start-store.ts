// The SQL of what the policies about starting ask: executions under way, ends that failed, fires that were too recent.
import type { Db, Tx } from '../db/pool.ts'
import { sql } from '../db/sql.ts'

/** Executions that each trigger has open; triggers without one are absent. */
export async function countOpen(db: Db, ids: readonly string[]): Promise<Map<string, number>> {
  if (ids.length === 0) return new Map()
  const rows = await db.rows<{ id: string; open: number }>(sql('trigger.countOpen')`
    select trigger_id as id, count(*)::integer as open
    from public.executions
    where trigger_id = any(${ids}::uuid[]) and status in ('pending', 'running', 'paused')
    group by trigger_id`)
  return new Map(rows.map(row => [row.id, row.open]))
}

/** The oldest open executions of each trigger, as many as are asked for. */
export async function oldestOpen(
  db: Db,
  wanted: ReadonlyMap<string, number>,
): Promise<{ readonly id: string; readonly triggerId: string }[]> {
  if (wanted.size === 0) return []
  return db.rows(sql('trigger.oldestOpen')`
    select e.id, w.id as "triggerId"
    from unnest(${[...wanted.keys()]}::uuid[], ${[...wanted.values()]}::integer[]) as w (id, most)
    cross join lateral (
      select id from public.executions
      where trigger_id = w.id and status in ('pending', 'running', 'paused')
      order by id
      limit w.most
    ) as e`)
}

/** Those of the triggers whose latest ends, as many as are named, are failures of executions fired since the rule was set. */
export async function findFailing(db: Db, wanted: ReadonlyMap<string, number>): Promise<Set<string>> {
  if (wanted.size === 0) return new Set()
  const rows = await db.rows<{ id: string }>(sql('trigger.findFailing')`
    select t.id
    from unnest(${[...wanted.keys()]}::uuid[], ${[...wanted.values()]}::integer[]) as w (id, most)
    join public.triggers t on t.id = w.id
    join public.trigger_specs s on s.trigger_id = t.id and s.spec_version = t.spec_version
    cross join lateral (
      select e.status, e.created_at from public.executions e
      where e.trigger_id = t.id and e.reports_end and e.status in ('completed', 'failed') and e.fire_key not like 'bf:%'
      order by e.completed_at desc, e.id desc
      limit w.most
    ) as latest
    group by t.id, w.most
    having count(*) = w.most and bool_and(latest.status = 'failed' and latest.created_at >= s.valid_from)`)
  return new Set(rows.map(row => row.id))
}

/** Until when each of the triggers rests; those that do not are absent. */
export async function loadCooldowns(db: Db, ids: readonly string[]): Promise<Map<string, number>> {
  if (ids.length === 0) return new Map()
  const rows = await db.rows<{ id: string; until: Date }>(sql('trigger.loadCooldowns')`
    select id, cooldown_until as until from public.triggers where id = any(${ids}::uuid[]) and cooldown_until is not null`)
  return new Map(rows.map(row => [row.id, row.until.getTime()]))
}

export async function startCooldowns(tx: Tx, rests: ReadonlyMap<string, Date>): Promise<void> {
  if (rests.size === 0) return
  await tx.run(sql('trigger.startCooldowns')`
    update public.triggers t set cooldown_until = greatest(t.cooldown_until, r.until)
    from unnest(${[...rests.keys()]}::uuid[], ${[...rests.values()]}::timestamptz[]) as r (id, until)
    where t.id = r.id`)
}

export async function endCooldown(tx: Tx, id: string): Promise<void> {
  await tx.run(sql('trigger.endCooldown')`update public.triggers set cooldown_until = null where id = ${id}`)
}
