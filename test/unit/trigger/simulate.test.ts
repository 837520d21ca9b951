import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json.ts'
import { ALWAYS } from '../../../src/trigger/cooldown.ts'
import type { Prospect } from '../../../src/trigger/foresee.ts'
import { simulate } from '../../../src/trigger/simulate.ts'
import type { Trigger } from '../../../src/trigger/trigger.ts'
import { triggerOf } from './trigger-of.ts'

const FROM = Date.parse('2026-11-23T00:00:00Z') // a Monday
const DAY = 86_400_000
const prospect: Prospect = { now: FROM, cursor: FROM, fired: 0, restsUntil: ALWAYS, calendars: new Map() }

const side = (config: JsonObject, rest: Partial<Trigger> = {}) => ({
  trigger: triggerOf('cron', config, rest),
  prospect,
})

function change(before: JsonObject | null, after: JsonObject, days = 1) {
  const present = before === null ? null : side(before)
  return simulate({ present, edited: side(after) }, { from: FROM, until: FROM + days * DAY })
}

const clock = (instant: Date | null): string => instant?.toISOString().slice(8, 16) ?? '-'
const listed = (...given: Parameters<typeof change>): string[] =>
  change(...given).changes.map(({ change, from, to }) => `${change} ${clock(from)} ${clock(to)}`)

test('an edit that changes nothing changes no slot', () => {
  expect(change({ schedule: '0 9 * * *' }, { schedule: '0 9 * * 0-7' })).toMatchObject({ kept: 1, changes: [] })
})

test('slots that only the edit has are added, those that only the present rule has are removed', () => {
  expect(listed({ schedule: '0 9 * * *' }, { schedule: '0 9,17 * * *' })).toEqual(['added - 23T17:00'])
  expect(listed({ schedule: '0 9,17 * * *' }, { schedule: '0 9 * * *' })).toEqual(['removed 23T17:00 -'])
})

test('a slot at another time of the day has moved', () => {
  expect(listed({ schedule: '0 9 * * *' }, { schedule: '30 8 * * *' }, 2)).toEqual([
    'moved 23T09:00 23T08:30',
    'moved 24T09:00 24T08:30',
  ])
})

test('a slot moves to the nearest one, and what has no partner is added or removed', () => {
  expect(listed({ schedule: '0 9 * * *' }, { schedule: '30 9 * * MON,WED' }, 3)).toEqual([
    'moved 23T09:00 23T09:30',
    'removed 24T09:00 -',
    'moved 25T09:00 25T09:30',
  ])
})

test('nothing moves across a slot that stays', () => {
  expect(listed({ schedule: '0 8,9 * * *' }, { schedule: '0 9,10 * * *' })).toEqual([
    'removed 23T08:00 -',
    'added - 23T10:00',
  ])
})

test('a calendar added is slots removed, and so is a limit', () => {
  const exclude = [{ weekdays: ['TUE'] }]
  expect(listed({ schedule: '0 9 * * *' }, { schedule: '0 9 * * *', exclude }, 3)).toEqual(['removed 24T09:00 -'])
  expect(listed({ schedule: '0 9 * * *' }, { schedule: '0 9 * * *', max_fires: 2 }, 3)).toEqual(['removed 25T09:00 -'])
})

test('of a trigger that is not there every slot is added; of one that is disabled every slot is removed', () => {
  expect(change(null, { schedule: '0 * * * *' })).toMatchObject({ before: 0, after: 24, added: 24 })
  const present = side({ schedule: '0 * * * *' })
  const edited = side({ schedule: '0 * * * *' }, { enabled: false })
  expect(simulate({ present, edited }, { from: FROM, until: FROM + DAY })).toMatchObject({ before: 24, removed: 24 })
})

test('a range with too many slots is refused, not cut', () => {
  expect(() => change({ schedule: '0 9 * * *' }, { schedule: '* * * * * *' }, 2)).toThrow(
    'there are more than 100,000 slots in this range',
  )
})

test('the changes account for every slot of both sides, once', () => {
  const schedules = fc.constantFrom(
    '*/7 * * * *',
    '*/10 * * * *',
    '5-59/10 * * * *',
    '0 9 * * *',
    '13 H * * *',
    '0 */5 * * *',
  )
  fc.assert(
    fc.property(schedules, schedules, (before, after) => {
      const found = change({ schedule: before }, { schedule: after })
      const olds = found.changes.flatMap(({ from }) => (from === null ? [] : [from.getTime()]))
      const news = found.changes.flatMap(({ to }) => (to === null ? [] : [to.getTime()]))
      expect(new Set(olds).size).toBe(found.before - found.kept)
      expect(new Set(news).size).toBe(found.after - found.kept)
      expect(olds.filter(slot => news.includes(slot))).toEqual([])
      expect(found.added + found.moved).toBe(news.length)
      expect(found.removed + found.moved).toBe(olds.length)
    }),
  )
})
