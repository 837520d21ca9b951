import { expect, test } from 'vitest'
import type { Decision } from '../../../src/trigger/misfire.ts'
import { applyOverlap } from '../../../src/trigger/overlap.ts'

const fire = (slot: number): Decision => ({ kind: 'fire', slot })
const missed: Decision = { kind: 'coalesce', reason: 'misfire', from: 1, until: 3, count: 3 }

test('allow starts every fire', () => {
  const decisions = [missed, fire(4), fire(5)]
  expect(applyOverlap(decisions, 'allow', 7)).toEqual(decisions)
})

test('skip starts the first fire when nothing is open, and skips the rest as one run', () => {
  expect(applyOverlap([missed, fire(4), fire(5), fire(6)], 'skip', 0)).toEqual([
    missed,
    fire(4),
    { kind: 'skip', reason: 'overlap', from: 5, until: 6, count: 2 },
  ])
})

test('skip skips every fire while an execution is open', () => {
  expect(applyOverlap([fire(4), fire(5)], 'skip', 1)).toEqual([
    { kind: 'skip', reason: 'overlap', from: 4, until: 5, count: 2 },
  ])
})

test('runs of different reasons stay apart', () => {
  const skipped: Decision = { kind: 'skip', reason: 'misfire', from: 1, until: 3, count: 3 }
  expect(applyOverlap([skipped, fire(4)], 'skip', 1)).toEqual([
    skipped,
    { kind: 'skip', reason: 'overlap', from: 4, until: 4, count: 1 },
  ])
})
