import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  arrive,
  type Group,
  gatheringName,
  lapse,
  MAX_BATCH_BYTES,
  type Member,
  type Verdict,
} from '../../../src/inbox/gather.ts'
import type { Gathering } from '../../../src/trigger/event-config.ts'

interface Sent {
  readonly id: string
  readonly at: number
  readonly part?: number
  readonly bytes?: number
}

interface Ran {
  readonly verdicts: readonly { readonly at: number; readonly verdict: Verdict }[]
  readonly group: Group | null
}

/** What becomes of events that are looked at as they come, with groups closed when they are due. */
function run(gathering: Gathering, events: readonly Sent[], until = Number.POSITIVE_INFINITY): Ran {
  const verdicts: { at: number; verdict: Verdict }[] = []
  let group: Group | null = null
  const closeUntil = (now: number): void => {
    while (group !== null && group.dueAt <= now && group.dueAt !== Number.POSITIVE_INFINITY) {
      const at: number = group.dueAt
      const found = lapse(gathering, group, at)
      verdicts.push(...found.verdicts.map(verdict => ({ at, verdict })))
      group = found.group
    }
  }
  for (const { id, at, part = 0, bytes = 1 } of events) {
    closeUntil(at - 1)
    const found = arrive(gathering, group, { eventId: id, at, part, bytes, now: at })
    verdicts.push(...found.verdicts.map(verdict => ({ at, verdict })))
    group = found.group
  }
  closeUntil(until)
  return { verdicts, group }
}

/** In short: `3: fire a b`, `3: skip c (throttle)`. */
const told = ({ verdicts }: Ran): string[] =>
  verdicts.map(({ at, verdict }) =>
    verdict.kind === 'fire'
      ? `${at}: fire ${verdict.members.map(({ eventId }) => eventId).join(' ')}`
      : `${at}: ${verdict.kind} ${verdict.member.eventId} (${verdict.reason})`,
  )

const debounce: Gathering = { kind: 'debounce', quiet: 10, maxWait: 25 }
const throttle: Gathering = { kind: 'throttle', max: 2, per: 10 }
const batch: Gathering = { kind: 'batch', size: 3, within: 10 }
const first: Gathering = { kind: 'first', within: 10 }
const all: Gathering = { kind: 'all', parts: 2, within: 10, name: 'ab' }

const at = (...instants: number[]): Sent[] => instants.map((instant, i) => ({ id: 'abcdefgh'[i] ?? '?', at: instant }))

test('a debounce fires with the last event once it is quiet', () => {
  expect(told(run(debounce, at(0, 5, 14)))).toEqual([
    '5: coalesce a (debounce)',
    '14: coalesce b (debounce)',
    '24: fire c',
  ])
})

test('a debounce that never comes to rest fires when max_wait is over', () => {
  expect(told(run(debounce, at(0, 8, 16, 24, 30)))).toEqual([
    '8: coalesce a (debounce)',
    '16: coalesce b (debounce)',
    '24: coalesce c (debounce)',
    '25: fire d',
    '40: fire e',
  ])
})

test('a debounce that was due before an event was received fires without it, however late it is looked at', () => {
  const opened = arrive(debounce, null, { eventId: 'a', at: 0, part: 0, bytes: 1, now: 100 })
  const found = arrive(debounce, opened.group, { eventId: 'b', at: 50, part: 0, bytes: 1, now: 100 })
  expect(found.verdicts).toMatchObject([{ kind: 'fire', members: [{ eventId: 'a' }] }])
  expect(found.group).toMatchObject({ openedAt: 50, dueAt: 60, members: [{ eventId: 'b' }] })
})

test('of events that come out of order the debounce keeps the one received last', () => {
  expect(told(run(debounce, at(5, 3)))).toEqual(['3: coalesce b (debounce)', '15: fire a'])
})

test('a throttle lets so many fire in any span, and skips the others', () => {
  expect(told(run(throttle, at(0, 4, 9, 10, 13, 14)))).toEqual([
    '0: fire a',
    '4: fire b',
    '9: skip c (throttle)',
    '10: fire d',
    '13: skip e (throttle)',
    '14: fire f',
  ])
})

test('a throttle counts when events fire, not when they were received', () => {
  let group: Group | null = null
  const kinds = [0, 100, 200].map(received => {
    const found = arrive(throttle, group, { eventId: String(received), at: received, part: 0, bytes: 1, now: 1_000 })
    group = found.group
    return found.verdicts[0]?.kind
  })
  expect(kinds).toEqual(['fire', 'fire', 'skip'])
})

test('a batch fires when it is full', () => {
  expect(told(run(batch, at(0, 1, 2, 3), 3))).toEqual(['2: fire a b c'])
})

test('a batch that was made smaller fires with what it has', () => {
  const larger: Gathering = { kind: 'batch', size: 9, within: 10 }
  const { group } = run(larger, at(0, 1, 2, 3), 3)
  const found = arrive(batch, group, { eventId: 'e', at: 4, part: 0, bytes: 1, now: 4 })
  expect(found).toMatchObject({ verdicts: [{ kind: 'fire', members: { length: 5 } }], group: null })
})

test('a batch that does not fill fires so long after its first event', () => {
  expect(told(run(batch, at(0, 9)))).toEqual(['10: fire a b'])
})

test('a batch fires before it is larger than an input may be', () => {
  const half = MAX_BATCH_BYTES / 2
  const events = at(0, 1, 2).map(event => ({ ...event, bytes: half }))
  expect(told(run(batch, events))).toEqual(['2: fire a b', '12: fire c'])
})

