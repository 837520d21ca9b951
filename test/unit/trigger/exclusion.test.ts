import { expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json.ts'
import { type Calendars, exclusionsOf, sharedCalendars } from '../../../src/trigger/exclusion.ts'
import { shiftOf } from '../../../src/trigger/schedule-policy.ts'

const at = Date.parse
const HOLIDAYS: Calendars = new Map([['holidays', { dates: ['12-25'] }]])

const exclusionAt = (config: JsonObject, instant: string) =>
  exclusionsOf({ id: 'trigger', config }, HOLIDAYS)(at(instant))

test('a trigger without calendars excludes nothing', () => {
  expect(exclusionAt({}, '2026-12-25T12:00:00Z')).toBeNull()
})

test('an exclusion names its calendar, and until when it lasts', () => {
  const exclude = [{ weekdays: ['SUN'] }, 'holidays']
  expect(exclusionAt({ exclude }, '2026-12-25T12:00:00Z')).toEqual({ by: 'holidays', until: at('2026-12-26T00:00Z') })
  expect(exclusionAt({ exclude }, '2026-12-27T12:00:00Z')).toEqual({ by: 'exclude[0]', until: at('2026-12-28T00:00Z') })
  expect(exclusionAt({ exclude }, '2026-12-28T00:00:00Z')).toBeNull()
})

test('a calendar is read on the clock of the trigger', () => {
  const config = { timezone: 'Europe/Berlin', exclude: ['holidays'] }
  expect(exclusionAt(config, '2026-12-24T23:00:00Z')).toEqual({ by: 'holidays', until: at('2026-12-25T23:00Z') })
})

test('a calendar judges a slot before it is moved', () => {
  const config = { spread: '1h', exclude: ['holidays'] }
  const shift = shiftOf(config, 'trigger')
  const exclusions = exclusionsOf({ id: 'trigger', config }, HOLIDAYS)
  const midnight = at('2026-12-26T00:00Z')
  expect(shift).toBeGreaterThan(0)
  expect(exclusions(midnight - 1 + shift)).toEqual({ by: 'holidays', until: midnight + shift })
  expect(exclusions(midnight + shift)).toBeNull()
})

test('a calendar that is not there is an error', () => {
  expect(() => exclusionAt({ exclude: ['easter'] }, '2026-12-25T12:00:00Z')).toThrow('there is no calendar "easter"')
})

test('a config tells which shared calendars it names', () => {
  expect(sharedCalendars({ exclude: ['a', { weekdays: ['SUN'] }, 'b'] })).toEqual(['a', 'b'])
  expect(sharedCalendars({})).toEqual([])
})
