import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Exclusions } from '../../../src/trigger/exclusion.ts'
import { applyMisfire, type Decision } from '../../../src/trigger/misfire.ts'
import type { MisfirePolicy } from '../../../src/trigger/schedule-policy.ts'
import { owedSlots } from '../../../src/trigger/slots.ts'
import type { Instant, Schedule } from '../../../src/trigger/trigger-type.ts'

const everySecond: Schedule = { next: after => Math.floor(after / 1_000) * 1_000 + 1_000 }

const NOW = 1_000_000
const secondsAgo = (seconds: number): Instant => NOW - seconds * 1_000

function policyOf(policy: MisfirePolicy['policy'], limits: Partial<MisfirePolicy> = {}): MisfirePolicy {
  return { policy, thresholdMs: 2_000, catchUpWindowMs: 60_000, max: 1_000, ...limits }
}

const none: Exclusions = () => null

interface Batch {
  readonly since: Instant
  readonly exclusions?: Exclusions
  readonly limit?: number
  readonly maxFires?: number
}

function decide(policy: MisfirePolicy, { since, exclusions = none, limit = 10_000, maxFires = 1_000 }: Batch) {
  const owed = owedSlots(everySecond, { from: since, now: NOW, limit })
  return applyMisfire(owed, { schedule: everySecond, exclusions, now: NOW, policy, maxFires })
}

const fires = (from: number, until: number): Decision[] =>
  Array.from({ length: from - until + 1 }, (_, i) => ({ kind: 'fire', slot: secondsAgo(from - i) }))

type Fate = 'skip' | 'coalesce' | 'excluded'

const run = (fate: Fate, from: number, until: number): Decision => ({
  kind: fate === 'coalesce' ? 'coalesce' : 'skip',
  reason: fate === 'excluded' ? 'excluded' : 'misfire',
  from: secondsAgo(from),
  until: secondsAgo(until),
  count: from - until + 1,
})

test.each(['skip', 'fire_once', 'fire_all'] as const)('%s fires every slot that is on time', policy => {
  expect(decide(policyOf(policy), { since: secondsAgo(2) })).toEqual({ decisions: fires(2, 0), cursor: NOW + 1_000 })
})

test('skip passes over late slots', () => {
  expect(decide(policyOf('skip'), { since: secondsAgo(10) }).decisions).toEqual([run('skip', 10, 3), ...fires(2, 0)])
})

test('fire_once fires the last late slot in place of the others', () => {
  expect(decide(policyOf('fire_once'), { since: secondsAgo(10) }).decisions).toEqual([
    run('coalesce', 10, 4),
    ...fires(3, 0),
  ])
})

test('a single late slot fires', () => {
  expect(decide(policyOf('fire_once'), { since: secondsAgo(3) }).decisions).toEqual(fires(3, 0))
})

test('fire_all fires every late slot', () => {
  expect(decide(policyOf('fire_all'), { since: secondsAgo(10) }).decisions).toEqual(fires(10, 0))
})

test('fire_all fires the latest of the late slots when they are too many', () => {
  expect(decide(policyOf('fire_all', { max: 3 }), { since: secondsAgo(10) }).decisions).toEqual([
    run('skip', 10, 6),
    ...fires(5, 0),
  ])
})

test.each<[MisfirePolicy['policy'], Decision[]]>([
  ['skip', [run('skip', 90, 3), ...fires(2, 0)]],
  ['fire_once', [run('skip', 90, 61), run('coalesce', 60, 4), ...fires(3, 0)]],
  ['fire_all', [run('skip', 90, 61), ...fires(60, 0)]],
])('%s skips slots older than the catch-up window', (policy, decisions) => {
  expect(decide(policyOf(policy), { since: secondsAgo(90) }).decisions).toEqual(decisions)
})

test('no late slot fires when all are older than the catch-up window', () => {
  const policy = policyOf('fire_once', { catchUpWindowMs: 1_000 })
  expect(decide(policy, { since: secondsAgo(10) }).decisions).toEqual([run('skip', 10, 3), ...fires(2, 0)])
})

test('the cursor stops before the fires that do not fit', () => {
  expect(decide(policyOf('fire_all'), { since: secondsAgo(10), maxFires: 4 })).toEqual({
    decisions: fires(10, 7),
    cursor: secondsAgo(6),
  })
})

test('fire_once fires nothing until a batch reaches the last late slot', () => {
  expect(decide(policyOf('fire_once'), { since: secondsAgo(10), limit: 5 })).toEqual({
    decisions: [run('coalesce', 10, 6)],
    cursor: secondsAgo(5),
  })
})

test('late slots beyond the batch push out those within it', () => {
  expect(decide(policyOf('fire_all', { max: 4 }), { since: secondsAgo(10), limit: 5 })).toEqual({
    decisions: [run('skip', 10, 7), ...fires(6, 6)],
    cursor: secondsAgo(5),
  })
})

/** Excludes the slots between, both included. */
const excluding =
  (from: number, until: number): Exclusions =>
  slot =>
    slot >= secondsAgo(from) && slot <= secondsAgo(until) ? { by: 'calendar', until: secondsAgo(until) + 1 } : null

