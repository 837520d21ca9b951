import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cut, displayWidth, exactly, printable, relative, roughly } from '../../../src/cli/text.ts'

test.each([
  ['plain', 5],
  ['', 0],
  ['żółć', 4],
  ['z\u0301', 1],
  ['日本語', 6],
  ['한국어', 6],
  ['ｆｕｌｌ', 8],
  ['ﾊﾝｶｸ', 4],
  ['🚀', 2],
  ['👩‍👩‍👧‍👦', 2],
  ['🇵🇱', 2],
  ['❤️', 2],
  ['👍🏽', 2],
  ['→ ✓', 3],
  ['a\u200bb', 2],
])('%j is %i columns wide', (text, width) => {
  expect(displayWidth(text)).toBe(width)
})

test.each([
  ['abcdef', 4, 'abc…'],
  ['abcd', 4, 'abcd'],
  ['日本語', 6, '日本語'],
  ['日本語', 5, '日本…'],
  ['日本語', 4, '日…'],
  ['👩‍👩‍👧‍👦 family', 4, '👩‍👩‍👧‍👦 …'],
  ['ab', 1, '…'],
])('%j cut to %i columns is %j', (text, width, result) => {
  expect(cut(text, width)).toBe(result)
})

test('a cut text is never wider than asked', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 30 }), (text, width) => {
      expect(displayWidth(cut(text, width))).toBeLessThanOrEqual(width)
    }),
  )
})

test('control characters and changes of direction are shown, not obeyed', () => {
  expect(printable('a\nb\t\u001b[2Jc\u202ed')).toBe('a\\nb\\t\\u001b[2Jc\\u202ed')
})

test('letters of every script and emoji are left alone', () => {
  const text = 'żółć 日本語 עברית 👩‍👩‍👧‍👦'
  expect(printable(text)).toBe(text)
})

test.each([
  [0, '0ms'],
  [850, '850ms'],
  [1_000, '1s'],
  [59_999, '59s'],
  [65_000, '1m 5s'],
  [3_600_000, '1h'],
  [5_400_000, '1h 30m'],
  [90_061_000, '1d 1h'],
  [-65_000, '1m 5s'],
])('%i ms are roughly %s', (ms, text) => {
  expect(roughly(ms)).toBe(text)
})

const now = new Date('2026-03-08T02:30:00Z')
const after = (ms: number): Date => new Date(now.getTime() + ms)

test.each([
  [300_000, 'in 5m'],
  [-3_000, '3s ago'],
  [400, 'now'],
  [-999, 'now'],
])('an instant %i ms away is %s', (ms, text) => {
  expect(relative(after(ms), now)).toBe(text)
})

test('an exact instant says how far it is', () => {
  expect(exactly(after(90_000), now)).toBe('2026-03-08T02:31:30Z (in 1m 30s)')
})

test('an exact instant keeps its milliseconds', () => {
  expect(exactly(after(-1_250), now)).toBe('2026-03-08T02:29:58.750Z (1s ago)')
})
