import { expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json.ts'
import { ALWAYS } from '../../../src/trigger/cooldown.ts'
import { forecast, type Loaded } from '../../../src/trigger/forecast.ts'
import type { Trigger } from '../../../src/trigger/trigger.ts'
import { triggerOf } from './trigger-of.ts'

const FROM = Date.parse('2026-11-23T00:00:00Z')
const HOUR = 3_600_000

function loaded(key: string, config: JsonObject, rest: Partial<Trigger> = {}): Loaded {
  const prospect = { now: FROM, cursor: FROM, fired: 0, restsUntil: ALWAYS, calendars: new Map() }
  return { trigger: triggerOf('cron', config, { id: key, key, ...rest }), prospect }
}

const see = (triggers: readonly Loaded[], hours = 3) =>
  forecast(triggers, { from: FROM, until: FROM + hours * HOUR, worst: 1 })

test('fires are counted by hour, with the fullest minute of each', () => {
  const found = see([loaded('a', { schedule: '*/30 * * * *' }), loaded('b', { schedule: '0 1 * * *' })])
  expect(found.fires).toBe(7)
  expect(found.hours.map(({ fires, peak }) => [fires, peak])).toEqual([
    [2, 1],
    [3, 2],
    [2, 1],
  ])
})

test('the worst minute names the triggers that make it, those that fire most first', () => {
  const triggers = [
    loaded('a', { schedule: '0 1 * * *' }),
    loaded('b', { schedule: '0 1 * * *', input: { who: 'you' } }),
    loaded('c', { schedule: '*/20 0 1 * * *' }),
  ]
  expect(see(triggers).worst).toEqual([
    {
      minute: new Date('2026-11-23T01:00:00Z'),
      fires: 5,
      triggers: [
        { trigger: 'report/c', fires: 3 },
        { trigger: 'report/a', fires: 1 },
        { trigger: 'report/b', fires: 1 },
      ],
    },
  ])
})

test('what is excluded, beyond a limit or disabled is not counted', () => {
  const triggers = [
    loaded('a', { schedule: '0 * * * *', exclude: [{ weekdays: ['MON'] }] }),
    loaded('b', { schedule: '0 * * * *', max_fires: 2 }),
    loaded('c', { schedule: '0 * * * *' }, { enabled: false }),
  ]
  expect(see(triggers).fires).toBe(2)
})

test('triggers of one schedule whose share is their own are counted apart', () => {
  const triggers = Array.from({ length: 60 }, (_, i) => loaded(`t${i}`, { schedule: 'H * * * *' }))
  const found = see(triggers)
  expect(found.fires).toBe(180)
  expect(found.worst[0]?.fires).toBeLessThan(20)
})

test('a trigger whose slots cannot be computed is named, and the others are counted', () => {
  const found = see([loaded('a', { schedule: '0 * * * *', exclude: ['gone'] }), loaded('b', { schedule: '0 * * * *' })])
  expect(found.fires).toBe(3)
  expect(found.broken).toEqual([{ trigger: 'report/a', error: 'there is no calendar "gone"' }])
})

test('a range that is too long is refused', () => {
  expect(() => see([], 32 * 24)).toThrow('at most 31 days')
})
