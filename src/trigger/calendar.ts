// A calendar names times at which nothing is to fire: days, ranges of days, days of every year, weekdays, times of day.
// Whatever one of its parts names is excluded. It is read on the clock of a place.
//
// 1. An excluded slot is owed all the same: it gets its row in the ledger, so that somebody can ask why nothing happened.
// 2. Days are whole local days, however long they are; windows of the day hold their first instant and not their last.
import { type Static, Type } from 'typebox'
import type { Problem } from '../base/errors.ts'
import { childPath } from '../base/schema.ts'
import { WEEKDAYS } from './cron-syntax.ts'
import type { Instant } from './trigger-type.ts'
import { checkZone, zoneNamed } from './zone.ts'

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

const DayText = Type.Refine(
  Type.String(),
  text => typeof text !== 'string' || (parseDate(text) ?? parseYearly(text)) !== undefined,
  text => `${JSON.stringify(text)} is not a day; write 2026-12-24, or 12-25 for every year`,
)

const ClockText = Type.Refine(
  Type.String(),
  text => typeof text !== 'string' || parseClock(text) !== undefined,
  text => `${JSON.stringify(text)} is not a time of day; write 08:00, at most 24:00`,
)

const strict = { additionalProperties: false }
const DayRange = Type.Object({ from: DayText, to: DayText }, strict)
const Window = Type.Object({ from: ClockText, to: ClockText }, strict)

/** How a trigger names a calendar it shares with others. */
export const CalendarName = Type.String({
  minLength: 1,
  maxLength: 100,
  pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$',
  description: 'a name starts with a letter or digit and goes on with those, ".", "_" and "-"',
})

export const CalendarForm = Type.Object(
  {
    timezone: Type.Optional(Type.String({ description: "The place whose clock counts; the trigger's unless given." })),
    dates: Type.Optional(
      Type.Array(Type.Union([DayText, DayRange]), {
        minItems: 1,
        maxItems: 2_000,
        description: 'Days: 2026-12-24; 12-25 for every year; {from, to} for all days between, both included.',
      }),
    ),
    weekdays: Type.Optional(Type.Array(Type.Enum([...WEEKDAYS]), { minItems: 1, description: 'SUN to SAT.' })),
    times: Type.Optional(
      Type.Array(Window, {
        minItems: 1,
        maxItems: 100,
        description: 'Windows of each day: {from, to}, the latter not included; over midnight if from is later.',
      }),
    ),
  },
  strict,
)
export type CalendarForm = Static<typeof CalendarForm>

/** What the schema cannot say; paths are relative to the calendar. */
export function checkCalendar({ timezone, dates = [], weekdays, times = [] }: CalendarForm): Problem[] {
  return [
    ...(timezone === undefined ? [] : checkZone(timezone, 'timezone')),
    ...dates.flatMap((one, i) => (typeof one === 'string' ? [] : checkRange(one, childPath('dates', i)))),
    ...times.flatMap(({ from, to }, i) =>
      from === to ? [{ path: childPath('times', i), message: `ends when it begins, at ${from}`, hint: WHOLE_DAY }] : [],
    ),
    ...(dates.length + times.length === 0 && weekdays === undefined
      ? [{ path: '', message: 'excludes nothing', hint: 'give it dates, weekdays or times' }]
      : []),
  ]
}

const WHOLE_DAY = 'a whole day is 00:00 to 24:00'

function checkRange({ from, to }: Static<typeof DayRange>, path: string): Problem[] {
  const [first, last] = [parseDate(from), parseDate(to)]
  if ((first === undefined) !== (last === undefined)) {
    const hint = 'give both a year, or neither'
    return [{ path, message: `goes from ${from} to ${to}, of which one is a day of every year`, hint }]
  }
  if (first === undefined || last === undefined || first <= last) return []
  return [{ path, message: `ends on ${to}, before it begins on ${from}` }]
}

/** Until when an instant and those right after it are excluded; null when it is not. */
export type Calendar = (instant: Instant) => Instant | null

/** Many triggers share a calendar, so what is made of one is kept for as long as the form itself. */
const made = new WeakMap<CalendarForm, Map<string, Calendar>>()