test('any_of within fires with the first event, and with the first after the window', () => {
  expect(told(run(first, at(0, 9, 10, 15)))).toEqual([
    '0: fire a',
    '9: coalesce b (window)',
    '10: fire c',
    '15: coalesce d (window)',
  ])
})

test('all_of fires when each part has come, in the order in which they came', () => {
  expect(
    told(
      run(all, [
        { id: 'b', at: 0, part: 1 },
        { id: 'a', at: 5, part: 0 },
      ]),
    ),
  ).toEqual(['5: fire b a'])
})

test('all_of skips what finds no partner in time', () => {
  expect(
    told(
      run(all, [
        { id: 'a', at: 0, part: 0 },
        { id: 'b', at: 10, part: 1 },
      ]),
    ),
  ).toEqual(['10: skip a (window)', '20: skip b (window)'])
})

test('in all_of a later event takes the place of an earlier one of its part', () => {
  const events = [
    { id: 'a', at: 0, part: 0 },
    { id: 'later', at: 6, part: 0 },
    { id: 'b', at: 12, part: 1 },
  ]
  expect(told(run(all, events))).toEqual(['6: coalesce a (window)', '12: fire later b'])
})

test.each([
  [debounce, ['fire a']],
  [batch, ['fire a']],
  [all, ['skip a (window)']],
  [first, []],
  [throttle, []],
])('a group of $kind is closed when its trigger gathers in another way', (gathering, expected) => {
  const { group } = arrive(gathering, null, { eventId: 'a', at: 0, part: 0, bytes: 1, now: 0 })
  const other: Gathering = gathering === batch ? throttle : batch
  if (group === null) throw new Error('nothing was gathered')
  const found = arrive(other, group, { eventId: 'x', at: 1, part: 0, bytes: 1, now: 1 })
  const verdicts = found.verdicts.slice(0, expected.length).map(verdict => ({ at: 0, verdict }))
  expect(told({ verdicts, group: null })).toEqual(expected.map(text => `0: ${text}`))
  expect(found.group?.gathering).toBe(gatheringName(other))
})

const gatherings = fc.oneof(
  fc.record({
    kind: fc.constant('debounce' as const),
    quiet: fc.integer({ min: 1, max: 20 }),
    maxWait: fc.integer({ min: 20, max: 60 }),
  }),
  fc.record({
    kind: fc.constant('throttle' as const),
    max: fc.integer({ min: 1, max: 4 }),
    per: fc.integer({ min: 1, max: 30 }),
  }),
  fc.record({
    kind: fc.constant('batch' as const),
    size: fc.integer({ min: 2, max: 5 }),
    within: fc.integer({ min: 1, max: 30 }),
  }),
  fc.record({ kind: fc.constant('first' as const), within: fc.integer({ min: 1, max: 30 }) }),
  fc.record({
    kind: fc.constant('all' as const),
    parts: fc.constant(3),
    within: fc.integer({ min: 1, max: 40 }),
    name: fc.constant('x'),
  }),
)
const distances = fc.array(fc.tuple(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 0, max: 2 })), { maxLength: 40 })

function sentAt(steps: readonly (readonly [number, number])[]): Sent[] {
  let now = 0
  return steps.map(([distance, part], i) => {
    now += distance
    return { id: `e${String(i).padStart(2, '0')}`, at: now, part }
  })
}

const firesOf = ({ verdicts }: Ran): { at: number; members: readonly Member[] }[] =>
  verdicts.flatMap(({ at: instant, verdict }) =>
    verdict.kind === 'fire' ? [{ at: instant, members: verdict.members }] : [],
  )

test('every event gets one verdict, and nothing is left once every group was due', () => {
  fc.assert(
    fc.property(gatherings, distances, (gathering, steps) => {
      const events = sentAt(steps)
      const ran = run(gathering, events, 1_000_000)
      const judged = ran.verdicts.flatMap(({ verdict }) =>
        verdict.kind === 'fire' ? verdict.members.map(({ eventId }) => eventId) : [verdict.member.eventId],
      )
      expect(judged.sort()).toEqual(events.map(({ id }) => id))
      expect(ran.group).toBe(null)
    }),
    { numRuns: 2_000 },
  )
})

test('no span holds more fires than its throttle allows', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 30 }), distances, (max, per, steps) => {
      const instants = firesOf(run({ kind: 'throttle', max, per }, sentAt(steps))).map(fire => fire.at)
      for (const [i, instant] of instants.entries()) {
        const before = instants[i - max]
        if (before !== undefined) expect(instant - before).toBeGreaterThanOrEqual(per)
      }
    }),
  )
})

test('what fires together lies within the window, is no more than the batch, and has each part of all_of once', () => {
  fc.assert(
    fc.property(gatherings, distances, (gathering, steps) => {
      for (const { members } of firesOf(run(gathering, sentAt(steps)))) {
        const instants = members.map(member => member.at)
        const span = Math.max(...instants) - Math.min(...instants)
        expect(instants).toEqual([...instants].sort((a, b) => a - b))
        if (gathering.kind === 'batch') {
          expect(span).toBeLessThan(gathering.within)
          expect(members.length).toBeLessThanOrEqual(gathering.size)
        } else if (gathering.kind === 'all') {
          expect(span).toBeLessThan(gathering.within)
          expect(members.map(({ part }) => part).sort()).toEqual([0, 1, 2])
        } else expect(members).toHaveLength(1)
      }
    }),
    { numRuns: 1_000 },
  )
})