test('excluded slots are runs of their own, late or not', () => {
  const batch = { since: secondsAgo(6), exclusions: excluding(5, 1) }
  expect(decide(policyOf('fire_all'), batch).decisions).toEqual([...fires(6, 6), run('excluded', 5, 1), ...fires(0, 0)])
})

test('a run of late slots ends where excluded ones begin', () => {
  const batch = { since: secondsAgo(10), exclusions: excluding(8, 7) }
  expect(decide(policyOf('fire_once'), batch).decisions).toEqual([
    run('coalesce', 10, 9),
    run('excluded', 8, 7),
    run('coalesce', 6, 4),
    ...fires(3, 0),
  ])
})

test('the last late slot that is not excluded fires in place of the others', () => {
  const batch = { since: secondsAgo(10), exclusions: excluding(6, 3) }
  expect(decide(policyOf('fire_once'), batch).decisions).toEqual([
    run('coalesce', 10, 8),
    ...fires(7, 7),
    run('excluded', 6, 3),
    ...fires(2, 0),
  ])
})

test('excluded slots beyond the batch do not keep the last late one from firing', () => {
  const batch = { since: secondsAgo(10), limit: 4, exclusions: excluding(6, 3) }
  expect(decide(policyOf('fire_once'), batch)).toEqual({
    decisions: [run('coalesce', 10, 8), ...fires(7, 7)],
    cursor: secondsAgo(6),
  })
})

test('a batch of nothing but excluded slots is disposed of', () => {
  const batch = { since: secondsAgo(10), limit: 3, exclusions: excluding(10, 5) }
  expect(decide(policyOf('fire_all'), batch)).toEqual({
    decisions: [run('excluded', 10, 8)],
    cursor: secondsAgo(7),
  })
})

const policies = fc.record({
  policy: fc.constantFrom('skip', 'fire_once', 'fire_all'),
  thresholdMs: fc.integer({ min: 0, max: 60_000 }),
  catchUpWindowMs: fc.integer({ min: 0, max: 200_000 }),
  max: fc.integer({ min: 1, max: 20 }),
}) satisfies fc.Arbitrary<MisfirePolicy>

/** Excludes where a pattern of lengths, in turn excluded and not, says so. */
const exclusions = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 6 }).map((lengths): Exclusions => {
  const ends = lengths.map((_, i) => lengths.slice(0, i + 1).reduce((sum, length) => sum + length, 0))
  const whole = ends.at(-1)
  if (whole === undefined) return none
  return slot => {
    const at = (slot / 1_000) % whole
    const stretch = ends.findIndex(end => at < end)
    if (stretch % 2 > 0) return null
    return { by: 'calendar', until: slot + ((ends[stretch] as number) - at) * 1_000 }
  }
})

/** Batch after batch, until nothing is owed. */
function catchUp(policy: MisfirePolicy, { since, ...limits }: Batch): Decision[] {
  const decisions: Decision[] = []
  for (let cursor: Instant | null = since; cursor !== null && cursor <= NOW; ) {
    const plan = decide(policy, { since: cursor, ...limits })
    expect(plan.cursor).not.toBe(cursor)
    decisions.push(...plan.decisions)
    cursor = plan.cursor
  }
  return decisions
}

const slotsOf = (decision: Decision): Instant[] =>
  decision.kind === 'fire'
    ? [decision.slot]
    : Array.from({ length: decision.count }, (_, i) => decision.from + i * 1_000)

test('every owed slot is in exactly one decision, in order', () => {
  fc.assert(
    fc.property(policies, exclusions, fc.nat(300), (policy, exclusions, late) => {
      const since = secondsAgo(late)
      const { slots } = owedSlots(everySecond, { from: since, now: NOW, limit: 10_000 })
      const { decisions } = decide(policy, { since, exclusions })
      expect(decisions.flatMap(slotsOf)).toEqual(slots)
      for (const decision of decisions) {
        if (decision.kind !== 'fire') expect(decision.until).toBe(slotsOf(decision).at(-1))
      }
    }),
  )
})

test('a slot is skipped as excluded if and only if it is', () => {
  fc.assert(
    fc.property(policies, exclusions, fc.nat(300), (policy, exclusions, late) => {
      for (const decision of decide(policy, { since: secondsAgo(late), exclusions }).decisions) {
        const isExcluded = decision.kind !== 'fire' && decision.reason === 'excluded'
        for (const slot of slotsOf(decision)) expect(exclusions(slot) !== null).toBe(isExcluded)
      }
    }),
  )
})

test('slots fare the same, however they are cut into batches', () => {
  const fates = (decisions: readonly Decision[]): unknown[] =>
    decisions.flatMap(decision =>
      slotsOf(decision).map(slot => [slot, decision.kind, decision.kind === 'fire' ? null : decision.reason]),
    )
  fc.assert(
    fc.property(
      policies,
      exclusions,
      fc.nat(300),
      fc.record({ limit: fc.integer({ min: 1, max: 100 }), maxFires: fc.integer({ min: 1, max: 50 }) }),
      (...[policy, exclusions, late, limits]) => {
        const batch = { since: secondsAgo(late), exclusions }
        expect(fates(catchUp(policy, { ...batch, ...limits }))).toEqual(fates(catchUp(policy, batch)))
      },
    ),
  )
})
