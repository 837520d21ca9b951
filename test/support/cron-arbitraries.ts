// Random cron schedules that the oracle can read: each field with the values its text stands for.
import fc from 'fast-check'
import type { Days, Field, OracleSchedule } from './cron-oracle.ts'

const from = (first: number, last: number, step = 1): number[] =>
  Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, i) => first + i * step)

/** `busy`: the largest value it names by itself; wildcards stand for the whole field. */
function field(min: number, max: number, busy = max): fc.Arbitrary<Field> {
  const value = fc.integer({ min, max: busy })
  const range = fc.tuple(value, value).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
  const step = fc.integer({ min: 2, max: Math.max(2, Math.floor((max - min + 1) / 2)) })
  const item = fc.oneof(
    { weight: 4, arbitrary: value.map(one => ({ text: `${one}`, values: [one], wild: false })) },
    { weight: 2, arbitrary: range.map(([a, b]) => ({ text: `${a}-${b}`, values: from(a, b), wild: false })) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(range, step)
        .map(([[a, b], n]) => ({ text: `${a}-${b}/${n}`, values: from(a, b, n), wild: true })),
    },
    { weight: 1, arbitrary: step.map(n => ({ text: `*/${n}`, values: from(min, max, n), wild: true })) },
  )
  const list = fc.array(item, { minLength: 1, maxLength: 3 }).map(items => ({
    text: items.map(({ text }) => text).join(','),
    values: [...new Set(items.flatMap(({ values }) => values))],
    wild: items.some(({ wild }) => wild),
  }))
  return fc.oneof({ weight: 1, arbitrary: fc.constant(any(min, max)) }, { weight: 4, arbitrary: list })
}

const any = (min: number, max: number): Field => ({ text: '*', values: from(min, max), wild: true })
const ZERO: Field = { text: '0', values: [0], wild: false }

const NAMES = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'] as const
const weekday = fc.integer({ min: 0, max: 6 })
const back = fc.integer({ min: 0, max: 30 })
const day = fc.integer({ min: 1, max: 31 })

const dayOfMonth: fc.Arbitrary<Days> = listOf(
  day.map(n => ({ text: `${n}`, days: [n] })),
  fc.constant({ text: 'L', backs: [0] }),
  back.map(n => ({ text: `L-${n}`, backs: [n] })),
  day.map(n => ({ text: `${n}W`, near: [n] })),
  fc.constant({ text: 'LW', nearBacks: [0] }),
  back.map(n => ({ text: `L-${n}W`, nearBacks: [n] })),
)

const dayOfWeek: fc.Arbitrary<Days> = listOf(
  weekday.map(n => ({ text: NAMES[n] ?? '', weekdays: [n] })),
  fc.constant({ text: '7', weekdays: [0] }),
  fc.constant({ text: 'MON-FRI', weekdays: [1, 2, 3, 4, 5] }),
  weekday.map(n => ({ text: `${n}L`, lastWeekdays: [n] })),
  fc.tuple(weekday, fc.integer({ min: 1, max: 5 })).map(([n, nth]) => ({ text: `${n}#${nth}`, nths: [n * 10 + nth] })),
)

function listOf(...kinds: fc.Arbitrary<Days>[]): fc.Arbitrary<Days> {
  const keys = ['days', 'backs', 'near', 'nearBacks', 'weekdays', 'lastWeekdays', 'nths'] as const
  return fc.array(fc.oneof(...kinds), { minLength: 1, maxLength: 3 }).map(items => ({
    text: items.map(({ text }) => text).join(','),
    ...Object.fromEntries(keys.map(key => [key, items.flatMap(item => item[key] ?? [])])),
  }))
}

const dst: fc.Arbitrary<OracleSchedule['dst']> = fc.record({
  gap: fc.constantFrom('next_valid', 'skip'),
  overlap: fc.constantFrom('first', 'both'),
})

const rarely = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary, { freq: 1 })

/** Busy in the small hours, when clocks change. */
const timesOfDay = {
  minute: field(0, 59),
  hour: fc.oneof({ weight: 4, arbitrary: field(0, 23, 4) }, { weight: 1, arbitrary: field(0, 23) }),
}
const anyMonth = fc.oneof({ weight: 6, arbitrary: fc.constant(any(1, 12)) }, { weight: 1, arbitrary: field(1, 12) })

const seldom = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary })

/** Schedules that fire at full minutes. */
export const byTheMinute: fc.Arbitrary<OracleSchedule> = fc.record({
  second: fc.constant(ZERO),
  ...timesOfDay,
  dayOfMonth: seldom(dayOfMonth),
  month: anyMonth,
  dayOfWeek: seldom(dayOfWeek),
  dst,
})

/** Schedules with seconds, on any day. */
export const bySeconds: fc.Arbitrary<OracleSchedule> = fc.record({
  second: field(0, 59),
  ...timesOfDay,
  dayOfMonth: fc.constant(null),
  month: fc.constant(any(1, 12)),
  dayOfWeek: fc.constant(null),
  dst,
})

/** Schedules that are all about days: at noon. */
export const byTheDay: fc.Arbitrary<OracleSchedule> = fc.record({
  second: fc.constant(ZERO),
  minute: fc.constant(ZERO),
  hour: fc.constant({ text: '12', values: [12], wild: false }),
  dayOfMonth: rarely(dayOfMonth),
  month: anyMonth,
  dayOfWeek: rarely(dayOfWeek),
  dst,
})
