// Cron schedules: cron-parser expands what the fields mean; when they fall is walked on the wall clock (wall-clock.ts),
// because in zones with odd offsets the parser's own iteration loses slots. Its dialect: names, ranges, steps, lists, `?`,
// `L`, `5L`, `FRI#2` and `H`. When both day fields are restricted, either suffices.
import { CronExpressionParser, type CronFieldCollection } from 'cron-parser'
import { type Static, Type } from 'typebox'
import { messageOf, type Problem } from '../../base/errors.ts'
import { checkCronFields, splitCron } from '../cron-syntax.ts'
import { defineTriggerType } from '../trigger-type.ts'
import { createWallSchedule, type Day, type WallTimes } from '../wall-clock.ts'
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
    return createWallSchedule(expand(schedule, triggerId), zoneNamed(timezone), {
      gap: 'next_valid',
      overlap: 'first',
      ...dst,
    })
  },
})

function checkSchedule(schedule: string): Problem[] {
  const fields = splitCron(schedule)
  const reasons = 'message' in fields ? [fields] : checkCronFields(fields)
  if (reasons.length === 0 && !everComes(schedule)) {
    reasons.push({ message: 'never comes: none of its months has such a day', hint: 'the last day of a month is L' })
  }
  return reasons.map(reason => ({ path: 'schedule', ...reason }))
}

function everComes(schedule: string): boolean {
  try {
    return (
      createWallSchedule(expand(schedule, 'any trigger'), zoneNamed('UTC'), { gap: 'skip', overlap: 'both' }).next(
        0,
      ) !== null
    )
  } catch (error) {
    if (/day of month/.test(messageOf(error))) return false // the parser sees the simple cases itself
    throw error
  }
}

/** What the fields mean; `H` stands for a value that depends on nothing but the seed. */
function expand(schedule: string, seed: string): WallTimes {
  const split = splitCron(schedule)
  if ('message' in split) throw new Error(`the schedule ${JSON.stringify(schedule)} ${split.message}`)
  const [second, minute, hour, dayOfMonth, month, dayOfWeek] = split
  // A hashed day must exist in every month, and Sunday counts once.
  const days = [dayOfMonth.replace(HASH, 'H(1-28)'), month, dayOfWeek.replace(HASH, 'H(0-6)')]
  const { fields } = CronExpressionParser.parse([second, minute, hour, ...days].join(' '), { hashSeed: seed })
  return {
    seconds: fields.second.values,
    minutes: fields.minute.values,
    hours: fields.hour.values,
    months: new Set(fields.month.values),
    includesDay: dayTest(fields, ANY.test(dayOfMonth), ANY.test(dayOfWeek)),
    fixed: !/[*/]/.test(second + minute + hour),
  }
}

const HASH = /\bH(?!\()/g
const ANY = /^[*?]$/

function dayTest(
  { dayOfMonth, dayOfWeek }: CronFieldCollection,
  anyDayOfMonth: boolean,
  anyDayOfWeek: boolean,
): WallTimes['includesDay'] {
  const days = new Set<number | string>(dayOfMonth.values)
  const weekdays = new Set(dayOfWeek.values.filter(value => typeof value === 'number').map(value => value % 7))
  const lastWeekdays = new Set(
    dayOfWeek.values.filter(value => typeof value === 'string').map(value => Number.parseInt(value, 10) % 7),
  )
  const byMonth = ({ day, daysInMonth }: Day): boolean => days.has(day) || (days.has('L') && day === daysInMonth)
  const byWeek = ({ day, daysInMonth, weekday }: Day): boolean =>
    (weekdays.has(weekday) && (dayOfWeek.nthDay === 0 || Math.ceil(day / 7) === dayOfWeek.nthDay)) ||
    (lastWeekdays.has(weekday) && day > daysInMonth - 7)
  if (anyDayOfWeek) return anyDayOfMonth ? () => true : byMonth
  return anyDayOfMonth ? byWeek : day => byMonth(day) || byWeek(day)
}
