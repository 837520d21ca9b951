import { expect, test } from 'vitest'
import { misfirePolicy } from '../../../src/trigger/schedule-policy.ts'
import { requestKey, slotKey } from '../../../src/trigger/trigger.ts'

test('a config without policies has the defaults', () => {
  expect(misfirePolicy({})).toEqual({
    policy: 'fire_once',
    thresholdMs: 60_000,
    catchUpWindowMs: 86_400_000,
    max: 1_000,
  })
})

test('a config’s own policies replace the defaults one by one', () => {
  const config = { misfire: { policy: 'fire_all', threshold: '5s' } }
  expect(misfirePolicy(config)).toEqual({
    policy: 'fire_all',
    thresholdMs: 5_000,
    catchUpWindowMs: 86_400_000,
    max: 1_000,
  })
})

test('fire keys say what kind they are', () => {
  expect(slotKey(Date.parse('2026-11-22T16:30:00Z'))).toBe('slot:2026-11-22T16:30:00.000Z')
  expect(requestKey('cli', 'nightly')).toBe('req:cli:nightly')
})
