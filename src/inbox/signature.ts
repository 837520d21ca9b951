// Signatures over raw bytes, and secrets that are shown as they are: made, read and compared.
//
// 1. Comparing takes as long whatever differs and wherever: all candidates are looked at, and none is left early.
// 2. What is not exactly the encoding of a digest of the right length matches nothing.
import { createHash, createHmac, createSecretKey, timingSafeEqual } from 'node:crypto'

export type HashAlgorithm = 'sha1' | 'sha256' | 'sha512'

/** What was signed, piece by piece. */
export type Signed = readonly (string | Buffer)[]

export function hmac(algorithm: HashAlgorithm, key: Buffer, signed: Signed): Buffer {
  // Node takes a key object; of bytes it first finds out at length that they are none (24: 21 µs instead of 5).
  const mac = createHmac(algorithm, createSecretKey(key))
  for (const piece of signed) mac.update(piece)
  return mac.digest()
}

/** Whether any of the presented digests is any of the expected ones. */
export function anyEqual(expected: readonly Buffer[], presented: readonly Buffer[]): boolean {
  let found = 0
  for (const one of expected)
    for (const other of presented) found |= one.length === other.length && timingSafeEqual(one, other) ? 1 : 0
  return found === 1
}

/** Whether the text is any of the expected ones; their hashes are compared, so not even a length shows. */
export function anyText(expected: readonly string[], presented: string): boolean {
  return anyEqual(expected.map(sha256), [sha256(presented)])
}

/** Undefined for what is not in the encoding; both alphabets of base64 are. */
export function decodeDigest(text: string, encoding: 'hex' | 'base64'): Buffer | undefined {
  const form = encoding === 'hex' ? /^(?:[\da-f]{2})+$/i : /^[\w+/-]+={0,2}$/
  return form.test(text) ? Buffer.from(text, encoding) : undefined
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()
