import { expect, test } from 'vitest'
import { createTestDatabase } from '../../support/database.ts'
import { select } from './rows.ts'

const { pool } = await createTestDatabase()

const made = await select(
  pool,
  `select mbflow_uuid()::text as id, extract(epoch from clock_timestamp())::float8 * 1000 as after_ms
   from generate_series(1, 2000)`,
)
const ids = made.map(({ id }) => String(id))

test('a default id is a UUID of version 7 and the standard variant', () => {
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})

test('default ids are unique', () => {
  expect(new Set(ids).size).toBe(ids.length)
})

test('it begins with the millisecond it was made in', () => {
  for (const { id, after_ms } of made) {
    const ms = Number.parseInt(String(id).replace('-', '').slice(0, 12), 16)
    const age = Number(after_ms) - ms
    expect(age).toBeGreaterThanOrEqual(0)
    expect(age).toBeLessThan(1_000)
  }
})

test('ids made later never sort before ids made earlier', () => {
  const instants = ids.map(id => id.slice(0, 18)) // 48 bits of milliseconds, 12 of their fraction
  expect(instants).toEqual([...instants].sort())
})

test.each(['2026-11-01 00:00:00+00', '2026-11-01 00:00:00.000499+00', '2026-11-01 00:00:00.000999+00'])(
  'no id made at %s is below the bound of that instant',
  async instant => {
    const [row] = await select(pool, `select mbflow_uuid_at($1)::text as bound`, [instant])
    const hex = Date.UTC(2026, 10, 1).toString(16).padStart(12, '0')
    expect(row?.bound).toBe(`${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`)
  },
)
