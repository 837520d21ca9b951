import fc from 'fast-check'
import { expect, test } from 'vitest'
import { between, delayed, listOf, unionOf } from '../../../src/trigger/schedule.ts'
import { upcoming } from '../../../src/trigger/slots.ts'
import type { Schedule } from '../../../src/trigger/trigger-type.ts'

const multiplesOf = (n: number): Schedule => ({ next: after => (Math.floor(after / n) + 1) * n })

test('a union has the slots of all, once each', () => {
  expect(upcoming(unionOf([multiplesOf(4), multiplesOf(6), listOf([9])]), 0, 7)).toEqual([4, 6, 8, 9, 12, 16, 18])
})

test('a union goes on when one of its parts has ended', () => {
  expect(upcoming(unionOf([listOf([1, 2]), listOf([3])]), 0, 5)).toEqual([1, 2, 3])
})

test('a union of nothing has no slot', () => {
  expect(unionOf([]).next(0)).toBeNull()
})

test('a list takes its instants in any order, and twice the same as one', () => {
  expect(upcoming(listOf([30, 10, 20, 10]), 0, 5)).toEqual([10, 20, 30])
})

test('bounds hold the first instant and not the last', () => {
  expect(upcoming(between(multiplesOf(10), { from: 20, until: 50 }), 0, 9)).toEqual([20, 30, 40])
})

test('an open bound bounds nothing', () => {
  const open = { from: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY }
  expect(upcoming(between(multiplesOf(10), open), 0, 2)).toEqual([10, 20])
})

test('a delay moves every slot, and bounds within it judge the slot before it is moved', () => {
  const bounded = between(multiplesOf(10), { from: 20, until: 50 })
  expect(upcoming(delayed(bounded, 7), 0, 9)).toEqual([27, 37, 47])
})

test('a union has a slot where one of its parts has one, and nowhere else', () => {
  const instants = fc.array(fc.nat(50), { minLength: 1 })
  fc.assert(
    fc.property(fc.array(instants, { minLength: 1, maxLength: 4 }), lists => {
      const expected = [...new Set(lists.flat())].sort((a, b) => a - b)
      expect(upcoming(unionOf(lists.map(listOf)), -1, 1_000)).toEqual(expected)
    }),
  )
})
