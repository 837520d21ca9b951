// What preview, explain and simulate foretell is what the poller's own decisions make of it, tick after tick; and what explain says
// afterwards is what they recorded.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json.ts'
import { scheduleOf } from '../../../src/trigger/check.ts'
import { ALWAYS } from '../../../src/trigger/cooldown.ts'
import { disposeOwed, firstSlotAfter, type Standing } from '../../../src/trigger/dispose.ts'
import { createExplainer } from '../../../src/trigger/explain.ts'
import type { Disposal } from '../../../src/trigger/fire.ts'
import type { Prospect } from '../../../src/trigger/foresee.ts'
import type { LedgerEntry } from '../../../src/trigger/past-store.ts'
import { preview } from '../../../src/trigger/preview.ts'
import { slotsBetween } from '../../../src/trigger/rules.ts'
import { simulate } from '../../../src/trigger/simulate.ts'
import type { Trigger } from '../../../src/trigger/trigger.ts'
import type { Instant } from '../../../src/trigger/trigger-type.ts'
import { triggerOf } from './trigger-of.ts'

const HOUR = 3_600_000
/** Near changes of the clocks in Berlin and New York, and far from any. */
const starts = fc
  .tuple(fc.constantFrom('2026-03-08', '2026-03-28', '2026-10-24', '2026-11-01', '2026-07-01'), fc.nat(86_400))
  .map(([day, second]) => Date.parse(`${day}T00:00:00Z`) + second * 1_000)

const rules = fc.oneof(
  fc.record({
    schedule: fc.constantFrom('30 2 * * *', '*/20 * * * *', '0 1-3 * * *', 'H H * * *', '15,45 0/2 * * MON-FRI'),
    timezone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York'),
    dst: fc.record({ gap: fc.constantFrom('next_valid', 'skip'), overlap: fc.constantFrom('first', 'both') }),
  }),
  fc.record({ every: fc.constantFrom('7m', '1h', '5h') }),
)
const policies = fc.record(
  {
    max_fires: fc.integer({ min: 1, max: 30 }),
    spread: fc.constantFrom('10m', '2h'),
    end_at: fc.constantFrom('2026-03-09T12:00:00Z', '2026-10-25T01:30:00Z'),
    cooldown: fc.constantFrom('1m', '1h', '11h'),
    exclude: fc.constantFrom(['nights'], [{ weekdays: ['SAT', 'SUN'] }]),
  },
  { requiredKeys: [] },
)
const triggers = fc.tuple(rules, policies, fc.uuid()).map(([rule, more, id]): Trigger => {
  const config = { ...rule, ...more, misfire: { threshold: '2h' } } as JsonObject
  return triggerOf('every' in rule ? 'interval' : 'cron', config, { id })
})

const calendars = new Map([['nights', { times: [{ from: '22:00', to: '02:15' }] }]])

interface Ticked {
  readonly entries: readonly LedgerEntry[]
  readonly prospect: Prospect
}

/** Ticks after pauses no longer than the misfire threshold. */
function tickThrough(trigger: Trigger, prospect: Prospect, pauses: readonly number[]): Ticked {
  let { now, cursor } = prospect
  let standing: Standing = { ...prospect, open: 0, waiting: 0, failing: false }
  const entries: LedgerEntry[] = []
  for (const pause of pauses) {
    now += pause
    if (cursor === null || cursor > now) continue
    const pass = disposeOwed(trigger, { ...standing, cursor, now, room: 1_000 })
    const { disposals, next } = pass
    standing = pass.standing
    entries.push(...disposals.map(disposal => entryOf(disposal, now)))
    cursor = next
  }
  const { fired, restsUntil } = standing
  return { entries, prospect: { now, cursor, fired, restsUntil, calendars } }
}

function entryOf({ fireKey, disposition, reason, slots }: Disposal, now: Instant): LedgerEntry {
  if (slots === null) throw new Error('a slot was disposed of')
  return {
    fireKey,
    disposition,
    reason,
    slotAt: new Date(slots.from),
    slotUntil: new Date(slots.until),
    slotCount: slots.count,
    decidedAt: new Date(now),
    bufferedAt: null,
    executionId: disposition === 'fired' ? fireKey : null,
    executionStatus: disposition === 'fired' ? 'completed' : null,
  }
}

