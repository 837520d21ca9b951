// Slots of a rule given in local time ("at these seconds, minutes and hours of these days"), and what becomes of it in
// the nights on which local time jumps.
//
// 1. A rule with a wildcard or a step in its time of day follows the wall clock: local times that are skipped have no
//    slot, local times that come twice have two.
// 2. A rule of fixed times of day has one slot per local time: skipped ones fall together on the first instant after the
//    gap (or have none, `gap: skip`), of repeated ones the first counts (or both do, `overlap: both`).
// 3. Slots are whole seconds and strictly increase.
import type { Local } from '../base/instant.ts'
import type { Instant, Schedule } from './trigger-type.ts'
import { LARGEST_CHANGE_MS, startOfMonth, type Zone } from './zone.ts'

/** A day of the proleptic Gregorian calendar. */
export interface Day {
  readonly day: number
  readonly daysInMonth: number
  /** 0 is Sunday. */
  readonly weekday: number
}

/** The local times a rule names; the lists ascend and are not empty. */
export interface WallTimes {
  readonly seconds: readonly number[]
  readonly minutes: readonly number[]
  readonly hours: readonly number[]
  /** 1 is January. */
  readonly months: ReadonlySet<number>
  includesDay(day: Day): boolean
  /** Whether the times of day are fixed: no wildcard, no step. */
  readonly fixed: boolean
}

export interface DstPolicy {
  readonly gap: 'next_valid' | 'skip'
  readonly overlap: 'first' | 'both'
}

const SECOND_MS = 1_000
const DAY_MS = 86_400_000
/** Calendars and databases end somewhere; schedules end here. */
const LATEST = Date.UTC(10_000, 0, 1)
/** Every rule that ever matches does so within this: the rarest is 29 February on one weekday, 40 years across 2100. */
const HORIZON_MS = 100 * 366 * DAY_MS

export function createWallSchedule(times: WallTimes, zone: Zone, dst: DstPolicy): Schedule {
  const gapCounts = times.fixed && dst.gap === 'next_valid'
  const firstPassOnly = times.fixed && dst.overlap === 'first'

  return {
    next(after) {
      let at = Math.floor(after / SECOND_MS) * SECOND_MS + SECOND_MS
      while (at < LATEST) {
        const { from, until, offset, before } = zone.stretchAt(at)
        if (gapCounts && at === from && matches(times, from + before, from + offset)) return from
        const start = firstPassOnly ? Math.max(at + offset, from + before) : at + offset
        const match = nextLocal(times, start)
        if (match === undefined) return null
        if (match - offset < until) return match - offset
        // Only a change of offset within reach of `at` can bring a slot before `match`: far from it, go there at once.
        const near = match - offset - LARGEST_CHANGE_MS
        at = until - at > LARGEST_CHANGE_MS && near > until ? near : until
      }
      return null
    },
  }
}

/** The slots of one local time on one day. */
export function instantsOf(local: Local, zone: Zone, dst: DstPolicy): Instant[] {
  const found: Instant[] = []
  for (let at = local - LARGEST_CHANGE_MS; at < local + LARGEST_CHANGE_MS; ) {
    const { from, until, offset, before } = zone.stretchAt(at)
    const instant = local - offset
    if (instant >= at && instant < until) found.push(instant)
    // The second copy of a stretch, which a new year begins with, reaches back before `at`.
    else if (dst.gap === 'next_valid' && from >= at && local >= from + before && local < from + offset) found.push(from)
    at = until
  }
  return dst.overlap === 'first' ? found.slice(0, 1) : found
}

/** Whether the rule names a local time in [from, until). */
function matches(times: WallTimes, from: Local, until: Local): boolean {
  if (from >= until) return false
  const match = nextLocal(times, from)
  return match !== undefined && match < until
}

/** The first local time at or after `from` that the rule names. */
function nextLocal(times: WallTimes, from: Local): Local | undefined {
  const today = Math.floor(from / DAY_MS)
  const time = nextTimeOfDay(times, (from - today * DAY_MS) / SECOND_MS)
  const day = nextDay(times, time === undefined ? today + 1 : today)
  if (day === undefined) return undefined
  return day * DAY_MS + (day === today && time !== undefined ? time : firstTimeOfDay(times)) * SECOND_MS
}

const seconds = (hour: number, minute: number, second: number): number => hour * 3_600 + minute * 60 + second

const firstTimeOfDay = ({ hours: [hour = 0], minutes: [minute = 0], seconds: [second = 0] }: WallTimes): number =>
  seconds(hour, minute, second)

/** The first second of the day at or after `from`. */
function nextTimeOfDay(times: WallTimes, from: number): number | undefined {
  const hour = Math.floor(from / 3_600)
  const minute = Math.floor(from / 60) % 60
  const [firstMinute = 0] = times.minutes
  const [firstSecond = 0] = times.seconds
  if (times.hours.includes(hour)) {
    if (times.minutes.includes(minute)) {
      const second = atLeast(times.seconds, from % 60)
      if (second !== undefined) return seconds(hour, minute, second)
    }
    const laterMinute = atLeast(times.minutes, minute + 1)
    if (laterMinute !== undefined) return seconds(hour, laterMinute, firstSecond)
  }
  const laterHour = atLeast(times.hours, hour + 1)
  return laterHour === undefined ? undefined : seconds(laterHour, firstMinute, firstSecond)
}

const atLeast = (values: readonly number[], least: number): number | undefined => values.find(value => value >= least)

/** The first day, counted from 1970-01-01, at or after `from`. */
function nextDay(times: WallTimes, from: number): number | undefined {
  const end = from + HORIZON_MS / DAY_MS
  for (let day = from; day < end; ) {
    const date = new Date(day * DAY_MS)
    const year = date.getUTCFullYear()
    const month = date.getUTCMonth()
    const firstOfMonth = startOfMonth(year, month) / DAY_MS
    const firstOfNext = startOfMonth(year, month + 1) / DAY_MS
    if (times.months.has(month + 1)) {
      const daysInMonth = firstOfNext - firstOfMonth
      for (; day < firstOfNext; day++) {
        if (times.includesDay({ day: day - firstOfMonth + 1, daysInMonth, weekday: (((day + 4) % 7) + 7) % 7 }))
          return day
      }
    }
    day = firstOfNext
  }
  return undefined
}
