// The SQL of shared calendars.
import type { Db, Tx } from '../db/pool.ts'
import { sql } from '../db/sql.ts'
import type { SharedCalendar } from './calendar-document.ts'

/** Those of the names that are there. */
export async function loadCalendars(db: Db, names: readonly string[]): Promise<SharedCalendar[]> {
  if (names.length === 0) return []
  return db.rows(sql('calendar.load')`
    select name, description, config as form from public.calendars where name = any(${names}::text[])`)
}

export interface ListedCalendar extends SharedCalendar {
  readonly updatedAt: Date
  /** Triggers that name it. */
  readonly triggerCount: number
}

export function listCalendars(db: Db): Promise<ListedCalendar[]> {
  return db.rows(sql('calendar.list')`
    select name, description, config as form, updated_at as "updatedAt",
      (select count(*)::integer from public.triggers t
       where t.config @> jsonb_build_object('exclude', jsonb_build_array(c.name))) as "triggerCount"
    from public.calendars c order by name`)
}

export async function saveCalendar(
  tx: Tx,
  { name, description, form }: SharedCalendar,
): Promise<'created' | 'changed' | 'unchanged'> {
  const [row] = await tx.rows<{ created: boolean }>(sql('calendar.save')`
    insert into public.calendars as c (name, description, config)
    values (${name}, ${description}, ${form})
    on conflict (name) do update
      set description = excluded.description, config = excluded.config, updated_at = now()
      where (c.description, c.config) is distinct from (excluded.description, excluded.config)
    returning xmax = 0 as created`)
  if (row === undefined) return 'unchanged'
  return row.created ? 'created' : 'changed'
}

/** Those of the names that are there, which nobody can delete until the transaction ends. */
export async function holdCalendars(tx: Tx, names: readonly string[]): Promise<Set<string>> {
  const rows = await tx.rows<{ name: string }>(sql('calendar.hold')`
    select name from public.calendars where name = any(${names}::text[]) order by name for key share`)
  return new Set(rows.map(({ name }) => name))
}

/** Waits for those who hold it. Resolves to whether it is there. */
export async function lockCalendar(tx: Tx, name: string): Promise<boolean> {
  return (await tx.run(sql('calendar.lock')`select from public.calendars where name = ${name} for update`)) > 0
}

/** `workflow/key` of the triggers that name it. */
export async function triggersNaming(db: Db, name: string): Promise<string[]> {
  const rows = await db.rows<{ trigger: string }>(sql('calendar.triggers')`
    select workflow_name || '/' || key as trigger from public.triggers
    where config @> jsonb_build_object('exclude', jsonb_build_array(${name}::text))
    order by 1`)
  return rows.map(({ trigger }) => trigger)
}

export async function dropCalendar(tx: Tx, name: string): Promise<void> {
  await tx.run(sql('calendar.drop')`delete from public.calendars where name = ${name}`)
}
