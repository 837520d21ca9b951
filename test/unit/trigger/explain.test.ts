import { expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json.ts'
import { ALWAYS } from '../../../src/trigger/cooldown.ts'
import { createExplainer, type Past } from '../../../src/trigger/explain.ts'
import type { LedgerEntry, Spec } from '../../../src/trigger/past-store.ts'
import type { Subject } from '../../../src/trigger/subject.ts'
import type { Trigger } from '../../../src/trigger/trigger.ts'
import { triggerOf } from './trigger-of.ts'

const NOW = Date.parse('2026-11-22T12:00:00Z')
const daily: JsonObject = { schedule: '0 9 * * *' }

interface Scene {
  readonly config?: JsonObject
  readonly trigger?: Partial<Trigger>
  readonly prospect?: Partial<Subject['prospect']>
  readonly open?: number
  readonly specs?: readonly Spec[]
  readonly entries?: readonly LedgerEntry[]
}

const spec = (validFrom: string, rest: Partial<Spec> = {}): Spec => ({
  specVersion: 1,
  type: 'cron',
  config: daily,
  anchorAt: new Date(0),
  enabled: true,
  pausedAt: null,
  pausedBy: null,
  pauseNote: null,
  validFrom: new Date(validFrom),
  ...rest,
})

function entry(slot: string, rest: Partial<LedgerEntry> = {}): LedgerEntry {
  const at = new Date(slot)
  return {
    fireKey: `slot:${at.toISOString()}`,
    disposition: 'fired',
    reason: null,
    slotAt: at,
    slotUntil: at,
    slotCount: 1,
    decidedAt: new Date(at.getTime() + 5),
    bufferedAt: null,
    executionId: 'e1',
    executionStatus: 'completed',
    ...rest,
  }
}

function explain(at: string, { config = daily, trigger, prospect, open = 0, ...past }: Scene = {}) {
  const subject: Subject = {
    trigger: triggerOf('cron', config, trigger),
    prospect: {
      now: NOW,
      cursor: Date.parse('2026-11-23T09:00:00Z'),
      fired: 0,
      restsUntil: ALWAYS,
      calendars: new Map(),
      ...prospect,
    },
    open,
    waiting: 0,
    failing: false,
  }
  const whole: Past = { specs: [spec('2026-11-01T00:00:00Z', { config })], entries: [], ...past }
  const { outcome, reason, text, rule, previous, next } = createExplainer(subject, whole)(Date.parse(at))
  return { verdict: `${outcome} ${reason ?? ''}`.trim(), text, rule, previous, next }
}

test('a slot that fired names its execution and how it fares', () => {
  const { verdict, text } = explain('2026-11-20T09:00:00Z', { entries: [entry('2026-11-20T09:00:00Z')] })
  expect(verdict).toBe('fired')
  expect(text).toBe('fired 5ms after its time; its execution e1 is completed')
})

test('an execution that is no longer kept is said to be so', () => {
  const entries = [entry('2026-11-20T09:00:00Z', { executionStatus: null })]
  expect(explain('2026-11-20T09:00:00Z', { entries }).text).toContain('no longer kept')
})

const run = (rest: Partial<LedgerEntry>) => [
  entry('2026-11-18T09:00:00Z', {
    slotUntil: new Date('2026-11-20T09:00:00Z'),
    slotCount: 3,
    executionId: null,
    executionStatus: null,
    disposition: 'skipped',
    ...rest,
  }),
]

test('every slot of a run has the fate of its row', () => {
  for (const day of [18, 19, 20])
    expect(explain(`2026-11-${day}T09:00:00Z`, { entries: run({ reason: 'overlap' }) }).verdict).toBe('skipped overlap')
})

test('an instant between the slots of a run is no slot', () => {
  const entries = run({ reason: 'overlap' })
  expect(explain('2026-11-19T10:00:00Z', { entries })).toMatchObject({
    verdict: 'no_slot not_named',
    previous: new Date('2026-11-19T09:00:00Z'),
    next: new Date('2026-11-20T09:00:00Z'),
  })
})

test('a coalesced slot says that a later one fired in its place', () => {
  const entries = run({ disposition: 'coalesced', reason: 'misfire' })
  expect(explain('2026-11-19T09:00:00Z', { entries }).text).toContain('a later slot fired in its place')
})

test('an excluded slot of the past names the calendar as long as that is known', () => {
  const config = { ...daily, exclude: ['holidays'] }
  const entries = run({ reason: 'excluded' })
  const calendars = new Map([['holidays', { dates: ['2026-11-19'] }]])
  const text = (day: number) => explain(`2026-11-${day}T09:00:00Z`, { config, entries, prospect: { calendars } }).text
  expect(text(19)).toBe('skipped: excluded by holidays')
  expect(text(20)).toBe('skipped: excluded by a calendar that has changed since')
})

const hourly: JsonObject = { schedule: '0 * * * *' }

test('an edit divides the past: slots up to it follow the old rule, later ones the new', () => {
  const specs = [spec('2026-11-01T00:00:00Z'), spec('2026-11-20T09:00:00Z', { specVersion: 2, config: hourly })]
  expect(explain('2026-11-20T08:00:00Z', { config: hourly, specs }).verdict).toBe('no_slot not_named')
  expect(explain('2026-11-20T08:00:00Z', { config: hourly, specs })).toMatchObject({
    previous: new Date('2026-11-19T09:00:00Z'),
    next: new Date('2026-11-20T09:00:00Z'),
  })
  expect(explain('2026-11-20T09:30:00Z', { config: hourly, specs }).next).toEqual(new Date('2026-11-20T10:00:00Z'))
})

test('the time it was disabled is explained without rows', () => {
  const specs = [
    spec('2026-11-01T00:00:00Z'),
    spec('2026-11-10T00:00:00Z', { enabled: false }),
    spec('2026-11-15T00:00:00Z'),
  ]
  expect(explain('2026-11-12T09:00:00Z', { specs })).toMatchObject({
    verdict: 'no_slot disabled',
    text: 'the trigger was disabled; otherwise it would have had a slot here',
    previous: new Date('2026-11-09T09:00:00Z'),
    next: new Date('2026-11-15T09:00:00Z'),
  })
})

test('before it was created there was nothing', () => {
  expect(explain('2026-10-20T09:00:00Z').verdict).toBe('no_slot not_created')
})

test('a slot that no row accounts for is called unrecorded', () => {
  expect(explain('2026-11-20T09:00:00Z').verdict).toBe('unrecorded')
})

test('slots after the one that met the limit were not owed any more', () => {
  const config = { ...daily, max_fires: 3 }
  const entries = run({ reason: 'limit' })
  const prospect = { cursor: null, fired: 3 }
  expect(explain('2026-11-21T09:00:00Z', { config, entries, prospect }).verdict).toBe('no_slot limit')
  expect(explain('2026-11-24T09:00:00Z', { config, entries, prospect }).verdict).toBe('no_slot limit')
})

test('a slot not yet disposed of says what would become of it now', () => {
  const prospect = { cursor: Date.parse('2026-11-21T09:00:00Z') }
  expect(explain('2026-11-21T09:00:00Z', { prospect })).toMatchObject({
    verdict: 'owed misfire',
    text: 'not yet disposed of, 1d3h after its time; were a daemon to do it now, it would become: skipped (misfire)',
  })
  expect(explain('2026-11-22T09:00:00Z', { prospect }).verdict).toBe('owed')
})

test('a slot of the future will fire', () => {
  expect(explain('2026-11-25T09:00:00Z')).toMatchObject({
    verdict: 'will_fire',
    text: 'it will fire',
    previous: new Date('2026-11-24T09:00:00Z'),
    next: new Date('2026-11-26T09:00:00Z'),
  })
})

test('the rule of a slot to come is that of today, since it was set', () => {
  const { rule } = explain('2026-11-23T09:00:00Z', { specs: [spec('2026-11-01T00:00:00Z')] })
  expect(rule).toEqual({ spec_version: 1, valid_from: new Date('2026-11-01T00:00:00Z') })
})

test('with overlap skip a slot of the future will fire unless an execution is open', () => {
  expect(explain('2026-11-25T09:00:00Z', { config: { ...daily, overlap: 'skip' } }).text).toContain('unless')
})

test('a slot of the future that a calendar excludes names it', () => {
  const config = { ...daily, exclude: [{ dates: ['12-25'] }] }
  expect(explain('2026-12-25T09:00:00Z', { config })).toMatchObject({
    verdict: 'will_skip excluded',
    text: 'it will be skipped: excluded by exclude[0]',
  })
})

test('the limit is foreseen: the last fire, the slot that meets it, and nothing after', () => {
  const scene = { config: { ...daily, max_fires: 3 }, prospect: { fired: 1 } }
  expect([23, 24, 25, 26].map(day => explain(`2026-11-${day}T09:00:00Z`, scene).verdict)).toEqual([
    'will_fire',
    'will_fire',
    'will_skip limit',
    'no_slot limit',
  ])
})

test('a limit too far to be counted is admitted', () => {
  const config = { schedule: '* * * * * *', max_fires: 1_000_000_000 }
  expect(explain('2027-11-25T09:00:00Z', { config }).verdict).toBe('will_fire uncounted')
})

test('the time it was paused is explained by who paused it, and why', () => {
  const paused = { pausedAt: new Date('2026-11-10T00:00:00Z'), pausedBy: 'cli:ada', pauseNote: 'for the move' }
  const specs = [spec('2026-11-01T00:00:00Z'), spec('2026-11-10T00:00:00Z', paused), spec('2026-11-15T00:00:00Z')]
  expect(explain('2026-11-12T09:00:00Z', { specs })).toMatchObject({
    verdict: 'no_slot paused',
    text: 'the trigger was paused by cli:ada: for the move; otherwise it would have had a slot here',
    previous: new Date('2026-11-09T09:00:00Z'),
    next: new Date('2026-11-15T09:00:00Z'),
  })
})

test('slots that come too soon after a fire are foretold as skipped', () => {
  const config = { schedule: '0 */6 * * *', cooldown: '10h' }
  const cursor = Date.parse('2026-11-23T00:00:00Z')
  const verdicts = ['2026-11-23T00:00:00Z', '2026-11-23T06:00:00Z', '2026-11-23T12:00:00Z'].map(
    at => explain(at, { config, prospect: { cursor } }).verdict,
  )
  expect(verdicts).toEqual(['will_fire', 'will_skip cooldown', 'will_fire'])
  expect(explain('2026-11-23T00:00:00Z', { config, prospect: { cursor, restsUntil: cursor + 1 } }).verdict).toBe(
    'will_skip cooldown',
  )
})

test('a disabled trigger has no slots to come, and says why', () => {
  const trigger = { enabled: false }
  expect(explain('2026-11-25T09:00:00Z', { trigger, prospect: { cursor: null } })).toMatchObject({
    verdict: 'no_slot disabled',
    text: 'the trigger is disabled; otherwise it would have a slot here',
    next: null,
  })
})

test('a trigger enabled behind our back has no slots to come', () => {
  expect(explain('2026-11-25T09:00:00Z', { prospect: { cursor: null } }).verdict).toBe('no_slot unarmed')
})

test('a rule that cannot be computed is called broken', () => {
  expect(explain('2026-11-25T09:00:00Z', { trigger: { config: { schedule: 'never' } } }).verdict).toBe('no_slot broken')
})

test('a calendar that is gone is called broken too', () => {
  expect(explain('2026-11-25T09:00:00Z', { config: { ...daily, exclude: ['gone'] } })).toMatchObject({
    verdict: 'no_slot broken',
    text: expect.stringContaining('"gone"'),
  })
})

test('a type without a schedule has no slots', () => {
  const specs = [spec('2026-11-01T00:00:00Z', { type: 'manual', config: {} })]
  const scene = { trigger: { type: 'manual' as const, config: {} }, specs, prospect: { cursor: null } }
  expect(explain('2026-11-20T09:00:00Z', scene).verdict).toBe('no_slot no_schedule')
  expect(explain('2026-11-25T09:00:00Z', scene).verdict).toBe('no_slot no_schedule')
})

const berlin = { schedule: '30 2 * * *', timezone: 'Europe/Berlin' }

test.each<[string, string, JsonObject]>([
  ['no_slot bounds', '2027-01-02T09:00:00Z', { ...daily, end_at: '2027-01-01T00:00:00Z' }],
  ['no_slot spread', '2027-01-02T09:00:00Z', { ...daily, spread: '1h' }],
  ['no_slot dst_overlap', '2027-10-31T01:30:00Z', berlin],
  ['no_slot dst_gap', '2027-03-28T01:00:00Z', { ...berlin, dst: { gap: 'skip' } }],
  ['no_slot not_named', '2027-01-02T09:00:01Z', daily],
])('%s: %s', (verdict, at, config) => {
  expect(explain(at, { config }).verdict).toBe(verdict)
})
