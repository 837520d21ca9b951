import { expect, test } from 'vitest'
import { delay } from '../../../src/node/types/delay.ts'
import { attemptOf } from '../../support/attempt-of.ts'

test('a duration is waited for from now on, in milliseconds', async () => {
  expect(await attemptOf(delay, { for: '1d' })).toEqual({ kind: 'parked', until: 86_400_000 })
})

test('an instant is the same whatever its offset', async () => {
  expect(await attemptOf(delay, { until: '2031-01-01T01:00:00+01:00' })).toEqual({
    kind: 'parked',
    until: '2031-01-01T00:00:00.000Z',
  })
})

test('what an expression gives counts, and must be a duration or an instant', async () => {
  expect(await attemptOf(delay, { for: '{{ input.days & "d" }}' }, { input: { days: 400 } })).toMatchObject({
    until: 400 * 86_400_000,
  })
  expect(await attemptOf(delay, { for: '{{ input }}' }, { input: 'a while' })).toMatchObject({
    error: { code: 'NODE_CONFIG_INVALID', message: expect.stringContaining('is not a duration') },
  })
  expect(await attemptOf(delay, { until: '{{ input }}' }, { input: '2031-02-30T00:00:00Z' })).toMatchObject({
    error: { code: 'NODE_CONFIG_INVALID', message: expect.stringContaining('is not an instant') },
  })
})

test.each([
  [{}, 'for'],
  [{ for: '1s', until: '2031-01-01T00:00:00Z' }, 'until'],
])('one of the two is needed, and one is enough: %j', (config, path) => {
  expect(delay.check?.(config)).toMatchObject([{ path }])
})
