// Cron schedules: cron-parser expands what the fields mean; when they fall is walked on the wall clock (wall-clock.ts),
// because in zones with odd offsets the parser's own iteration loses slots. Its dialect: names, ranges, steps, lists, `?`,
// `5L` and `FRI#2`; ours adds `L`, `L-3`, `15W`, `LW` and `H`. When both day fields are restricted, either suffices.
import { CronExpressionParser, type CronFieldCollection } from 'cron-parser'
import { type Static, Type } from 'typebox'
import { messageOf, type Problem } from '../../base/errors.ts'
import { parseInstant, parseLocal } from '../../base/instant.ts'
import { createLru } from '../../base/lru.ts'
import { childPath } from '../../base/schema.ts'
import { isMonthDay, parseMonthDay } from '../cron-days.ts'
import { type CronFields, checkCronFields, resolveHashes, type Share, splitCron } from '../cron-syntax.ts'
import { listOf, unionOf } from '../schedule.ts'
import { shareOf } from '../spread.ts'
import { defineTriggerType, type Instant, type Schedule } from '../trigger-type.ts'
import { createWallSchedule, type DstPolicy, instantsOf, type WallTimes } from '../wall-clock.ts'
import { checkZone, zoneNamed } from '../zone.ts'

const ScheduleText = Type.String({
  maxLength: 1_024,
  description:
    'Five fields (minute, hour, day of month, month, day of week), six with seconds first, or @hourly, @daily, @weekly, @monthly, @yearly.',
})

const OneTime = Type.Refine(
  Type.String({ description: 'A local time, such as 2026-12-24T18:00, or an instant, such as 2026-12-24T17:00:00Z.' }),
  text => typeof text !== 'string' || (parseInstant(text) ?? parseLocal(text)) !== undefined,
  text =>
    `${JSON.stringify(text)} is not a time; write a local time, such as 2026-12-24T18:00, or an instant, such as 2026-12-24T17:00:00Z`,
)

const strict = { additionalProperties: false }

const configSchema = Type.Object(
  {
    schedule: Type.Optional(ScheduleText),
    schedules: Type.Optional(
      Type.Array(
        Type.Union([
          ScheduleText,
          Type.Object({ schedule: ScheduleText, timezone: Type.Optional(Type.String()) }, strict),
        ]),
        { minItems: 1, maxItems: 100, description: 'Several schedules, in the place of one.' },
      ),
    ),
    at: Type.Optional(
      Type.Union([OneTime, Type.Array(OneTime, { minItems: 1, maxItems: 1_000 })], {
        description: 'One time, or a list of times, by themselves or beside the schedules.',
      }),
    ),
    timezone: Type.Optional(
      Type.String({ default: 'UTC', description: 'The place whose clock counts, such as Europe/Berlin.' }),
    ),
    dst: Type.Optional(
      Type.Object(
        {
          gap: Type.Optional(
            Type.Union([Type.Literal('next_valid'), Type.Literal('skip')], {
              default: 'next_valid',
              description:
                'A fixed time that a change of the clocks skips: at the first instant after it, or not at all.',
            }),
          ),
          overlap: Type.Optional(
            Type.Union([Type.Literal('first'), Type.Literal('both')], {
              default: 'first',
              description: 'A fixed time that a change of the clocks repeats: the first time, or both times.',
            }),
          ),
        },
        { ...strict, description: 'Schedules with * or / in their time of day follow the clock regardless.' },
      ),
    ),
  },
  strict,
)

type CronConfig = Static<typeof configSchema>
type Entry = NonNullable<CronConfig['schedules']>[number]

export const cron = defineTriggerType<CronConfig>({
  type: 'cron',
  summary: 'Fires at times of day and days of the calendar, in a time zone.',
  configSchema,
  needsOneOf: ['schedule', 'schedules', 'at'],
  check(config) {
    const { schedule, schedules = [], timezone } = config as CronConfig
    const ofZone = timezone === undefined ? [] : checkZone(timezone, 'timezone')
    return [
      ...(schedule === undefined ? [] : checkSchedule(schedule, 'schedule')),
      ...(schedule === undefined || schedules.length === 0 ? [] : [BESIDE]),
      ...schedules.flatMap((one, i) => checkEntry(one, childPath('schedules', i))),
      ...ofZone,
      // Which times a clock passes over is only known where the clock is.
      ...(ofZone.length === 0 ? checkTimes(config) : []),
    ]
  },
  schedule(config, { triggerId }) {
    const { at } = config
    const dst = dstOf(config)
    const share: Share = (field, count) => shareOf(triggerId, field, count)
    const parts = entriesOf(config).map((one): Schedule => {
      const { schedule: text, timezone = zoneOf(config) } = typeof one === 'string' ? { schedule: one } : one
      return createWallSchedule(timesOf(text, share), zoneNamed(timezone), dst)
    })
    if (at !== undefined) parts.push(listOf([at].flat().flatMap(time => slotsAt(time, config))))
    return unionOf(parts)
  },
  describe(config) {
    const zone = zoneOf(config)
    const parts = entriesOf(config).map(one =>
      typeof one === 'string' ? `${one} ${zone}` : `${one.schedule} ${one.timezone ?? zone}`,
    )
    if (config.at !== undefined) parts.push(`at ${[config.at].flat().join(', ')} ${zone}`)
    return parts.join('; ')
  },
})

const entriesOf = ({ schedule, schedules }: CronConfig): readonly Entry[] =>
  schedules ?? (schedule === undefined ? [] : [schedule])

const zoneOf = ({ timezone = 'UTC' }: CronConfig): string => timezone

const dstOf = ({ dst }: CronConfig): DstPolicy => ({ gap: 'next_valid', overlap: 'first', ...dst })

