// How values that PostgreSQL sends become ours: as pg reads them, but for two.
import pg from 'pg'
import { createLru } from '../base/lru.ts'

const INT8 = 20
const TIMESTAMPTZ = 1184

const readInstant: (text: string) => Date | number = pg.types.getTypeParser(TIMESTAMPTZ)
/** Epoch milliseconds by their text: to read one takes a microsecond, and in the rows of an answer there are few. */
const readLast = createLru<string, number>(16)

/** A Date of its own each time, for a Date can be changed; a number for `infinity`. */
function instantOf(text: string): Date | number {
  const known = readLast.get(text)
  if (known !== undefined) return new Date(known)
  const instant = readInstant(text)
  if (instant instanceof Date) readLast.set(text, instant.getTime())
  return instant
}

const ours: ReadonlyMap<number, (text: string) => unknown> = new Map<number, (text: string) => unknown>([
  // Counts and sequences of ours stay far below 2^53.
  [INT8, Number],
  [TIMESTAMPTZ, instantOf],
])

/** For pg's `types`. */
export const readers = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    (format === 'binary' ? undefined : ours.get(oid)) ??
    pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
}
