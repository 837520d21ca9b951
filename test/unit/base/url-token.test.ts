import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { createUrlToken, hashUrlToken } from '../../../src/base/url-token.ts'

test('a token holds 192 random bits and needs no escape in a URL', () => {
  const tokens = Array.from({ length: 1_000 }, createUrlToken)
  expect(new Set(tokens).size).toBe(1_000)
  for (const token of tokens) {
    expect(Buffer.from(token, 'base64url')).toHaveLength(24)
    expect(encodeURIComponent(token)).toBe(token)
  }
})

test('what is kept of a token is its hash', () => {
  const token = createUrlToken()
  expect(hashUrlToken(token)).toEqual(createHash('sha256').update(token).digest('hex'))
})

test.each(['', 'a', 'a'.repeat(31), 'a'.repeat(33), `${'a'.repeat(31)}=`, `${'a'.repeat(31)}/`, `${'a'.repeat(32)}\n`])(
  '%j cannot be a token',
  text => {
    expect(hashUrlToken(text)).toBeNull()
  },
)
