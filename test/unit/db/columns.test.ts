import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { uuidRuns, uuids } from '../../../src/db/columns.ts'

/** The ids of a column in PostgreSQL's binary form. */
function read(column: Buffer): (string | null)[] {
  const ids: (string | null)[] = []
  let at = 20
  while (at < column.length) {
    const length = column.readInt32BE(at)
    at += 4
    if (length > 0) expect(length).toBe(16)
    ids.push(length < 0 ? null : column.toString('hex', at, at + length))
    at += Math.max(0, length)
  }
  expect(column.readInt32BE(4)).toBe(ids.includes(null) ? 1 : 0)
  expect(column.readInt32BE(12)).toBe(ids.length)
  return ids
}

test('a column of ids holds each of them, in whatever case it was written, and what is absent as null', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.uuid())), ids => {
      const hex = ids.map(id => id?.replaceAll('-', '') ?? null)
      expect(read(uuids(ids))).toEqual(hex)
      expect(read(uuids(ids.map(id => id?.toUpperCase())))).toEqual(hex)
    }),
  )
})

test('in runs an id comes as often as its run is long, or counted up', () => {
  const [a, b] = ['019b7c2e-1c8e-7000-8000-00000000000a', '019b7c2e-1c8e-7123-8000-00000000000b']
  const lengthOf = (i: number): number => [3, 0, 1][i] ?? 0
  const [hexA, hexB] = ['019b7c2e1c8e7000800000000000000a', '019b7c2e1c8e7123800000000000000b']
  expect(read(uuidRuns([a, b, b], lengthOf))).toEqual([hexA, hexA, hexA, hexB])
  expect(read(uuidRuns([a, b, b], lengthOf, true))).toEqual([
    hexA,
    '019b7c2e1c8e7001800000000000000a',
    '019b7c2e1c8e7002800000000000000a',
    hexB,
  ])
})

test.each([
  ['nothing', ''],
  ['a word', 'completed'],
  ['a letter that is no digit', '019b7c2e-1c8e-7000-8000-00000000000g'],
  ['a letter beyond ASCII', '019b7c2e-1c8e-7000-8000-00000000000é'],
  ['a digit too many', `${randomUUID()}0`],
  ['a digit too few', randomUUID().slice(1)],
  ['no hyphens, but as long', '019b7c2e1c8e700080000000000000000000'],
])('%s is not taken for an id', (_, text) => {
  expect(() => uuids([text])).toThrow(`not a UUID: ${text}`)
})
