// The tokens in URLs that only those know who were given them: 192 random bits. One is found by its hash: nobody can choose
// what a hash begins with, so the time a look-up takes tells nothing of the tokens there are.
import { createHash, randomBytes } from 'node:crypto'

const BYTES = 24

export function createUrlToken(): string {
  return randomBytes(BYTES).toString('base64url')
}

/** SHA-256, hex; null for what cannot be a token, which needs no look-up. A slow hash would add nothing to random bits. */
export function hashUrlToken(token: string): string | null {
  return /^[\w-]{32}$/.test(token) ? createHash('sha256').update(token).digest('hex') : null
}
