import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json.ts'
import { ALWAYS, cooldownOf } from '../../../src/trigger/cooldown.ts'
import type { Decision } from '../../../src/trigger/misfire.ts'
import { applyOverlap as apply, type StartContext } from '../../../src/trigger/overlap.ts'
import { startPolicy } from '../../../src/trigger/start-policy.ts'

const fire = (slot: number): Decision => ({ kind: 'fire', slot })
const missed: Decision = { kind: 'coalesce', reason: 'misfire', from: 1, until: 3, count: 3 }

/** Nothing open, nothing waiting, nothing limited. */
function start(config: JsonObject = {}, rest: Partial<StartContext> = {}): StartContext {
  return {
    policy: startPolicy(config),
    open: 0,
    waiting: 0,
    left: Number.POSITIVE_INFINITY,
    failing: false,
    restsUntil: ALWAYS,
    ...rest,
  }
}

const applyOverlap = (decisions: readonly Decision[], context: StartContext) =>
  apply(decisions, context, { ...cooldownOf({ config: {} }), now: 1_000 })

test('allow starts every fire', () => {
  const decisions = [missed, fire(4), fire(5)]
  expect(applyOverlap(decisions, start({}, { open: 7 }))).toEqual(decisions)
})

test('skip starts the first fire when nothing is open, and skips the rest as one run', () => {
  expect(applyOverlap([missed, fire(4), fire(5), fire(6)], start({ overlap: 'skip' }))).toEqual([
    missed,
    fire(4),
    { kind: 'skip', reason: 'overlap', from: 5, until: 6, count: 2 },
  ])
})

test('runs of different reasons stay apart', () => {
  const skipped: Decision = { kind: 'skip', reason: 'misfire', from: 1, until: 3, count: 3 }
  expect(applyOverlap([skipped, fire(4)], start({ overlap: 'skip' }, { open: 1 }))).toEqual([
    skipped,
    { kind: 'skip', reason: 'overlap', from: 4, until: 4, count: 1 },
  ])
})

test('what is left of a limit starts, the rest is one run', () => {
  const decisions = [fire(4), fire(5), fire(6), fire(7)]
  expect(applyOverlap(decisions, start({}, { left: 2 }))).toEqual([
    fire(4),
    fire(5),
    { kind: 'skip', reason: 'limit', from: 6, until: 7, count: 2 },
  ])
})

test('a limit that was lowered below what has fired starts nothing', () => {
  expect(applyOverlap([fire(4)], start({}, { left: -3 }))).toEqual([
    { kind: 'skip', reason: 'limit', from: 4, until: 4, count: 1 },
  ])
})

test('fires skipped by overlap leave the limit as it is, those that wait do not', () => {
  const decisions = [fire(4), fire(5), fire(6)]
  const kinds = (config: JsonObject) =>
    applyOverlap(decisions, start(config, { left: 2 })).map(one => ('reason' in one ? one.reason : one.kind))
  expect(kinds({ overlap: 'skip' })).toEqual(['fire', 'overlap'])
  expect(kinds({ overlap: 'buffer_all' })).toEqual(['fire', 'buffer', 'limit'])
})

describe('what becomes of five fires, by policy', () => {
  const three = { concurrency: 3 }
  test.each<[JsonObject, { open: number; waiting?: number }, string]>([
    [{}, { open: 0 }, 'fire fire fire fire fire'],
    [{}, { open: 9 }, 'fire fire fire fire fire'],
    [{ overlap: 'skip' }, { open: 0 }, 'fire skip skip skip skip'],
    [{ overlap: 'skip' }, { open: 1 }, 'skip skip skip skip skip'],
    [{ overlap: 'skip', ...three }, { open: 1 }, 'fire fire skip skip skip'],
    [{ overlap: 'skip' }, { open: 0, waiting: 2 }, 'fire skip skip skip skip'], // what waits is of an earlier policy
    [{ overlap: 'buffer_one' }, { open: 0 }, 'fire buffer skip skip skip'],
    [{ overlap: 'buffer_one' }, { open: 1 }, 'buffer skip skip skip skip'],
    [{ overlap: 'buffer_one' }, { open: 1, waiting: 1 }, 'skip skip skip skip skip'],
    [{ overlap: 'buffer_one' }, { open: 0, waiting: 1 }, 'skip skip skip skip skip'],
    [{ overlap: 'buffer_one', ...three }, { open: 1 }, 'fire fire buffer skip skip'],
    [{ overlap: 'buffer_all' }, { open: 0 }, 'fire buffer buffer buffer buffer'],
    [{ overlap: 'buffer_all', ...three }, { open: 0 }, 'fire fire fire buffer buffer'],
    [{ overlap: 'buffer_all', ...three }, { open: 0, waiting: 1 }, 'buffer buffer buffer buffer buffer'],
    [{ overlap: 'buffer_all', buffer: 2 }, { open: 1 }, 'buffer buffer skip skip skip'],
    [{ overlap: 'buffer_all', buffer: 2 }, { open: 1, waiting: 1 }, 'buffer skip skip skip skip'],
  ])('%j with %j: %s', (config, standing, expected) => {
    const applied = applyOverlap([1, 2, 3, 4, 5].map(fire), start(config, standing))
    const fates = applied.flatMap(one => ('count' in one ? Array(one.count).fill(one.kind) : [one.kind]))
    expect(fates.join(' ')).toBe(expected)
  })
})

test('neither limit is exceeded, and every fire has one fate, in order', () => {
  const configs = fc.record({
    overlap: fc.constantFrom('skip', 'buffer_one', 'buffer_all'),
    concurrency: fc.integer({ min: 1, max: 5 }),
    buffer: fc.integer({ min: 1, max: 5 }),
  })
  const standings = fc.record({ open: fc.nat(6), waiting: fc.nat(6) })
  fc.assert(
    fc.property(configs, standings, fc.nat(10), (config, { open, waiting }, fires) => {
      const context = start(config, { open, waiting })
      const applied = applyOverlap(
        Array.from({ length: fires }, (_, slot) => fire(slot)),
        context,
      )
      const slots = applied.flatMap(one =>
        'count' in one ? Array.from({ length: one.count }, (_, i) => one.from + i) : [one.slot],
      )
      expect(slots).toEqual(Array.from({ length: fires }, (_, slot) => slot))
      const count = (kind: string) => applied.filter(one => one.kind === kind).length
      expect(open + count('fire')).toBeLessThanOrEqual(Math.max(open, config.concurrency))
      expect(waiting + count('buffer')).toBeLessThanOrEqual(Math.max(waiting, context.policy.buffer))
    }),
  )
})
