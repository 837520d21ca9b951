import { expect, test } from 'vitest'
import { upcoming } from '../../../src/trigger/slots.ts'
import { interval } from '../../../src/trigger/types/interval.ts'

const ANCHOR = Date.parse('2026-11-22T16:30:00Z')

function slots(config: { every: string; anchor?: string }, after: string): string[] {
  const schedule = interval.schedule?.(config, { triggerId: 'trigger', anchor: ANCHOR })
  if (!schedule) throw new Error('interval has no schedule')
  return upcoming(schedule, Date.parse(after), 2).map(slot => new Date(slot).toISOString())
}

test('counts from the anchor', () => {
  expect(slots({ every: '1h30m' }, '2026-11-22T17:00:00Z')).toEqual([
    '2026-11-22T18:00:00.000Z',
    '2026-11-22T19:30:00.000Z',
  ])
})

test('the anchor is the first slot', () => {
  expect(slots({ every: '1h' }, '2026-01-01T00:00:00Z')).toEqual([
    '2026-11-22T16:30:00.000Z',
    '2026-11-22T17:30:00.000Z',
  ])
})

test('a slot is strictly after the instant', () => {
  expect(slots({ every: '1h' }, '2026-11-22T17:30:00Z')).toEqual([
    '2026-11-22T18:30:00.000Z',
    '2026-11-22T19:30:00.000Z',
  ])
})

test('the anchor of the config counts', () => {
  expect(slots({ every: 'P1D', anchor: '2026-11-20T08:15+02:00' }, '2026-11-22T00:00:00Z')).toEqual([
    '2026-11-22T06:15:00.000Z',
    '2026-11-23T06:15:00.000Z',
  ])
})
