// Random cron schedules, in the dialect cron-parser and croner share.
import fc from 'fast-check'
import type { Schedule } from '../../../src/trigger/trigger-type.ts'
import { cron } from '../../../src/trigger/types/cron.ts'

export interface CronConfig {
  readonly schedule?: string
  readonly schedules?: (string | { readonly schedule: string; readonly timezone?: string })[]
  readonly at?: string | string[]
  readonly timezone?: string
  readonly dst?: { readonly gap?: string; readonly overlap?: string }
}

export function isRefused(config: CronConfig): boolean {
  return cron.check?.({ ...config })?.length !== 0
}

export function cronSchedule(config: CronConfig, triggerId = 'trigger'): Schedule {
  const schedule = cron.schedule?.(config, { triggerId, anchor: 0 })
  if (schedule === undefined) throw new Error('cron has no schedule')
  return schedule
}

const range = (min: number, max: number): fc.Arbitrary<readonly [number, number]> =>
  fc.tuple(fc.integer({ min, max }), fc.integer({ min, max })).map(([a, b]) => [Math.min(a, b), Math.max(a, b)])

function item(min: number, max: number): fc.Arbitrary<string> {
  const step = fc.integer({ min: 1, max: max - min })
  return fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min, max }).map(String) },
    { weight: 1, arbitrary: range(min, max).map(bounds => bounds.join('-')) },
    { weight: 1, arbitrary: fc.tuple(range(min, max), step).map(([bounds, step]) => `${bounds.join('-')}/${step}`) },
    { weight: 1, arbitrary: step.map(step => `*/${step}`) },
  )
}

const list = (min: number, max: number): fc.Arbitrary<string> =>
  fc.array(item(min, max), { minLength: 1, maxLength: 3 }).map(items => items.join(','))

const or = (common: string, rare: fc.Arbitrary<string>, weight: number): fc.Arbitrary<string> =>
  fc.oneof({ weight: 10 - weight, arbitrary: fc.constant(common) }, { weight, arbitrary: rare })

const dayOfMonth = or('*', fc.oneof(list(1, 31), fc.constantFrom('L', '?', '15W', 'LW', '1W,31W', '28W,L')), 3)
const month = or('*', fc.oneof(list(1, 12), fc.constantFrom('MAR', 'OCT-NOV', 'apr')), 3)
const dayOfWeek = or('*', fc.oneof(list(0, 6), fc.constantFrom('MON-FRI', '7', 'SUN', '5L', 'FRIL', '0#1', 'MON#2')), 3)
const fiveFields = fc
  .tuple(or('*', list(0, 59), 8), or('*', list(0, 23), 8), dayOfMonth, month, dayOfWeek)
  .map(fields => fields.join(' '))

export const cronText: fc.Arbitrary<string> = fc.oneof(
  fiveFields,
  fc.tuple(or('*', list(0, 59), 8), fiveFields).map(fields => fields.join(' ')),
)
