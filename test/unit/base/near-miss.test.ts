import { expect, test } from 'vitest'
import { nearMiss } from '../../../src/base/near-miss.ts'

test.each([
  ['schedul', 'schedule'],
  ['timezon', 'timezone'],
  ['shcedule', 'schedule'],
  ['TIMEZONE', 'timezone'],
  ['corn', undefined],
  ['x', undefined],
  ['', undefined],
])('takes %j for %j', (word, meant) => {
  expect(nearMiss(word, ['schedule', 'timezone', 'y'])).toBe(meant)
})

test('prefers the closest candidate', () => {
  expect(nearMiss('skipp', ['strip', 'skip'])).toBe('skip')
})
