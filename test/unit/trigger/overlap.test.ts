import { expect, test } from 'vitest'
import type { Decision } from '../../../src/trigger/misfire.ts'
import { applyOverlap, type StartContext } from '../../../src/trigger/overlap.ts'

const fire = (slot: number): Decision => ({ kind: 'fire', slot })
/** Nothing open, nothing limited. */
const free: StartContext = { policy: 'allow', open: 0, left: Number.POSITIVE_INFINITY }
const missed: Decision = { kind: 'coalesce', reason: 'misfire', from: 1, until: 3, count: 3 }

test('allow starts every fire', () => {
  const decisions = [missed, fire(4), fire(5)]
  expect(applyOverlap(decisions, { ...free, open: 7 })).toEqual(decisions)
})

test('skip starts the first fire when nothing is open, and skips the rest as one run', () => {
  expect(applyOverlap([missed, fire(4), fire(5), fire(6)], { ...free, policy: 'skip' })).toEqual([
    missed,
    fire(4),
    { kind: 'skip', reason: 'overlap', from: 5, until: 6, count: 2 },
  ])
})

test('skip skips every fire while an execution is open', () => {
  expect(applyOverlap([fire(4), fire(5)], { ...free, policy: 'skip', open: 1 })).toEqual([
    { kind: 'skip', reason: 'overlap', from: 4, until: 5, count: 2 },
  ])
})

test('runs of different reasons stay apart', () => {
  const skipped: Decision = { kind: 'skip', reason: 'misfire', from: 1, until: 3, count: 3 }
  expect(applyOverlap([skipped, fire(4)], { ...free, policy: 'skip', open: 1 })).toEqual([
    skipped,
    { kind: 'skip', reason: 'overlap', from: 4, until: 4, count: 1 },
  ])
})

test('what is left of a limit starts, the rest is one run', () => {
  const decisions = [fire(4), fire(5), fire(6), fire(7)]
  expect(applyOverlap(decisions, { ...free, left: 2 })).toEqual([
    fire(4),
    fire(5),
    { kind: 'skip', reason: 'limit', from: 6, until: 7, count: 2 },
  ])
})

test('a limit that was lowered below what has fired starts nothing', () => {
  expect(applyOverlap([fire(4)], { ...free, left: -3 })).toEqual([
    { kind: 'skip', reason: 'limit', from: 4, until: 4, count: 1 },
  ])
})

test('fires skipped by overlap leave the limit as it is', () => {
  expect(applyOverlap([fire(4), fire(5)], { policy: 'skip', open: 0, left: 2 })).toEqual([
    fire(4),
    { kind: 'skip', reason: 'overlap', from: 5, until: 5, count: 1 },
  ])
})
