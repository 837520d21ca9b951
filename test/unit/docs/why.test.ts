// docs/why-did-it-not-fire.md has every answer that explain gives.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ROOT, readPage } from './pages.ts'

/** The words of a union type, as its file spells them. */
function wordsOf(file: string, type: RegExp): string[] {
  const source = readFileSync(`${ROOT}src/trigger/${file}`, 'utf8')
  const [text = ''] = source.slice(source.search(type)).split(/\n\n|\n {2}readonly text/)
  return [...text.matchAll(/'(\w+)'/g)].map(([, word = '']) => word)
}

const tables = readPage('docs/why-did-it-not-fire.md').tables.map(({ rows }) =>
  rows.flatMap(([cell = '']) => [...cell.matchAll(/`(\w+)`/g)].map(([, word = '']) => word)).sort(),
)

test('every outcome is there, and no other', () => {
  expect(tables[0]).toEqual(wordsOf('explain.ts', /export type Outcome/).sort())
})

test('every reason is there, and no other', () => {
  const reasons = [
    ...wordsOf('explain.ts', /export type Reason/),
    ...wordsOf('ledger.ts', /export type DispositionReason/),
    ...wordsOf('no-slot.ts', /export interface NoSlot/),
  ].filter(word => word !== 'reason')
  expect(tables[1]).toEqual([...new Set(reasons)].sort())
})