/** None for a local time that is skipped. */
function slotsAt(time: string, config: CronConfig): Instant[] {
  const local = parseLocal(time)
  if (local !== undefined) return instantsOf(local, zoneNamed(zoneOf(config)), dstOf(config))
  const instant = parseInstant(time)
  if (instant === undefined) throw new Error(`${JSON.stringify(time)} is not a time`)
  return [instant]
}

function checkTimes(config: CronConfig): Problem[] {
  const { at = [] } = config
  return [at].flat().flatMap((time, i) => {
    if (slotsAt(time, config).length > 0) return []
    const path = Array.isArray(at) ? childPath('at', i) : 'at'
    const message = `${time} never comes: the clocks of ${zoneOf(config)} pass over it`
    return [{ path, message, hint: 'dst.gap: next_valid takes the first instant after it' }]
  })
}

const BESIDE: Problem = { path: 'schedules', message: 'stands beside schedule', hint: 'write them all in schedules' }

function checkEntry(entry: Entry, path: string): Problem[] {
  if (typeof entry === 'string') return checkSchedule(entry, path)
  const { schedule, timezone } = entry
  return [
    ...checkSchedule(schedule, childPath(path, 'schedule')),
    ...(timezone === undefined ? [] : checkZone(timezone, childPath(path, 'timezone'))),
  ]
}

function checkSchedule(schedule: string, path: string): Problem[] {
  const fields = splitCron(schedule)
  const reasons = 'message' in fields ? [fields] : checkCronFields(fields)
  if (reasons.length === 0) reasons.push(...checkMeaning(schedule))
  return reasons.map(reason => ({ path, ...reason }))
}

function checkMeaning(schedule: string): { message: string; hint?: string }[] {
  try {
    const times = timesOf(schedule, (_, count) => count - 1) // of all days, the last is the likeliest not to come
    const slots = createWallSchedule(times, zoneNamed('UTC'), { gap: 'skip', overlap: 'both' })
    if (slots.next(0) !== null) return []
    return [{ message: 'never comes: none of its months has such a day', hint: 'the last day of a month is L' }]
  } catch (error) {
    return [{ message: `is not understood: ${messageOf(error)}` }] // the parser has the last word
  }
}

/** Expanding costs a hundred times what a slot does, and many triggers share a schedule. */
const expanded = createLru<string, WallTimes>(5_000)

function timesOf(schedule: string, share: Share): WallTimes {
  // Triggers whose hashes agree have the same text.
  const text = /\bH/.test(schedule) ? resolveHashes(fieldsOf(schedule), share).join(' ') : schedule
  const known = expanded.get(text)
  if (known) return known
  const times = expand(text)
  expanded.set(text, times)
  return times
}

function fieldsOf(schedule: string): CronFields {
  const fields = splitCron(schedule)
  if ('message' in fields) throw new Error(`the schedule ${JSON.stringify(schedule)} ${fields.message}`)
  return fields
}

function expand(schedule: string): WallTimes {
  const [second, minute, hour, dayOfMonth, month, dayOfWeek] = fieldsOf(schedule)
  const numbers = (name: 'second' | 'minute' | 'hour' | 'month', text: string): number[] => {
    const values = items(text).flatMap(item => [...parseItem(name, item)[name].values])
    return [...new Set(values)].sort((a, b) => a - b)
  }
  return {
    seconds: numbers('second', second),
    minutes: numbers('minute', minute),
    hours: numbers('hour', hour),
    months: new Set(numbers('month', month)),
    includesDay: either(daysOfMonth(dayOfMonth), daysOfWeek(dayOfWeek)),
    fixed: !/[*/]/.test(second + minute + hour),
  }
}

type DayTest = WallTimes['includesDay']

/** The days a field names; undefined when it names them all. */
function daysOfMonth(field: string): DayTest | undefined {
  if (ANY.test(field)) return undefined
  const special = items(field).flatMap(item => (PLAIN.test(item) ? [] : (parseMonthDay(item) ?? [])))
  const plain = items(field).filter(item => PLAIN.test(item))
  const days = new Set<unknown>(plain.flatMap(item => [...parseItem('dayOfMonth', item).dayOfMonth.values]))
  return day => days.has(day.day) || special.some(one => isMonthDay(one, day))
}

function daysOfWeek(field: string): DayTest | undefined {
  if (ANY.test(field)) return undefined
  const tests = items(field).map((item): DayTest => {
    // Sunday is both 0 and 7.
    const { values, nthDay } = parseItem('dayOfWeek', item.replace(/L$/, '')).dayOfWeek
    const weekdays = new Set(values.map(value => Number(value) % 7))
    if (item.endsWith('L')) return ({ day, daysInMonth, weekday }) => day > daysInMonth - 7 && weekdays.has(weekday)
    return ({ day, weekday }) => weekdays.has(weekday) && (nthDay === 0 || Math.ceil(day / 7) === nthDay)
  })
  return day => tests.some(test => test(day))
}

const either = (one: DayTest | undefined, other: DayTest | undefined): DayTest =>
  one && other ? day => one(day) || other(day) : (one ?? other ?? (() => true))

const ANY = /^[*?]$/
const PLAIN = /^[^LW]+$/
const items = (field: string): string[] => field.split(',')

const SAMPLE = { second: '0', minute: '0', hour: '0', dayOfMonth: '1', month: '1', dayOfWeek: '0' }

/** One item alone, because the parser refuses lists that name a value twice (`1-5,3`). */
function parseItem(name: keyof typeof SAMPLE, item: string): CronFieldCollection {
  return CronExpressionParser.parse(Object.values({ ...SAMPLE, [name]: item }).join(' ')).fields
}
