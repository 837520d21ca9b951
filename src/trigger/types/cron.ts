// Cron schedules: cron-parser expands what the fields mean; when they fall is walked on the wall clock (wall-clock.ts),
// because in zones with odd offsets the parser's own iteration loses slots. Its dialect: names, ranges, steps, lists, `?`,
// `L`, `5L`, `FRI#2` and `H`. When both day fields are restricted, either suffices.
import { CronExpressionParser, type CronFieldCollection } from 'cron-parser'
import { type Static, Type } from 'typebox'
import { messageOf, type Problem } from '../../base/errors.ts'
import { createLru } from '../../base/lru.ts'
import { checkCronFields, splitCron } from '../cron-syntax.ts'
import { defineTriggerType } from '../trigger-type.ts'
import { createWallSchedule, type WallTimes } from '../wall-clock.ts'
import { checkZone, zoneNamed } from '../zone.ts'

const configSchema = Type.Object(
  {
    schedule: Type.String({
      maxLength: 1_024,
      description:
        'Five fields (minute, hour, day of month, month, day of week), six with seconds first, or @hourly, @daily, @weekly, @monthly, @yearly.',
    }),
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
        {
          additionalProperties: false,
          description: 'Schedules with * or / in their time of day follow the clock regardless.',
        },
      ),
    ),
  },
  { additionalProperties: false },
)

type CronConfig = Static<typeof configSchema>

export const cron = defineTriggerType<CronConfig>({
  type: 'cron',
  summary: 'Fires at times of day and days of the calendar, in a time zone.',
  configSchema,
  check({ schedule, timezone }) {
    return [
      ...(typeof schedule === 'string' ? checkSchedule(schedule) : []),
      ...(typeof timezone === 'string' ? checkZone(timezone, 'timezone') : []),
    ]
  },
  schedule({ schedule, timezone = 'UTC', dst = {} }, { triggerId }) {
    return createWallSchedule(timesOf(schedule, triggerId), zoneNamed(timezone), {
      gap: 'next_valid',
      overlap: 'first',
      ...dst,
    })
  },
})

function checkSchedule(schedule: string): Problem[] {
  const fields = splitCron(schedule)
  const reasons = 'message' in fields ? [fields] : checkCronFields(fields)
  if (reasons.length === 0) reasons.push(...checkMeaning(schedule))
  return reasons.map(reason => ({ path: 'schedule', ...reason }))
}

function checkMeaning(schedule: string): { message: string; hint?: string }[] {
  try {
    const times = timesOf(schedule, 'any trigger')
    const slots = createWallSchedule(times, zoneNamed('UTC'), { gap: 'skip', overlap: 'both' })
    if (slots.next(0) !== null) return []
    return [{ message: 'never comes: none of its months has such a day', hint: 'the last day of a month is L' }]
  } catch (error) {
    return [{ message: `is not understood: ${messageOf(error)}` }] // the parser has the last word
  }
}

/** Expanding costs a hundred times what a slot does, and many triggers share a schedule. */
const expanded = createLru<string, WallTimes>(5_000)

function timesOf(schedule: string, seed: string): WallTimes {
  const key = /\bH/.test(schedule) ? `${schedule} ${seed}` : schedule
  const known = expanded.get(key)
  if (known) return known
  const times = expand(schedule, seed)
  expanded.set(key, times)
  return times
}

/** What the fields mean; `H` stands for a value that depends on nothing but the seed. */
function expand(schedule: string, seed: string): WallTimes {
  const fields = splitCron(schedule)
  if ('message' in fields) throw new Error(`the schedule ${JSON.stringify(schedule)} ${fields.message}`)
  const [second, minute, hour, dayOfMonth, month, dayOfWeek] = fields
  const numbers = (name: 'second' | 'minute' | 'hour' | 'month', text: string): number[] => {
    const values = items(text).flatMap(item => [...parseItem(name, item, seed)[name].values])
    return [...new Set(values)].sort((a, b) => a - b)
  }
  return {
    seconds: numbers('second', second),
    minutes: numbers('minute', minute),
    hours: numbers('hour', hour),
    months: new Set(numbers('month', month)),
    includesDay: either(daysOfMonth(dayOfMonth, seed), daysOfWeek(dayOfWeek, seed)),
    fixed: !/[*/]/.test(second + minute + hour),
  }
}

type DayTest = WallTimes['includesDay']

/** The days a field names; undefined when it names them all. */
function daysOfMonth(field: string, seed: string): DayTest | undefined {
  if (ANY.test(field)) return undefined
  // A hashed day is one that every month has.
  const values = items(field).flatMap(item => [
    ...parseItem('dayOfMonth', item.replace(HASH, 'H(1-28)'), seed).dayOfMonth.values,
  ])
  const days = new Set<number | string>(values)
  return ({ day, daysInMonth }) => days.has(day) || (day === daysInMonth && days.has('L'))
}

function daysOfWeek(field: string, seed: string): DayTest | undefined {
  if (ANY.test(field)) return undefined
  const tests = items(field).map((item): DayTest => {
    // Sunday is both 0 and 7; hashed, it counts once.
    const { values, nthDay } = parseItem('dayOfWeek', item.replace(HASH, 'H(0-6)').replace(/L$/, ''), seed).dayOfWeek
    const weekdays = new Set(values.map(value => Number(value) % 7))
    if (item.endsWith('L')) return ({ day, daysInMonth, weekday }) => day > daysInMonth - 7 && weekdays.has(weekday)
    return ({ day, weekday }) => weekdays.has(weekday) && (nthDay === 0 || Math.ceil(day / 7) === nthDay)
  })
  return day => tests.some(test => test(day))
}

const either = (one: DayTest | undefined, other: DayTest | undefined): DayTest =>
  one && other ? day => one(day) || other(day) : (one ?? other ?? (() => true))

const HASH = /^H(?!\()/
const ANY = /^[*?]$/
const items = (field: string): string[] => field.split(',')

const SAMPLE = { second: '0', minute: '0', hour: '0', dayOfMonth: '1', month: '1', dayOfWeek: '0' }

/** One item alone, because the parser refuses lists that name a value twice (`1-5,3`). */
function parseItem(name: keyof typeof SAMPLE, item: string, seed: string): CronFieldCollection {
  return CronExpressionParser.parse(Object.values({ ...SAMPLE, [name]: item }).join(' '), { hashSeed: seed }).fields
}
