// The token in the URL of a hook: 192 random bits. Only its hash is kept, so who reads the database cannot call hooks; a
// hook is found by the hash, and nobody can choose what a hash begins with, so the time that takes tells nothing.
import { createHash, randomBytes } from 'node:crypto'

const BYTES = 24

export function createHookToken(): string {
  return randomBytes(BYTES).toString('base64url')
}

/** SHA-256; null for what cannot be a token, which needs no look-up. A slow hash would add nothing to random bits. */
export function hashHookToken(token: string): Buffer | null {
  return /^[\w-]{32}$/.test(token) ? createHash('sha256').update(token).digest() : null
}
