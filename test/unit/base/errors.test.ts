import fc from 'fast-check'
import { expect, test } from 'vitest'
import { excerpt } from '../../../src/base/errors.ts'
import { checkStorable } from '../../../src/base/json-limits.ts'

test.each([
  ['short', 10, 'short'],
  ['two\n  lines\t\u0000and more', 30, 'two lines and more'],
  ['exactly ten', 11, 'exactly ten'],
  ['exactly ten', 10, 'exactly t…'],
  ['😀😀😀', 4, '😀…'],
  ['  ', 5, ''],
])('of %j %i characters show %j', (text, length, shown) => {
  expect(excerpt(text, length)).toBe(shown)
})

test('an excerpt is one line that can be stored, and never too long', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 50 }), fc.integer({ min: 1, max: 60 }), (text, length) => {
      const shown = excerpt(text, length)
      expect(checkStorable(shown)).toBeNull()
      expect(shown).not.toMatch(/[\n\r\u2028\u2029]/)
      expect(shown.length).toBeLessThanOrEqual(length)
    }),
  )
})
