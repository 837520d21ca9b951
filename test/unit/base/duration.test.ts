import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatDuration, parseDuration } from '../../../src/base/duration.ts'

test.each([
  ['0s', 0],
  ['500ms', 500],
  ['90s', 90_000],
  ['5m', 300_000],
  ['1h30m', 5_400_000],
  ['2d', 172_800_000],
  ['1w', 604_800_000],
  ['1w2d3h4m5s6ms', 788_645_006],
  ['P1D', 86_400_000],
  ['P2W', 1_209_600_000],
  ['PT1H30M', 5_400_000],
  ['P1DT12H', 129_600_000],
  ['PT0.5S', 500],
  ['PT1.001S', 1_001],
])('reads %s as %d ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

test.each([
  ['', 'it is empty; write for example 90s or 1h30m'],
  ['  ', 'it is empty; write for example 90s or 1h30m'],
  ['5 m', 'it holds a blank; write 5m'],
  [' 5m', 'it holds a blank; write 5m'],
  ['1 Hour 30 mins', 'it holds a blank; write 1h30m'],
  ['1 M', 'it holds a blank; write for example 1h30m'],
  ['1d12h abc', 'it holds a blank; write for example 1h30m'],
  ['-5m', 'it has a sign'],
  ['+5m', 'it has a sign'],
  ['-P1D', 'it has a sign'],
  ['5', 'it has no unit; write 5s for seconds, 5m for minutes'],
  ['1.5h', 'only whole numbers; write 1h30m for an hour and a half, 500ms for half a second'],
  ['5x', 'the unit "x" is not known; the units are w, d, h, m, s, ms'],
  ['5min', 'the unit "min" is not known; write 5m'],
  ['1h30min', 'the unit "min" is not known; write 1h30m'],
  ['5min1hour', 'the unit "min" is not known; the units are w, d, h, m, s, ms'],
  ['5µs', 'the unit "µs" is not known; the units are w, d, h, m, s, ms'],
  ['1H', 'the unit "H" is not known; write 1h'],
  ['1constructor', 'the unit "constructor" is not known; the units are w, d, h, m, s, ms'],
  ['1M', 'months and years differ in length; write days or weeks'],
  ['1y', 'months and years differ in length; write days or weeks'],
  ['30m1h', 'units go from large to small, each once, for example 1h30m'],
  ['1h1h', 'units go from large to small, each once, for example 1h30m'],
  ['m', 'write numbers with units, for example 90s or 1h30m'],
  ['5m!', 'write numbers with units, for example 90s or 1h30m'],
  ['1h30', 'write numbers with units, for example 90s or 1h30m'],
  ['99999999999d', 'it is too long; the longest is 36525d'],
  [`${'9'.repeat(400)}s`, 'it is too long; the longest is 36525d'],
  ['P1M', 'months and years differ in length; write days or weeks'],
  ['P1Y', 'months and years differ in length; write days or weeks'],
  ['P', 'ISO 8601 durations look like P1D, PT1H30M or PT0.5S'],
  ['PT', 'ISO 8601 durations look like P1D, PT1H30M or PT0.5S'],
  ['P1H', 'ISO 8601 durations look like P1D, PT1H30M or PT0.5S'],
  ['PT0.0005S', 'ISO 8601 durations look like P1D, PT1H30M or PT0.5S'],
  ['PT-5M', 'ISO 8601 durations look like P1D, PT1H30M or PT0.5S'],
  ['p1d', 'ISO 8601 durations look like P1D, PT1H30M or PT0.5S'],
])('refuses %j and says why', (text, reason) => {
  expect(() => parseDuration(text)).toThrow(`${JSON.stringify(text)} is not a duration: ${reason}`)
})

test('reads back what it writes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3_000_000_000_000 }), ms => {
      expect(parseDuration(formatDuration(ms))).toBe(ms)
    }),
  )
})
