// UUIDv7 (RFC 9562 §5.7): 48 bits of milliseconds, a 12-bit counter that keeps ids of one process strictly increasing,
// 62 random bits. Made in the application, from database time, before any I/O.
import { hash, randomBytes } from 'node:crypto'

export interface Ids {
  /** The next id; greater than every id this source gave before. */
  next(): string
}

export function createIds(now: () => number): Ids {
  let random = ''
  let used = 0
  let lastMs = 0
  let counter = 0
  let time = ''

  return {
    next() {
      const ms = Math.floor(now())
      if (ms > lastMs) {
        lastMs = ms
        counter = 0
        time = timeOf(lastMs)
      } else if (++counter > 0xfff) {
        counter = 0
        time = timeOf(++lastMs)
      }
      if (used === random.length) {
        random = randomBytes(RANDOM_BYTES * 512).toString('hex')
        used = 0
      }
      const from = used
      used += RANDOM_BYTES * 2
      return (
        `${time}-7${counter.toString(16).padStart(3, '0')}-` +
        `${variant(random.slice(from, from + 2))}${random.slice(from + 2, from + 4)}-${random.slice(from + 4, used)}`
      )
    },
  }
}

/** Of an id: 62 bits and the variant. */
const RANDOM_BYTES = 8

function timeOf(ms: number): string {
  const hex = ms.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}`
}

/** A byte in hex with its first two bits made those of RFC 9562. */
function variant(byte: string): string {
  return ((Number.parseInt(byte, 16) & 0x3f) | 0x80).toString(16)
}

/**
 * An id that follows from another and a name: the time half of `base`, so that the two lie side by side in an index, and
 * a hash of both. The same in every process and for ever.
 */
export function deriveId(base: string, name: string): string {
  const digest = hash('sha256', base + name, 'hex')
  return `${base.slice(0, 19)}${variant(digest.slice(0, 2))}${digest.slice(2, 4)}-${digest.slice(4, 16)}`
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export function isUuid(text: string): boolean {
  return UUID.test(text)
}
