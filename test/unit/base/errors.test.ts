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

// Any code units, lone surrogates too. (fast-check's `binary` texts take a second to prepare.)
const anyText = fc.uint16Array({ maxLength: 50 }).map(units => String.fromCharCode(...units))

test('an excerpt is one line that can be stored, and never too long', () => {
  fc.assert(
    fc.property(anyText, fc.integer({ min: 1, max: 60 }), (text, length) => {
      const shown = excerpt(text, length)
      expect(checkStorable(shown)).toBeNull()
      expect(shown).not.toMatch(/[\n\r\u2028\u2029]/)
      expect(shown.length).toBeLessThanOrEqual(length)
    }),
  )
})
