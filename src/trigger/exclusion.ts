// Which slots of a trigger its calendars exclude. A calendar judges the slot the schedule names, before it is moved.
import type { JsonObject } from '../base/json.ts'
import { childPath } from '../base/schema.ts'
import { type Calendar, type CalendarForm, calendarOf } from './calendar.ts'
import { shiftOf } from './schedule-policy.ts'
import type { Trigger } from './trigger.ts'
import type { Instant } from './trigger-type.ts'

/** Shared calendars by name. */
export type Calendars = ReadonlyMap<string, CalendarForm>

export interface Exclusion {
  /** The name of the calendar, or where the config holds it: `exclude[1]`. */
  readonly by: string
  /** Slots before this instant are excluded as well. */
  readonly until: Instant
}

/** Why a slot must not fire; null when it may. */
export type Exclusions = (slot: Instant) => Exclusion | null

type Exclude = readonly (string | CalendarForm)[]

const excludeOf = (config: JsonObject): Exclude => (config as { exclude?: Exclude }).exclude ?? []

/** The shared calendars a config names. */
export function sharedCalendars(config: JsonObject): string[] {
  return excludeOf(config).filter(one => typeof one === 'string')
}

/** Of a checked trigger; throws when a calendar it names is not there. */
export function exclusionsOf({ id, config }: Pick<Trigger, 'id' | 'config'>, calendars: Calendars): Exclusions {
  const excludes = excludeOf(config)
  if (excludes.length === 0) return () => null
  const { timezone = 'UTC' } = config as { timezone?: string }
  const shift = shiftOf(config, id)
  const judges = excludes.map((one, i): { by: string; excludedUntil: Calendar } => {
    if (typeof one !== 'string') return { by: childPath('exclude', i), excludedUntil: calendarOf(one, timezone) }
    const shared = calendars.get(one)
    if (shared === undefined) throw new Error(`there is no calendar ${JSON.stringify(one)}`)
    return { by: one, excludedUntil: calendarOf(shared, timezone) }
  })
  return slot => {
    for (const { by, excludedUntil } of judges) {
      const until = excludedUntil(slot - shift)
      if (until !== null) return { by, until: until + shift }
    }
    return null
  }
}
