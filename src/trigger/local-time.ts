// How a slot reads on the clock it is meant on, and what changes of that clock have to do with it. The clock is that of
// the schedule which names the slot; schedules of one trigger may be in several zones.

import { parseInstant, parseLocal } from '../base/instant.ts'
import type { JsonObject } from '../base/json.ts'
import { scheduleOf } from './check.ts'
import { shiftOf } from './schedule-policy.ts'
import type { Trigger } from './trigger.ts'
import type { Instant, Schedule } from './trigger-type.ts'
import { instantsOf } from './wall-clock.ts'
import { type Zone, zoneNamed } from './zone.ts'

export interface Reading {
  readonly timezone: string
  /** ISO 8601 with the offset: `2026-10-25T02:30:00+02:00`. */
  readonly local: string
  /** `CEST`; empty where English has none. */
  readonly abbreviation: string
}

export interface ClockRemark {
  /** `dst_gap`: moved out of skipped local times; `dst_overlap`: its local time comes twice. */
  readonly kind: 'dst_gap' | 'dst_overlap'
  readonly text: string
}

export interface SlotClock {
  read(slot: Instant): Reading
  remarks(slot: Instant): ClockRemark[]
}

/** The place whose clock a trigger follows where its schedules name no other. */
export function timezoneOf({ config }: Pick<Trigger, 'config'>): string {
  return (config as { timezone?: string }).timezone ?? 'UTC'
}

/** What a text names: an instant, or a local time of the zone, which may come twice or never; undefined if neither. */
export function instantsNamed(text: string, timezone: string): Instant[] | undefined {
  const instant = parseInstant(text)
  if (instant !== undefined) return [instant]
  const local = parseLocal(text)
  if (local === undefined) return undefined
  return instantsOf(local, zoneNamed(timezone), { gap: 'skip', overlap: 'both' })
}

type Ruled = Pick<Trigger, 'id' | 'type' | 'config' | 'anchorAt'>

/** Of a checked trigger. */
export function slotClockOf(trigger: Ruled): SlotClock {
  const places = placesOf(trigger)
  const home = createReader(timezoneOf(trigger))
  const readers = places.map(({ timezone, schedule }) => ({ schedule, reader: createReader(timezone) }))
  const readerOf = (slot: Instant) => readers.find(({ schedule }) => schedule.next(slot - 1) === slot)?.reader ?? home
  const shift = shiftOf(trigger.config, trigger.id)
  const whole = scheduleOf(trigger)
  const gapless = scheduleOf({ ...trigger, config: withoutGaps(trigger) })
  return {
    read: slot => readerOf(slot).read(slot),
    remarks(slot) {
      const { timezone, zone } = readerOf(slot)
      const nominal = slot - shift
      const { from, until, offset, before } = zone.stretchAt(nominal)
      if (nominal === from && offset > before && gapless?.next(slot - 1) !== slot) {
        const skipped = `${clockText(from + before)} to ${clockText(from + offset)}`
        return [{ kind: 'dst_gap', text: `the clocks of ${timezone} skip ${skipped}; a time between falls here` }]
      }
      const lost = offset - zone.stretchAt(until).offset
      if (lost > 0 && nominal >= until - lost) {
        const both = whole?.next(slot + lost - 1) === slot + lost
        return [
          { kind: 'dst_overlap', text: `comes twice; this is the first time${both ? '' : ', which alone counts'}` },
        ]
      }
      if (before > offset && nominal < from + before - offset)
        return [{ kind: 'dst_overlap', text: 'comes twice; this is the second time' }]
      return []
    },
  }
}

/** The rule that has no slot for skipped local times; other types know no changes of the clocks. */
function withoutGaps({ type, config }: Ruled): JsonObject {
  if (type !== 'cron') return config
  const { dst } = config as { dst?: JsonObject }
  return { ...config, dst: { ...dst, gap: 'skip' } }
}

interface Place {
  readonly timezone: string
  readonly schedule: Schedule
}

type Entries = readonly (string | { readonly schedule: string; readonly timezone?: string })[]

/** The zones other than the trigger's own, each with what it names; empty for most triggers. */
function placesOf(trigger: Ruled): Place[] {
  const {
    at: _,
    schedule: __,
    schedules = [],
    ...rest
  } = trigger.config as { schedules?: Entries; at?: unknown; schedule?: unknown }
  const own = timezoneOf(trigger)
  const zoneOf = (entry: Entries[number]): string => (typeof entry === 'string' ? own : (entry.timezone ?? own))
  const others = [...new Set(schedules.map(zoneOf))].filter(zone => zone !== own)
  return others.flatMap(timezone => {
    const config = { ...rest, schedules: schedules.filter(entry => zoneOf(entry) === timezone) } as Trigger['config']
    const schedule = scheduleOf({ ...trigger, config })
    return schedule === null ? [] : [{ timezone, schedule }]
  })
}

interface Reader {
  readonly timezone: string
  readonly zone: Zone
  read(slot: Instant): Reading
}

/** What is the same for a stretch of constant offset is made once for it: formatting dates costs more than computing slots. */
function createReader(timezone: string): Reader {
  const zone = zoneNamed(timezone)
  const abbreviationAt = createAbbreviations(timezone)
  let known = { from: Number.NaN, abbreviation: '', suffix: '' }
  return {
    timezone,
    zone,
    read(slot) {
      const { from, offset } = zone.stretchAt(slot)
      if (known.from !== from) known = { from, abbreviation: abbreviationAt(slot), suffix: suffixOf(offset) }
      return { timezone, local: localOf(slot + offset) + known.suffix, abbreviation: known.abbreviation }
    },
  }
}

/** English speakers call a zone by a short name only where they live. */
const ENGLISH = ['en-US', 'en-GB', 'en-AU', 'en-NZ', 'en-IN']

function createAbbreviations(timeZone: string): (instant: Instant) => string {
  const formats = ENGLISH.map(locale => new Intl.DateTimeFormat(locale, { timeZone, timeZoneName: 'short' }))
  return instant => {
    for (const format of formats) {
      const name = format.formatToParts(instant).find(({ type }) => type === 'timeZoneName')?.value ?? ''
      if (/^[A-Z]+$/.test(name)) return name
    }
    return ''
  }
}

/** `2026-11-22T09:00:00`, with milliseconds if there are any. */
function localOf(local: number): string {
  const text = new Date(local).toISOString()
  return text.endsWith('.000Z') ? text.slice(0, -5) : text.slice(0, -1)
}

/** `+05:45` */
function suffixOf(offset: number): string {
  const minutes = Math.floor(Math.abs(offset) / 60_000)
  const pad = (value: number): string => String(value).padStart(2, '0')
  return `${offset < 0 ? '-' : '+'}${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`
}

/** `02:00` of a local time. */
function clockText(local: number): string {
  return new Date(local).toISOString().slice(11, 16)
}
