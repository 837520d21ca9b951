// UUIDv7 (RFC 9562 §5.7): 48 bits of milliseconds, a 12-bit counter that keeps ids of one process strictly increasing,
// 62 random bits. Made in the application, from database time, before any I/O.
import { hash, randomBytes } from 'node:crypto'

export interface Ids {
  /** The next id; greater than every id this source gave before. */
  next(): string
  /** The first of so many ids in a row: `countUp` makes the others of it, and no other id of this source is among them. */
  first(count: number): string
}

export function createIds(now: () => number): Ids {
  let lastMs = 0
  let time = ''
  let counter = 0
  let tails = ''
  let used = 0

  /** Counts up; beyond what a millisecond has, into the next one. */
  function count(by: number): void {
    counter += by
    if (counter <= MAX_COUNTER) return
    lastMs += Math.floor(counter / (MAX_COUNTER + 1))
    counter %= MAX_COUNTER + 1
    time = timeOf(lastMs)
  }

  function first(wanted: number): string {
    const ms = Math.floor(now())
    if (ms > lastMs) {
      lastMs = ms
      counter = 0
      time = timeOf(lastMs)
    } else count(1)
    if (used === tails.length) {
      tails = randomTails()
      used = 0
    }
    const from = used
    used += TAIL.length
    const id = time + (0x7000 + counter).toString(16) + tails.slice(from, used)
    if (wanted > 1) count(wanted - 1)
    return id
  }

  return { first, next: () => first(1) }
}

const MAX_COUNTER = 0xfff

/** Makes of an id, as 16 bytes, the one that follows it in its row. */
export function countUp(bytes: Uint8Array, at: number): void {
  const counter = (((bytes[at + 6] ?? 0) & 0x0f) << 8) + (bytes[at + 7] ?? 0) + 1
  bytes[at + 6] = 0x70 | ((counter >> 8) & 0x0f)
  bytes[at + 7] = counter & 0xff
  if (counter <= MAX_COUNTER) return
  let carried = at + 5
  while (carried > at && bytes[carried] === 0xff) bytes[carried--] = 0
  bytes[carried] = (bytes[carried] ?? 0) + 1
}

/** What follows the counter of an id. */
const TAIL = '-8000-000000000000'
const TAILS_AT_ONCE = 512

/** Made many at once: an id is then three pieces put together. */
function randomTails(): string {
  const bytes = randomBytes((TAIL.length / 2) * TAILS_AT_ONCE)
  for (let i = 0; i < bytes.length; i += TAIL.length / 2) bytes[i] = ((bytes[i] ?? 0) & 0x03) | 0x08
  const tails = Buffer.from(bytes.toString('hex'), 'latin1')
  for (let i = 0; i < tails.length; i += TAIL.length) {
    tails.write('-', i)
    tails.write('-', i + TAIL.lastIndexOf('-'))
  }
  return tails.toString('latin1')
}

function timeOf(ms: number): string {
  const hex = ms.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-`
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
