// The written form of a cron schedule: split into its fields, each item checked, so that an error names the field, the
// reason and the fix. What the fields mean is expanded elsewhere.
import type { Problem } from '../base/errors.ts'
import { nearMiss } from '../base/near-miss.ts'
import { LONGEST_BACK, parseMonthDay } from './cron-days.ts'

/** Six fields as text, seconds first. */
export type CronFields = readonly [
  second: string,
  minute: string,
  hour: string,
  dayOfMonth: string,
  month: string,
  dayOfWeek: string,
]

const NICKNAMES: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}

type Reason = Omit<Problem, 'path'>

/** The six fields of a schedule, or why it has none. Items are not checked. */
export function splitCron(schedule: string): CronFields | Reason {
  const text = schedule.trim()
  if (text === '')
    return {
      message: 'is empty',
      hint: 'write five fields (minute, hour, day of month, month, day of week), such as 30 9 * * MON-FRI',
    }
  if (text.startsWith('@')) return splitNickname(text)
  const fields = text.split(/\s+/)
  if (/^(CRON_)?TZ=/i.test(text))
    return {
      message: 'names a time zone',
      hint: `write timezone: ${fields[0]?.split('=')[1]} beside it`,
    }
  if (fields.length === 5) return ['0', ...fields] as unknown as CronFields
  if (fields.length === 6) return fields as unknown as CronFields
  const seen = fields.length === 1 ? '1 field' : `${fields.length} fields`
  return { message: `has ${seen}, must have 5 (minute, hour, day of month, month, day of week) or 6 (seconds first)` }
}

function splitNickname(text: string): CronFields | Reason {
  const fields = NICKNAMES[text]
  if (fields) return splitCron(fields)
  const shown = JSON.stringify(text)
  if (text.startsWith('@every'))
    return {
      message: `${shown} is not a cron schedule`,
      hint: `use a trigger of type interval with every: ${text.slice('@every'.length).trim() || '5m'}`,
    }
  if (text === '@reboot') return { message: '"@reboot" is not a point in time and cannot be scheduled' }
  const meant = nearMiss(text, Object.keys(NICKNAMES))
  return {
    message: `${shown} is not a known schedule`,
    hint: meant ? `did you mean "${meant}"?` : `known are ${Object.keys(NICKNAMES).join(', ')}`,
  }
}

