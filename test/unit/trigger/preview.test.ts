import { expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json.ts'
import { ALWAYS } from '../../../src/trigger/cooldown.ts'
import type { Prospect } from '../../../src/trigger/foresee.ts'
import { preview } from '../../../src/trigger/preview.ts'
import type { Trigger } from '../../../src/trigger/trigger.ts'
import { triggerOf } from './trigger-of.ts'

interface Question extends Partial<Prospect> {
  readonly from: string
  readonly count?: number
  readonly provisional?: boolean
  readonly trigger?: Partial<Trigger>
}

function see(config: JsonObject, { from, count = 3, provisional = false, trigger, ...rest }: Question) {
  const now = Date.parse(from)
  const prospect: Prospect = { now, cursor: now, fired: 0, restsUntil: ALWAYS, calendars: new Map(), ...rest }
  return preview(triggerOf('cron', config, trigger), prospect, { from: now, count, provisional })
}

const lines = (config: JsonObject, question: Question): string[] =>
  see(config, question).slots.map(({ local, abbreviation, slot, fires, remarks }) =>
    [`${local} ${abbreviation}`, slot.toISOString(), fires, ...remarks.map(({ text }) => text)].join(' | '),
  )

const berlin = { timezone: 'Europe/Berlin' }

test('a slot is shown on the clock of the trigger and in UTC', () => {
  expect(lines({ schedule: '0 9 * * *', ...berlin }, { from: '2026-11-22T00:00:00Z', count: 1 })).toEqual([
    '2026-11-22T09:00:00+01:00 CET | 2026-11-22T08:00:00.000Z | true',
  ])
})

test('a slot on which an instant falls is shown', () => {
  expect(see({ schedule: '0 9 * * *' }, { from: '2026-11-22T09:00:00Z', count: 1 }).slots[0]?.slot).toEqual(
    new Date('2026-11-22T09:00:00Z'),
  )
})

test('a slot moved out of the night in which the clocks skip it says so', () => {
  expect(lines({ schedule: '30 2 * * *', ...berlin }, { from: '2026-03-28T12:00:00Z', count: 2 })).toEqual([
    '2026-03-29T03:00:00+02:00 CEST | 2026-03-29T01:00:00.000Z | true | the clocks of Europe/Berlin skip 02:00 to 03:00; a time between falls here',
    '2026-03-30T02:30:00+02:00 CEST | 2026-03-30T00:30:00.000Z | true',
  ])
})

test('a slot that the rule names at the end of the gap is not called moved', () => {
  expect(see({ schedule: '0 3 * * *', ...berlin }, { from: '2026-03-28T12:00:00Z' }).slots[0]?.remarks).toEqual([])
})

test('a slot whose local time comes twice says which it is, and whether the other one counts', () => {
  const from = '2026-10-24T12:00:00Z'
  const remarks = (config: JsonObject) =>
    see({ schedule: '30 2 * * *', ...berlin, ...config }, { from, count: 2 }).slots.map(one => one.remarks[0]?.text)
  expect(remarks({})).toEqual(['comes twice; this is the first time, which alone counts', undefined])
  expect(remarks({ dst: { overlap: 'both' } })).toEqual([
    'comes twice; this is the first time',
    'comes twice; this is the second time',
  ])
})

test('a slot of a schedule in another zone is shown on the clock of that zone', () => {
  const schedules = ['0 9 * * *', { schedule: '0 9 * * *', timezone: 'America/New_York' }]
  expect(lines({ schedules, ...berlin }, { from: '2026-11-22T00:00:00Z', count: 2 })).toEqual([
    '2026-11-22T09:00:00+01:00 CET | 2026-11-22T08:00:00.000Z | true',
    '2026-11-22T09:00:00-05:00 EST | 2026-11-22T14:00:00.000Z | true',
  ])
})

test('an excluded slot names the calendar and does not fire', () => {
  const calendars = new Map([['holidays', { dates: ['12-25'] }]])
  const config = { schedule: '0 9 * * *', exclude: ['holidays', { weekdays: ['SAT' as const] }] }
  expect(lines(config, { from: '2026-12-25T00:00:00Z', calendars })).toEqual([
    '2026-12-25T09:00:00+00:00 UTC | 2026-12-25T09:00:00.000Z | false | excluded by holidays',
    '2026-12-26T09:00:00+00:00 UTC | 2026-12-26T09:00:00.000Z | false | excluded by exclude[1]',
    '2026-12-27T09:00:00+00:00 UTC | 2026-12-27T09:00:00.000Z | true',
  ])
})

test('a spread trigger says by how much its slots are moved', () => {
  const [slot] = see({ schedule: '0 9 * * *', spread: '1h' }, { from: '2026-12-25T00:00:00Z' }).slots
  expect(slot?.remarks).toEqual([{ kind: 'spread', text: expect.stringMatching(/ later by spread$/) }])
})

test('after the last fire of a limit one slot is skipped, and there are no more', () => {
  const { slots, notes } = see({ schedule: '0 9 * * *', max_fires: 3 }, { from: '2026-12-25T00:00:00Z', fired: 2 })
  expect(slots.map(({ fires, remarks }) => [fires, remarks.map(({ kind }) => kind)])).toEqual([
    [true, []],
    [false, ['limit']],
  ])
  expect(notes.map(({ kind }) => kind)).toEqual(['ended'])
})

test('a trigger that has reached its limit shows no slots and says why', () => {
  const question = { from: '2026-12-25T00:00:00Z', fired: 3, cursor: null }
  expect(see({ schedule: '0 9 * * *', max_fires: 3 }, question)).toEqual({
    slots: [],
    notes: [{ kind: 'limit', text: 'it has fired 3 times, its max_fires' }],
  })
})

test('bounds are named where they cut the preview', () => {
  const config = { schedule: '0 9 * * *', start_at: '2026-12-26T00:00:00Z', end_at: '2026-12-27T00:00:00Z' }
  const { slots, notes } = see(config, { from: '2026-12-25T00:00:00Z' })
  expect(slots).toHaveLength(1)
  expect(notes.map(({ kind }) => kind)).toEqual(['start_at', 'end_at'])
})

test('a disabled trigger shows its slots, and that none fires until it is enabled', () => {
  const trigger = { enabled: false }
  const { slots, notes } = see({ schedule: '0 9 * * *' }, { from: '2026-12-25T00:00:00Z', trigger, cursor: null })
  expect(slots).toHaveLength(3)
  expect(notes[0]?.text).toBe('disabled; nothing fires until it is enabled')
})

test('a paused trigger says who paused it, and why', () => {
  const trigger = { pausedAt: new Date(0), pausedBy: 'cli:ada', pauseNote: 'for the move' }
  const { notes } = see({ schedule: '0 9 * * *' }, { from: '2026-12-25T00:00:00Z', trigger, cursor: null })
  expect(notes[0]).toEqual({
    kind: 'paused',
    text: 'paused by cli:ada: for the move; nothing fires until it is resumed',
  })
})

test('slots that its cooldown skips are remarked upon', () => {
  const { slots } = see({ schedule: '0 9 * * *', cooldown: '30h' }, { from: '2026-12-25T00:00:00Z' })
  expect(slots.map(({ fires, remarks }) => [fires, remarks.map(one => one.text).join()])).toEqual([
    [true, ''],
    [false, 'skipped: cooldown is 30h'],
    [true, ''],
  ])
})

test('a trigger enabled behind our back says that it has no cursor', () => {
  expect(see({ schedule: '0 9 * * *' }, { from: '2026-12-25T00:00:00Z', cursor: null }).notes[0]?.kind).toBe('unarmed')
})

test('slots that depend on an id that is not yet given are called provisional', () => {
  const kinds = (config: JsonObject) =>
    see(config, { from: '2026-12-25T00:00:00Z', provisional: true }).notes.map(({ kind }) => kind)
  expect(kinds({ schedule: 'H 9 * * *' })).toEqual(['provisional'])
  expect(kinds({ schedule: '0 9 * * *', spread: '5m' })).toEqual(['provisional'])
  expect(kinds({ schedule: '0 9 * * THU' })).toEqual([])
})

test('a type without a schedule says so', () => {
  const prospect: Prospect = { now: 0, cursor: null, fired: 0, restsUntil: ALWAYS, calendars: new Map() }
  const { slots, notes } = preview(triggerOf('manual', {}), prospect, { from: 0, count: 3, provisional: false })
  expect([slots, notes.map(({ kind }) => kind)]).toEqual([[], ['no_schedule']])
})

/** A fifth of a second on a quiet machine; the machine of a test has more to do. */
const PATIENCE_MS = 1_000

test.each([
  ['cron', { schedule: '* * * * *' }],
  ['cron', { schedule: '*/15 * * * *', timezone: 'Europe/Berlin' }],
  [
    'cron',
    { schedule: '30 7 * * MON-FRI', timezone: 'America/New_York', exclude: [{ dates: ['12-25'] }], spread: '5m' },
  ],
  ['interval', { every: '1m' }],
] as const)('20,000 slots of a %s trigger with %j are foreseen at once', (type, config) => {
  const now = Date.parse('2026-11-22T00:00:00Z')
  const query = { from: now, count: 20_000, provisional: false }
  const before = process.cpuUsage().user
  const { slots } = preview(
    triggerOf(type, config),
    { now, cursor: now, fired: 0, restsUntil: ALWAYS, calendars: new Map() },
    query,
  )
  expect(slots).toHaveLength(20_000)
  expect((process.cpuUsage().user - before) / 1_000).toBeLessThan(PATIENCE_MS)
})
