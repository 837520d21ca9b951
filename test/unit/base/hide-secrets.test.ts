import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hideSecrets, holdsSecret } from '../../../src/base/hide-secrets.ts'

const revealed = new Map([
  ['crm', 'pa/ss+w"rd'],
  ['pem', '-----BEGIN\nxyzxyz\n-----END'],
  ['api', 'sk-1234567890'],
])

test.each([
  ['as it is', 'the key sk-1234567890, again: sk-1234567890', 'the key [secret api], again: [secret api]'],
  ['in a URL', `?p=${encodeURIComponent('pa/ss+w"rd')}`, '?p=[secret crm]'],
  ['in JSON text', JSON.stringify({ p: 'pa/ss+w"rd' }), '{"p":"[secret crm]"}'],
  ['in base64', `Basic ${Buffer.from('pa/ss+w"rd').toString('base64')}`, 'Basic [secret crm]'],
  ['in base64 for URLs', Buffer.from('sk-1234567890').toString('base64url'), '[secret api]'],
  ['in hex', `0x${Buffer.from('sk-1234567890').toString('hex')}`, '0x[secret api]'],
  ['in capital hex', Buffer.from('sk-1234567890').toString('hex').toUpperCase(), '[secret api]'],
  ['in a form', `p=${new URLSearchParams({ p: 'pa/ss+w"rd' })}`, 'p=p=[secret crm]'],
  ['in a URL with small escapes', 'pa%2fss%2bw%22rd', '[secret crm]'],
  ['in the path of a URL', new URL('https://a.b/pa/ss+w"rd').href, 'https://a.b/[secret crm]'],
  ['in JSON text that escapes slashes', '"pa\\/ss+w\\"rd"', '"[secret crm]"'],
  ['on one line', 'got -----BEGIN xyzxyz -----END', 'got [secret pem]'],
  ['cut off', 'Incorrect key: sk-12345…', 'Incorrect key: [secret api]…'],
  ['cut off somewhere', 'sk-123456… and more', '[secret api]… and more'],
  ['not at all', 'nothing to see…', 'nothing to see…'],
])('what stands there %s is hidden', (_, text, hidden) => {
  expect(hideSecrets(text, revealed)).toBe(hidden)
})

test('every text of a value is searched, its keys too, and what is no text stays', () => {
  expect(hideSecrets({ 'sk-1234567890': [1, null, true, { deep: 'is sk-1234567890' }] }, revealed)).toEqual({
    '[secret api]': [1, null, true, { deep: 'is [secret api]' }],
  })
})

test('a secret that is part of another does not show the rest of it', () => {
  const both = new Map([
    ['short', '12345678'],
    ['long', '123456789'],
  ])
  expect(hideSecrets('123456789 12345678', both)).toBe('[secret long] [secret short]')
})

test('without secrets a value is handed on as it is', () => {
  const value = { a: 1 }
  expect(hideSecrets(value, new Map())).toBe(value)
})

test('encoded in base64 together with other text, nothing of it can be decoded', () => {
  const text = fc.string({ unit: 'binary-ascii', maxLength: 9 })
  const secret = fc.string({ unit: 'binary-ascii', minLength: 8, maxLength: 40 })
  const alphabet = fc.constantFrom<BufferEncoding>('base64', 'base64url')
  fc.assert(
    fc.property(fc.record({ before: text, secret, after: text, alphabet }), ({ before, secret, after, alphabet }) => {
      const encoded = Buffer.from(`${before}${secret}${after}`).toString(alphabet)
      const hidden = hideSecrets(encoded, new Map([['it', secret]]))
      expect(hidden).toContain('[secret it]')
      // What is left of the edges holds no whole byte of it.
      const left = hidden.replace(/=+$/, '').length - '[secret it]'.length
      expect(left).toBeLessThanOrEqual(Math.ceil(((before.length + after.length) * 8) / 6) + 2)
    }),
  )
})

test('whether a text holds a secret is told in every form of it', () => {
  expect(holdsSecret(`Basic ${Buffer.from('bob:sk-1234567890').toString('base64')}`, revealed)).toBe(true)
  expect(holdsSecret('nothing to see', revealed)).toBe(false)
})
