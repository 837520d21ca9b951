import { expect, test } from 'vitest'
import { masterKeyOf, readMasterKeys } from '../../../src/base/master-key.ts'

const [a, b] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
const [A, B] = [masterKeyOf(a), masterKeyOf(b)]

test.each([
  ['in base64', a.toString('base64'), [A]],
  ['in base64 for URLs', a.toString('base64url'), [A]],
  ['in hex', a.toString('hex').toUpperCase(), [A]],
  ['one per line', `${b.toString('base64')}\r\n${a.toString('hex')}\n`, [B, A]],
  ['in a list', `${b.toString('base64')}, ${a.toString('base64')}`, [B, A]],
])('keys %s are read in their order', (_, text, keys) => {
  expect(readMasterKeys(text)).toEqual(keys)
})

test.each([
  ['nothing', ' \n'],
  ['a password', 'correct horse battery staple'],
  ['31 bytes', Buffer.alloc(31).toString('base64')],
  ['33 bytes', Buffer.alloc(33).toString('base64')],
  ['a key and something else', `${a.toString('base64')} x`],
])('%s is no key', (_, text) => {
  expect(readMasterKeys(text)).toBeNull()
})

test('the id of a key tells keys apart and is not a part of the key', () => {
  expect(A.id).toMatch(/^[0-9a-f]{16}$/)
  expect(A.id).not.toBe(B.id)
  expect(a.toString('hex')).not.toContain(A.id)
})
