// A time zone as stretches of constant offset, from Node's own copy of the IANA rules. Found by probing once per zone and
// year and kept: afterwards no calendar library is asked.
//
// 1. Stretches are contiguous and half-open: every instant lies in exactly one.
// 2. A stretch knows the offset before it, also when the change lies up to two days before the year it was asked for.
// 3. No zone has plans beyond 2100 other than rules for every year, and the calendar repeats every 400 years: of these,
//    each year is probed once.
import type { Problem } from '../base/errors.ts'
import { createLru } from '../base/lru.ts'
import { nearMiss } from '../base/near-miss.ts'
import type { Instant } from './trigger-type.ts'

/** Local time minus UTC is `offset` from `from` until just before `until`. */
export interface Stretch {
  readonly from: Instant
  readonly until: Instant
  readonly offset: number
  /** The offset just before `from`: larger means local times repeat, smaller that some were skipped. */
  readonly before: number
}

export interface Zone {
  stretchAt(instant: Instant): Stretch
}

const SECOND_MS = 1_000
const DAY_MS = 86_400_000
const RULES_ONLY = 2100
const CYCLE_YEARS = 400
const CYCLE_MS = 146_097 * DAY_MS
/** No zone ever changed its offset by more (the date line moved across Samoa: 24 h). */
export const LARGEST_CHANGE_MS = 2 * DAY_MS

/** By itself `Date.UTC` takes the years 0 to 99 for those of the 20th century. */
export function startOfMonth(year: number, month: number): Instant {
  return new Date(0).setUTCFullYear(year, month, 1)
}

const zones = createLru<string, Zone>(1_000)

/** Throws RangeError for a name that `checkZone` refuses. */
export function zoneNamed(name: string): Zone {
  const known = zones.get(name)
  if (known) return known
  const zone = createZone(name)
  zones.set(name, zone)
  return zone
}

function createZone(name: string): Zone {
  const offsetAt = createOffsets(name)
  const years = new Map<number, readonly Stretch[]>()
  // Whoever walks along the slots asks for the same stretch again and again.
  let latest: { readonly since: Instant; readonly stretch: Stretch } | undefined
  const stretchAt = (instant: Instant): Stretch => {
    if (latest !== undefined && latest.since <= instant && instant < latest.stretch.until) return latest.stretch
    const year = new Date(instant).getUTCFullYear()
    const cycles = Math.max(0, Math.floor((year - RULES_ONLY) / CYCLE_YEARS))
    if (cycles > 0) return later(stretchAt(instant - cycles * CYCLE_MS), cycles * CYCLE_MS)
    let stretches = years.get(year)
    if (!stretches) {
      stretches = stretchesOf(year, offsetAt)
      years.set(year, stretches)
    }
    const stretch = stretches.find(({ until }) => instant < until) as Stretch
    latest = { since: Math.max(stretch.from, startOfMonth(year, 0)), stretch }
    return stretch
  }
  return { stretchAt }
}

function later({ from, until, ...offsets }: Stretch, ms: number): Stretch {
  return { from: from + ms, until: until + ms, ...offsets }
}

/** Stretches that cover a year, the first of which begins before it, the last cut off at its end. */
function stretchesOf(year: number, offsetAt: Offsets): Stretch[] {
  const start = startOfMonth(year, 0)
  const end = startOfMonth(year + 1, 0)
  const stretches: Stretch[] = []
  let from = start - LARGEST_CHANGE_MS
  let before = offsetAt(from)
  let offset = before
  for (const change of [...changes(offsetAt, from, end), end]) {
    if (change > start) stretches.push({ from, until: change, offset, before })
    ;[from, before, offset] = [change, offset, offsetAt(change)]
  }
  return stretches
}

type Offsets = (instant: Instant) => number

/** The instants in (from, until) at which the offset changes, to the second. No zone changes and changes back within a day. */
function changes(offsetAt: Offsets, from: Instant, until: Instant): Instant[] {
  const found: Instant[] = []
  const last = until - SECOND_MS
  let at = from
  let offset = offsetAt(at)
  while (at < last) {
    const later = Math.min(at + DAY_MS, last)
    const laterOffset = offsetAt(later)
    if (laterOffset === offset) {
      at = later
    } else {
      at = firstChange(offsetAt, at, later)
      offset = offsetAt(at)
      found.push(at)
    }
  }
  return found
}

/** Bisects (from, until], whose ends differ in offset. */
function firstChange(offsetAt: Offsets, from: Instant, until: Instant): Instant {
  const offset = offsetAt(from)
  while (until - from > SECOND_MS) {
    const middle = from + Math.floor((until - from) / 2 / SECOND_MS) * SECOND_MS
    if (offsetAt(middle) === offset) from = middle
    else until = middle
  }
  return until
}

function createOffsets(name: string): Offsets {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' })
  return instant => {
    const [, sign, hours, minutes, seconds = 0] = OFFSET.exec(format.format(instant)) ?? []
    const offset = Number(hours ?? 0) * 3_600 + Number(minutes ?? 0) * 60 + Number(seconds)
    return (sign === '-' ? -offset : offset) * SECOND_MS
  }
}

/** `GMT`, `GMT+05:45`, `GMT-00:44:30`. */
const OFFSET = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/

const HINT = 'name a place of the IANA time zone database, such as Europe/Berlin, or UTC'

/** Accepts places (`Europe/Berlin`), UTC and GMT. Abbreviations and offsets stand for several zones, or for none. */
export function checkZone(name: string, path: string): Problem[] {
  const shown = JSON.stringify(name)
  const known = isKnown(name)
  if (/^(utc|gmt)$/i.test(name) || (name.includes('/') && known)) return []
  if (/^(utc|gmt)?\s*[+\-−]?\d/i.test(name)) {
    const hint = `${HINT}; the fixed offset UTC+1 is Etc/GMT-1, its sign reversed`
    return [{ path, message: `${shown} is an offset, not a time zone`, hint }]
  }
  if (known) return [{ path, message: `${shown} is not the name of a place`, hint: HINT }]
  const meant = nearestZone(name)
  return [
    {
      path,
      message: `${shown} is not a known time zone`,
      hint: meant === undefined ? HINT : `did you mean "${meant}"?`,
    },
  ]
}

/** By its whole name or, failing that, by its city. */
function nearestZone(name: string): string | undefined {
  const zones = Intl.supportedValuesOf('timeZone')
  const cities = new Map(zones.map(zone => [zone.slice(zone.lastIndexOf('/') + 1), zone]))
  const wanted = name.replaceAll(' ', '_')
  return nearMiss(wanted, zones) ?? cities.get(nearMiss(wanted.slice(wanted.lastIndexOf('/') + 1), cities.keys()) ?? '')
}

function isKnown(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name })
    return true
  } catch {
    return false
  }
}
