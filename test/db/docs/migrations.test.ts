// migrations/README.md: its queries run, its tables and events are those there are.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createTestDatabase } from '../../support/database.ts'
import { ROOT, readPage } from '../../unit/docs/pages.ts'

const { pool } = await createTestDatabase()
const page = readPage('migrations/README.md')
const named = (heading: string): string[] =>
  page.tables
    .filter(table => table.heading === heading)
    .flatMap(({ rows }) => rows.flatMap(([cell = '']) => cell.match(/(?<=`)\w+(?=`)/g) ?? []))
const queries = page.blocks.filter(({ info }) => info === 'sql').flatMap(({ text }) => text.split('\n\n'))

test.each(queries)('%s', async query => {
  await expect(pool.executeSql(query)).resolves.toBeDefined()
})

test('every table is listed, and no other', async () => {
  const { rows } = await pool.executeSql(
    "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition",
  )
  expect(named('Tables').sort()).toEqual((rows as { relname: string }[]).map(({ relname }) => relname).sort())
})

test('every event is listed, and no other', () => {
  const vocabulary = readFileSync(`${ROOT}src/event/event.ts`, 'utf8')
  const events = vocabulary.match(/(?<=readonly type: ')\w+(?=')/g) ?? []
  expect(named('Events').sort()).toEqual([...events].sort())
})