interface Field {
  readonly name: string
  readonly min: number
  readonly max: number
  /** The largest value `H` stands for, where it is not `max`. */
  readonly maxHashed?: number
  readonly names?: readonly string[]
  readonly unit?: 's' | 'm' | 'h'
  /** What people mean by a value just outside the range. */
  readonly fixes: Readonly<Record<number, string>>
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
export const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'] as const

const FIELDS: readonly Field[] = [
  { name: 'second', min: 0, max: 59, unit: 's', fixes: { 60: 'the full minute is 0' } },
  { name: 'minute', min: 0, max: 59, unit: 'm', fixes: { 60: 'the full hour is 0' } },
  { name: 'hour', min: 0, max: 23, unit: 'h', fixes: { 24: 'midnight is 0' } },
  // A hashed day is one that every month has; hashed, Sunday counts once.
  { name: 'day of month', min: 1, max: 31, maxHashed: 28, fixes: { 0: 'the first day is 1', 32: 'the last day is L' } },
  { name: 'month', min: 1, max: 12, names: MONTHS, fixes: { 0: 'January is 1', 13: 'December is 12' } },
  { name: 'day of week', min: 0, max: 7, maxHashed: 6, names: WEEKDAYS, fixes: { 8: 'Sunday is 0 or 7' } },
]

/** A number in [0, count) for a field. */
export type Share = (field: string, count: number) => number

/** The checked fields with the values of somebody's share in the place of `H`. */
export function resolveHashes(fields: CronFields, share: Share): CronFields {
  const resolved = FIELDS.map((field, i) =>
    (fields[i] as string)
      .split(',')
      .map(item => resolveHash(field, item, share))
      .join(','),
  )
  return resolved as unknown as CronFields
}

/** `H`, `H/15`, `H(0-29)`, `H(0-29)/10`. */
function resolveHash(field: Field, item: string, share: Share): string {
  const [form, first, last, step] = /^H(?:\((.+)-(.+)\))?(?:\/(\d+))?$/.exec(item) ?? []
  if (form === undefined) return item
  const from = numberOf(field, first ?? '') ?? field.min
  const to = numberOf(field, last ?? '') ?? field.maxHashed ?? field.max
  const value = from + share(field.name, Math.min(to - from + 1, Number(step ?? Number.POSITIVE_INFINITY)))
  return step === undefined ? `${value}` : `${value}-${to}/${step}`
}

/** What is wrong with the items of each field. */
export function checkCronFields(fields: CronFields): Reason[] {
  return FIELDS.flatMap((field, i) => {
    const reasons = (fields[i] as string).split(',').flatMap(item => checkItem(field, item) ?? [])
    return reasons.map(reason => ({ ...reason, message: `${field.name}: ${reason.message}` }))
  })
}

function checkItem(field: Field, item: string): Reason | undefined {
  if (item === '') return { message: 'an item of the list is empty', hint: 'remove the extra comma' }
  const [base = '', step, ...more] = item.split('/')
  if (base === '' || more.length > 0) return notAValue(field, item)
  return checkBase(field, base, step === undefined) ?? (step === undefined ? undefined : checkStep(field, step))
}

/** An item without its step: `*`, `?`, `1`, `MON`, `1-5`, `H`, `H(0-29)`, `L-3`, `15W`, `5L`, `5#2`. */
function checkBase(field: Field, base: string, alone: boolean): Reason | undefined {
  const { name } = field
  if (base === '*' || base === 'H') return undefined
  if (base === '?')
    return name.startsWith('day') ? undefined : { message: '"?" stands for any day only', hint: 'write *' }
  if (name === 'day of month' && /^[\dLW-]*[LW][\dLW-]*$/i.test(base)) return checkMonthDay(field, base, alone)
  if (alone && name === 'day of week') {
    if (base === 'L') return { message: '"L" needs a weekday', hint: 'the last Friday of the month is 5L or FRIL' }
    const [, weekday, nth] = /^(.+?)(?:L|#(.*))$/.exec(base) ?? []
    if (weekday !== undefined)
      return checkValue(field, weekday) ?? (nth === undefined ? undefined : checkNth(base, nth))
  }
  const range = /^H\((.*-.*)\)$/.exec(base)?.[1] ?? base
  return range.includes('-') ? checkRange(field, range) : checkValue(field, base)
}

function checkMonthDay(field: Field, base: string, alone: boolean): Reason | undefined {
  const { day, back } = parseMonthDay(base) ?? { back: undefined }
  const hint = 'the last day is L, the third before it L-3, the weekday nearest to the 15th 15W, the last weekday LW'
  if (back === undefined) return { message: `${JSON.stringify(base)} is not a day`, hint }
  if (!alone) return { message: `${JSON.stringify(base)} takes no step`, hint }
  if (back > LONGEST_BACK) return { message: `${base} comes before the first day of any month`, hint }
  return day === undefined ? undefined : checkValue(field, `${day}`)
}

function checkNth(base: string, nth: string): Reason | undefined {
  if (/^[1-5]$/.test(nth)) return undefined
  return {
    message: `${JSON.stringify(base)} has no number from 1 to 5 after #`,
    hint: 'the second Monday of the month is MON#2',
  }
}

function checkRange(field: Field, range: string): Reason | undefined {
  const bounds = range.split('-')
  const [from, to] = bounds.map(bound => numberOf(field, bound))
  if (from === undefined || to === undefined || bounds.length > 2) return notAValue(field, range)
  const wrong = bounds.map(bound => checkValue(field, bound)).find(reason => reason !== undefined)
  if (wrong || from <= to) return wrong
  const last = field.name === 'day of week' ? 6 : field.max
  const part = (first: number, end: number): string => (first === end ? `${first}` : `${first}-${end}`)
  return { message: `the range ${range} runs backwards`, hint: `write ${part(from, last)},${part(field.min, to)}` }
}

function checkStep({ min, max, unit }: Field, step: string): Reason | undefined {
  if (!/^\d+$/.test(step) || Number(step) === 0)
    return { message: `the step ${JSON.stringify(step)} is not a number from 1` }
  const count = max - min + 1
  if (Number(step) <= count) return undefined
  const hint = unit && `for every ${step}${unit} use a trigger of type interval with every: ${step}${unit}`
  return { message: `the step ${step} is longer than the field, which has ${count} values`, ...(hint && { hint }) }
}

function checkValue(field: Field, text: string): Reason | undefined {
  const value = numberOf(field, text)
  if (value === undefined) return notAValue(field, text)
  if (value >= field.min && value <= field.max) return undefined
  const hint = field.fixes[value]
  return { message: `${text} is out of range, it goes from ${field.min} to ${field.max}`, ...(hint && { hint }) }
}

/** A number, or the number a name stands for. */
function numberOf({ names, min }: Field, text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text)
  const index = names?.indexOf(text.toUpperCase()) ?? -1
  return index < 0 ? undefined : index + min
}

function notAValue({ min, max, names }: Field, text: string): Reason {
  const upper = text.toUpperCase()
  const meant = names?.find(known => upper.startsWith(known)) ?? nearMiss(upper, names ?? [])
  const forms = `write a number, a range ${min}-${min + 4}, a list ${min},${min + 2}, a step */2 or *`
  return {
    message: `${JSON.stringify(text)} is not a number from ${min} to ${max}${names ? ' or a name' : ''}`,
    hint: meant ? `did you mean ${meant}?` : forms,
  }
}
