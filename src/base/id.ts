// UUIDv7 (RFC 9562 §5.7): 48 bits of milliseconds, a 12-bit counter that keeps ids of one process strictly increasing,
// 62 random bits. Made in the application, from database time, before any I/O.
import { hash, randomFillSync } from 'node:crypto'

export interface Ids {
  /** The next id; greater than every id this source gave before. */
  next(): string
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const hex = (byte: number): string => HEX[byte] as string

export function createIds(now: () => number): Ids {
  const pool = new Uint8Array(8 * 512)
  let used = pool.length
  let lastMs = 0
  let counter = 0

  return {
    next() {
      const ms = Math.floor(now())
      if (ms > lastMs) {
        lastMs = ms
        counter = 0
      } else if (++counter > 0xfff) {
        lastMs++
        counter = 0
      }
      if (used === pool.length) {
        randomFillSync(pool)
        used = 0
      }
      used += 8
      return format(lastMs, counter, pool.subarray(used - 8, used))
    },
  }
}

function format(ms: number, counter: number, random: Uint8Array): string {
  const time = ms.toString(16).padStart(12, '0')
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = random
  return (
    `${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, '0')}-` +
    `${hex((a & 0x3f) | 0x80)}${hex(b)}-${hex(c)}${hex(d)}${hex(e)}${hex(f)}${hex(g)}${hex(h)}`
  )
}

/**
 * An id that follows from another and a name: the time half of `base`, so that the two lie side by side in an index, and
 * a hash of both. The same in every process and for ever.
 */
export function deriveId(base: string, name: string): string {
  const digest = hash('sha256', base + name, 'hex')
  const variant = hex((Number.parseInt(digest.slice(0, 2), 16) & 0x3f) | 0x80)
  return `${base.slice(0, 19)}${variant}${digest.slice(2, 4)}-${digest.slice(4, 16)}`
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export function isUuid(text: string): boolean {
  return UUID.test(text)
}
