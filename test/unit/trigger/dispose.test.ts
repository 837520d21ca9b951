import { expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json.ts'
import { ALWAYS } from '../../../src/trigger/cooldown.ts'
import { disposeOwed, disposeRequest, limitsFires, type Owing } from '../../../src/trigger/dispose.ts'
import type { Trigger } from '../../../src/trigger/trigger.ts'
import { triggerOf } from './trigger-of.ts'

const NOW = Date.parse('2026-12-25T12:00:00Z') // a Friday
const HOUR = 3_600_000

const hourly = (config: JsonObject = {}): Trigger =>
  triggerOf('interval', { every: '1h', anchor: '2026-01-01T00:00:00Z', misfire: { policy: 'fire_all' }, ...config })

/** What became of the slots of the last hours, and the cursor behind them, in hours from now. */
function dispose(trigger: Trigger, owing: Partial<Owing> & { hours: number }) {
  const { hours, ...rest } = owing
  const { disposals, next } = disposeOwed(trigger, {
    cursor: NOW - hours * HOUR,
    now: NOW,
    open: 0,
    waiting: 0,
    failing: false,
    restsUntil: ALWAYS,
    fired: 0,
    calendars: new Map(),
    room: 1_000,
    ...rest,
  })
  return {
    disposals: disposals.map(({ disposition, reason, slots }) => `${disposition} ${reason} ${slots?.count}`),
    next: next === null ? null : (next - NOW) / HOUR,
  }
}

test('every owed slot fires, and the cursor is the slot that follows', () => {
  expect(dispose(hourly(), { hours: 1 })).toEqual({ disposals: ['fired null 1', 'fired null 1'], next: 1 })
})

test('excluded slots are skipped for that reason, before any other', () => {
  const calendars = new Map([['holidays', { dates: ['12-25'] }]])
  const trigger = hourly({ exclude: ['holidays'], overlap: 'skip', misfire: { policy: 'skip' }, max_fires: 1 })
  expect(dispose(trigger, { hours: 13, open: 1, fired: 1, calendars })).toEqual({
    disposals: ['skipped misfire 1', 'skipped excluded 13'],
    next: 1,
  })
})

test('the last fire of a limit is a fire like any other', () => {
  expect(dispose(hourly({ max_fires: 5 }), { hours: 1, fired: 3 })).toEqual({
    disposals: ['fired null 1', 'fired null 1'],
    next: 1,
  })
})

test('the first slot beyond the limit is skipped for that reason and ends the schedule', () => {
  expect(dispose(hourly({ max_fires: 5 }), { hours: 2, fired: 4 })).toEqual({
    disposals: ['fired null 1', 'skipped limit 2'],
    next: null,
  })
})

test('only a trigger with a limit asks how often it has fired', () => {
  expect([limitsFires(hourly({ max_fires: 5 })), limitsFires(hourly())]).toEqual([true, false])
})

test('slots outside the bounds are not owed', () => {
  const trigger = hourly({ start_at: '2026-12-25T10:00:00Z', end_at: '2026-12-25T12:00:00Z' })
  expect(dispose(trigger, { hours: 5 })).toEqual({ disposals: ['fired null 1', 'fired null 1'], next: null })
})

const inMinutes = (minutes: number): number => NOW + minutes * 60_000

test('after a fire nothing fires until the cooldown has passed', () => {
  const trigger = hourly({ cooldown: '2h', misfire: { policy: 'fire_all', threshold: '10h' } })
  expect(dispose(trigger, { hours: 5 }).disposals).toEqual([
    'fired null 1',
    'skipped cooldown 1',
    'fired null 1',
    'skipped cooldown 1',
    'fired null 1',
    'skipped cooldown 1',
  ])
})

test('late slots count from the instant they fire, so that they do not fire all at once', () => {
  expect(dispose(hourly({ cooldown: '1m' }), { hours: 5 }).disposals).toEqual(['fired null 1', 'skipped cooldown 5'])
})

test('a trigger rests for what it fired before', () => {
  const trigger = hourly({ cooldown: '1h' })
  expect(dispose(trigger, { hours: 0, restsUntil: inMinutes(1) }).disposals).toEqual(['skipped cooldown 1'])
  expect(dispose(trigger, { hours: 0, restsUntil: NOW }).disposals).toEqual(['fired null 1'])
})

test('a fire that waits lets the next one wait too: only what starts is followed by a rest', () => {
  const trigger = hourly({ cooldown: '1m', overlap: 'buffer_all' })
  expect(dispose(trigger, { hours: 1, open: 1 }).disposals).toEqual(['buffered null 1', 'buffered null 1'])
})

test('nothing fires of a trigger that is about to be paused', () => {
  expect(dispose(hourly({ pause_after_failures: 3 }), { hours: 2, failing: true }).disposals).toEqual([
    'skipped paused 3',
  ])
})

test('what a pass leaves behind is what the next one begins with', () => {
  const pass = (config: JsonObject) =>
    disposeOwed(hourly(config), {
      ...{ cursor: NOW - 2 * HOUR, now: NOW, room: 10, calendars: new Map() },
      ...{ open: 0, waiting: 0, fired: 3, failing: false, restsUntil: ALWAYS },
    }).standing
  expect(pass({ overlap: 'buffer_one', max_fires: 9 })).toMatchObject({ open: 1, waiting: 1, fired: 5 })
  expect(pass({ cooldown: '90m' })).toMatchObject({ fired: 4, restsUntil: inMinutes(90) })
})

test('a request is judged as a slot is, but for the limit', () => {
  const free = { open: 0, waiting: 0, fired: 5, failing: false, restsUntil: ALWAYS, calendars: new Map() }
  const ask = (config: JsonObject, standing: object = {}) =>
    disposeRequest(hourly(config), { ...free, ...standing }, NOW)
  expect(ask({ max_fires: 5 })).toMatchObject({ disposition: 'fired', reason: null })
  expect(ask({ overlap: 'buffer_one' }, { open: 1 })).toMatchObject({ disposition: 'buffered', reason: null })
  expect(ask({ overlap: 'skip' }, { open: 1 })).toMatchObject({ disposition: 'skipped', reason: 'overlap' })
  expect(ask({ cooldown: '1h' }, { restsUntil: inMinutes(1) })).toMatchObject({
    disposition: 'skipped',
    reason: 'cooldown',
  })
  expect(ask({ pause_after_failures: 1 }, { failing: true })).toMatchObject({
    disposition: 'skipped',
    reason: 'paused',
  })
})

test('what a request takes is not there for the next one', () => {
  const free = { open: 0, waiting: 0, fired: 0, failing: false, restsUntil: ALWAYS, calendars: new Map() }
  const after = (config: JsonObject, open = 0) => disposeRequest(hourly(config), { ...free, open }, NOW).standing
  expect(after({ overlap: 'buffer_one' })).toMatchObject({ open: 1, waiting: 0 })
  expect(after({ overlap: 'buffer_one' }, 1)).toMatchObject({ open: 1, waiting: 1 })
  expect(after({ cooldown: '1h' })).toMatchObject({ restsUntil: NOW + HOUR })
})
