// Shared calendars: saved by documents, named by triggers. A calendar may change at any time: which slots there are does
// not depend on it, only what becomes of those that are still to come. One that a trigger names cannot be deleted.
import { MbflowError, type Problem } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { nearMiss } from '../base/near-miss.ts'
import type { Db, Pool, Tx } from '../db/pool.ts'
import type { SharedCalendar } from './calendar-document.ts'
import {
  dropCalendar,
  holdCalendars,
  listCalendars,
  lockCalendar,
  saveCalendar,
  triggersNaming,
} from './calendar-store.ts'
import { sharedCalendars } from './exclusion.ts'

export { listCalendars } from './calendar-store.ts'

export interface CalendarOutcome {
  readonly calendar: string
  readonly change: 'created' | 'changed' | 'unchanged'
}

export async function applyCalendars(tx: Tx, calendars: readonly SharedCalendar[]): Promise<CalendarOutcome[]> {
  const outcomes: CalendarOutcome[] = []
  for (const calendar of calendars) outcomes.push({ calendar: calendar.name, change: await saveCalendar(tx, calendar) })
  return outcomes
}

/** Throws DOCUMENT_INVALID when a trigger (`workflow/key`) names a calendar that is not there. */
export async function requireCalendars(
  tx: Tx,
  triggers: readonly { readonly key: string; readonly config: JsonObject }[],
): Promise<void> {
  const wanted = triggers.flatMap(({ key, config }) => sharedCalendars(config).map(name => ({ key, name })))
  if (wanted.length === 0) return
  const held = await holdCalendars(tx, [...new Set(wanted.map(({ name }) => name))])
  const missing = wanted.filter(({ name }) => !held.has(name))
  if (missing.length === 0) return
  const known = await knownNames(tx)
  const problems = missing.map(({ key, name }): Problem => {
    const meant = nearMiss(name, known)
    const hint = meant === undefined ? 'apply its document before this one, or with it' : `did you mean "${meant}"?`
    return { path: key, message: `there is no calendar ${JSON.stringify(name)}`, hint }
  })
  throw new MbflowError('DOCUMENT_INVALID', 'a trigger names a calendar that is not there; nothing was applied', {
    problems,
  })
}

/** Throws CALENDAR_NOT_FOUND; REFUSED while a trigger names it. */
export function deleteCalendar(pool: Pool, name: string): Promise<void> {
  return pool.transaction(async tx => {
    if (!(await lockCalendar(tx, name))) {
      const meant = nearMiss(name, await knownNames(tx))
      throw new MbflowError('CALENDAR_NOT_FOUND', `there is no calendar ${name}`, {
        hint: meant === undefined ? 'mbflow calendar list shows them all' : `did you mean ${meant}?`,
      })
    }
    const triggers = await triggersNaming(tx, name)
    if (triggers.length > 0) {
      throw new MbflowError('REFUSED', `the calendar ${name} is named by ${triggers.join(', ')}`, {
        hint: 'take it out of their exclude first',
      })
    }
    await dropCalendar(tx, name)
  })
}

async function knownNames(db: Db): Promise<string[]> {
  return (await listCalendars(db)).map(({ name }) => name)
}
