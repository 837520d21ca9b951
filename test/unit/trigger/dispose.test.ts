import { expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json.ts'
import { disposeOwed, limitsFires, type Owing } from '../../../src/trigger/dispose.ts'
import type { Trigger } from '../../../src/trigger/trigger.ts'

const NOW = Date.parse('2026-12-25T12:00:00Z') // a Friday
const HOUR = 3_600_000

const hourly = (config: JsonObject = {}): Trigger => ({
  id: 'trigger',
  workflowId: 'workflow',
  workflowName: 'report',
  key: 'hourly',
  name: 'hourly',
  type: 'interval',
  config: { every: '1h', anchor: '2026-01-01T00:00:00Z', misfire: { policy: 'fire_all' }, ...config },
  enabled: true,
  specVersion: 1,
  anchorAt: new Date(0),
  pauseNote: null,
  lastTriggeredAt: null,
})

/** What became of the slots of the last hours, and the cursor behind them, in hours from now. */
function dispose(trigger: Trigger, owing: Partial<Owing> & { hours: number }) {
  const { hours, ...rest } = owing
  const { disposals, next } = disposeOwed(trigger, {
    cursor: NOW - hours * HOUR,
    now: NOW,
    open: 0,
    waiting: 0,
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
