import fc from 'fast-check'
import { expect, test } from 'vitest'
import { open, reseal, type Sealed, seal } from '../../../src/access/envelope.ts'
import { masterKeyOf } from '../../../src/base/master-key.ts'

const [key, other] = [masterKeyOf(Buffer.alloc(32, 1)), masterKeyOf(Buffer.alloc(32, 2))]
const label = { name: 'crm', version: 3 }
const sealed = seal('the value of it', label, key)

test('what was sealed opens, whatever text it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), value => {
      expect(open(seal(value, label, key), label, key)).toBe(value)
    }),
  )
})

test('the same value is sealed differently each time', () => {
  const again = seal('the value of it', label, key)
  expect(again.value).not.toEqual(sealed.value)
  expect(again.dataKey).not.toEqual(sealed.dataKey)
})

test.each([
  ['another master key', { key: other }],
  ['another name', { label: { ...label, name: 'crn' } }],
  ['another version', { label: { ...label, version: 2 } }],
  ['a name that runs into the version', { label: { name: 'crm 3', version: 3 } }],
  ['the value as its own key', { dataKey: sealed.value }],
  ['the value of another secret', { value: seal('the value of it', label, key).value }],
])('it does not open with %s', (_, change) => {
  const tried = { ...sealed, label, key, ...change }
  expect(() => open(tried, tried.label, tried.key)).toThrow()
})

test('it does not open when any bit of it was changed, or when it was cut', () => {
  for (const part of ['value', 'dataKey'] as const) {
    for (let bit = 0; bit < sealed[part].length * 8; bit++) {
      const bytes = Buffer.from(sealed[part])
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(() => open({ ...sealed, [part]: bytes }, label, key)).toThrow()
    }
    for (let length = 0; length < sealed[part].length; length++) {
      const cut: Sealed = { ...sealed, [part]: sealed[part].subarray(0, length) }
      expect(() => open(cut, label, key)).toThrow()
    }
  }
})

test('under another master key the value stays as it was sealed, and the first key opens it no more', () => {
  const moved = reseal(sealed, label, { from: key, to: other })
  expect(moved.value).toEqual(sealed.value)
  expect(moved.keyId).toBe(other.id)
  expect(open(moved, label, other)).toBe('the value of it')
  expect(() => open(moved, label, key)).toThrow()
})