/** Of a checked form; `timezone` counts unless it has its own. */
export function calendarOf(form: CalendarForm, timezone: string): Calendar {
  const ofForm = made.get(form) ?? new Map<string, Calendar>()
  const calendar = ofForm.get(timezone) ?? makeCalendar(form, timezone)
  made.set(form, ofForm.set(timezone, calendar))
  return calendar
}

function makeCalendar(form: CalendarForm, timezone: string): Calendar {
  const zone = zoneNamed(form.timezone ?? timezone)
  const isExcluded = dayTest(form)
  const windows = windowsOf(form)
  return instant => {
    const { offset, until } = zone.stretchAt(instant)
    const day = Math.floor((instant + offset) / DAY_MS)
    const time = instant + offset - day * DAY_MS
    const end = isExcluded(day) ? DAY_MS : windows.find(({ from, to }) => from <= time && time < to)?.to
    // What follows a change of the clocks is another question.
    return end === undefined ? null : Math.min(day * DAY_MS + end - offset, until)
  }
}

/** Whether a day, counted from 1970-01-01, is excluded as a whole. */
function dayTest({ dates = [], weekdays = [] }: CalendarForm): (day: number) => boolean {
  const ranges: { from: number; to: number }[] = []
  const yearly = new Set<number>()
  for (const one of dates) {
    const { from, to } = typeof one === 'string' ? { from: one, to: one } : one
    const [first, last] = [parseDate(from), parseDate(to)]
    if (first !== undefined && last !== undefined) ranges.push({ from: first, to: last })
    else for (const day of yearlyDays(from, to)) yearly.add(day)
  }
  const excludedWeekdays = new Set(weekdays.map(name => WEEKDAYS.indexOf(name)))
  return day =>
    excludedWeekdays.has((((day + 4) % 7) + 7) % 7) ||
    ranges.some(({ from, to }) => from <= day && day <= to) ||
    (yearly.size > 0 && yearly.has(monthDay(day)))
}

/** The days of every year from one to the other, over the turn of the year if need be. */
function yearlyDays(from: string, to: string): number[] {
  const [first, last] = [parseYearly(from), parseYearly(to)]
  if (first === undefined || last === undefined) throw new Error(`${from} to ${to} are not days of a year`)
  const end = last < first ? last + LEAP_YEAR_DAYS : last
  return Array.from({ length: end - first + 1 }, (_, i) =>
    monthDay(LEAP_YEAR + ((first - LEAP_YEAR + i) % LEAP_YEAR_DAYS)),
  )
}

/** The first day of a year that has every day, and how many it has. */
const LEAP_YEAR = Date.UTC(2000, 0, 1) / DAY_MS
const LEAP_YEAR_DAYS = 366

/** 1225 is 25 December. */
function monthDay(day: number): number {
  const date = new Date(day * DAY_MS)
  return (date.getUTCMonth() + 1) * 100 + date.getUTCDate()
}

function windowsOf({ times = [] }: CalendarForm): { from: number; to: number }[] {
  return times.flatMap(window => {
    const [from = 0, to = 0] = [parseClock(window.from), parseClock(window.to)]
    return from < to
      ? [{ from, to }]
      : [
          { from, to: DAY_MS },
          { from: 0, to },
        ]
  })
}

/** `2026-12-24` as a count of days from 1970-01-01; undefined for what is no day. */
function parseDate(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return undefined
  const instant = Date.parse(`${text}T00:00Z`)
  return new Date(instant || 0).toISOString().startsWith(text) ? instant / DAY_MS : undefined
}

/** `12-25` as the day of a leap year. */
function parseYearly(text: string): number | undefined {
  return /^\d\d-\d\d$/.test(text) ? parseDate(`2000-${text}`) : undefined
}

/** `22:00` in milliseconds after midnight. */
function parseClock(text: string): number | undefined {
  const [, hour, minute] = /^([01]\d|2[0-4]):([0-5]\d)$/.exec(text) ?? []
  if (hour === undefined) return undefined
  const time = (Number(hour) * 60 + Number(minute)) * MINUTE_MS
  return time <= DAY_MS ? time : undefined
}