const specOf = (trigger: Trigger, at: Instant) => ({ ...trigger, validFrom: new Date(at) })

const FORETOLD: Readonly<Record<string, string>> = { will_fire: 'fired', will_skip: 'skipped' }

test('poller, preview, explain and simulate agree on every slot, before and after', () => {
  fc.assert(
    fc.property(
      triggers,
      starts,
      fc.array(fc.integer({ min: 1_000, max: 2 * HOUR }), { maxLength: 60 }),
      (...given) => {
        const [trigger, start, pauses] = given
        const cursor = firstSlotAfter(trigger, start)
        const before: Prospect = { now: start, cursor, fired: 0, restsUntil: ALWAYS, calendars }
        const { entries, prospect } = tickThrough(trigger, before, pauses)
        const specs = [specOf(trigger, start)]
        const foretell = createExplainer(
          { trigger, prospect: before, open: 0, waiting: 0, failing: false },
          { specs, entries: [] },
        )
        const recall = createExplainer({ trigger, prospect, open: 0, waiting: 0, failing: false }, { specs, entries })

        // The slot that meets the limit ends the schedule; a batch may hold others behind it.
        const limit = entries.find(({ reason }) => reason === 'limit')?.slotAt?.getTime() ?? Number.POSITIVE_INFINITY
        const until = Math.min(prospect.now, limit)
        const rule = { trigger, since: start, from: start, until, schedule: scheduleOf(trigger), error: null }
        const slots = slotsBetween([rule], { from: start, until: until + 1, count: 10_000 })

        const recalled = slots.map(recall)
        const foretold = slots.map(foretell)
        expect(recalled.map(({ outcome, reason }) => [outcome, reason])).toEqual(
          foretold.map(({ outcome, reason }) => [FORETOLD[outcome], reason]),
        )
        const shown = preview(trigger, before, { from: start + 1, count: slots.length, provisional: false }).slots
        expect(shown.map(({ slot, fires }) => [slot, fires])).toEqual(
          recalled.map(({ at, outcome }) => [at, outcome === 'fired']),
        )
        const edited = { trigger, prospect: before }
        const { changes } = simulate({ present: null, edited }, { from: start + 1, until: until + 1 })
        expect(changes.map(({ to }) => to)).toEqual(
          recalled.filter(({ outcome }) => outcome === 'fired').map(({ at }) => at),
        )
      },
    ),
  )
})

test('what explain says an owed slot would become is what the next pass makes of it', () => {
  const misfires = fc.record({
    policy: fc.constantFrom('skip', 'fire_once', 'fire_all'),
    threshold: fc.constantFrom('1m', '3h'),
    catch_up_window: fc.constantFrom('2h', '24h'),
  })
  const late = fc.record({
    hours: fc.integer({ min: 1, max: 60 }),
    open: fc.nat(1),
    overlap: fc.constantFrom('allow', 'skip'),
  })
  fc.assert(
    fc.property(triggers, starts, misfires, late, (...[plain, start, misfire, { hours, open, overlap }]) => {
      const trigger = { ...plain, config: { ...plain.config, misfire, overlap } }
      const cursor = firstSlotAfter(trigger, start)
      if (cursor === null) return
      const now = cursor + hours * HOUR
      const { disposals } = disposeOwed(trigger, {
        cursor,
        now,
        fired: 0,
        restsUntil: ALWAYS,
        failing: false,
        calendars,
        open,
        waiting: 0,
        room: 1_000,
      })
      const subject = {
        trigger,
        prospect: { now, cursor, fired: 0, restsUntil: ALWAYS, calendars },
        open,
        waiting: 0,
        failing: false,
      }
      const explain = createExplainer(subject, { specs: [specOf(trigger, start)], entries: [] })
      for (const { disposition, reason, slots } of disposals) {
        const { outcome, text, ...rest } = explain(slots?.from ?? 0)
        expect([outcome, rest.reason]).toEqual(['owed', reason])
        expect(text).toContain(`it would become: ${disposition}`)
      }
    }),
  )
})
