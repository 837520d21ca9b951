// Days of the month that depend on the month: counted from its end (`L`, `L-3`), and the weekday nearest to a day (`15W`,
// `LW`, `L-3W`), which is never in another month. A month that lacks the day has none.
import type { Day } from './wall-clock.ts'

export interface MonthDay {
  /** From the beginning; undefined when it is counted from the end. */
  readonly day: number | undefined
  /** Days before the last one. */
  readonly back: number
  /** Whether the nearest weekday (Monday to Friday) is meant. */
  readonly weekday: boolean
}

/** From the last day of a long month to its first. */
export const LONGEST_BACK = 30

/** Undefined for what is written differently. */
export function parseMonthDay(item: string): MonthDay | undefined {
  const [form, day, back = 0, weekday] = /^(?:(\d+)|L(?:-(\d+))?)(W)?$/.exec(item) ?? []
  if (form === undefined) return undefined
  return { day: day === undefined ? undefined : Number(day), back: Number(back), weekday: weekday !== undefined }
}

export function isMonthDay(
  { day, back, weekday: nearest }: MonthDay,
  { day: today, daysInMonth, weekday }: Day,
): boolean {
  const target = day ?? daysInMonth - back
  if (target < 1 || target > daysInMonth) return false
  return today === (nearest ? nearestWeekday(target, { daysInMonth, weekday: weekday + target - today }) : target)
}

function nearestWeekday(day: number, { daysInMonth, weekday }: { daysInMonth: number; weekday: number }): number {
  switch (((weekday % 7) + 7) % 7) {
    case SATURDAY:
      return day > 1 ? day - 1 : day + 2
    case SUNDAY:
      return day < daysInMonth ? day + 1 : day - 2
    default:
      return day
  }
}

const SUNDAY = 0
const SATURDAY = 6
