// Our slots against PostgreSQL's clock, in a sample of zones and years; all of them: `npm run test:cron-oracle`. The years
// are over: of years to come Node's copy of the IANA rules and PostgreSQL's may know different things.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { changesOf, compare } from '../../support/compare-slots.ts'
import { bySeconds, byTheDay, byTheMinute } from '../../support/cron-arbitraries.ts'
import { createTestDatabase } from '../../support/database.ts'

const HOUR = 3_600_000

const { pool } = await createTestDatabase({ empty: true })

const SAMPLE = [
  'Africa/Cairo',
  'Africa/Casablanca',
  'America/New_York',
  'America/Santiago',
  'America/Scoresbysund',
  'America/St_Johns',
  'Antarctica/Troll',
  'Asia/Beirut',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Europe/London',
  'Pacific/Chatham',
]

/** A few zones by the second, because that is a lot of seconds. */
const BY_SECONDS = ['America/Santiago', 'Antarctica/Troll', 'Australia/Lord_Howe', 'Europe/London']

test.each(SAMPLE)('slots are those of the wall clock in %s', async timezone => {
  const changes = changesOf(timezone, { from: Date.UTC(2020, 0, 1), until: Date.UTC(2026, 0, 1) })
  const windows = changes.map(at => ({ from: at - 4 * HOUR, until: at + 4 * HOUR }))
  const query = { timezone, windows, schedules: fc.sample(byTheMinute, 40), step: 60 }
  expect((await compare(pool, query)).differences).toEqual([])
})

test.each(BY_SECONDS)('slots with seconds are those of the wall clock in %s', async timezone => {
  const changes = changesOf(timezone, { from: Date.UTC(2024, 0, 1), until: Date.UTC(2025, 0, 1) })
  const windows = changes.map(at => ({ from: at - 2 * HOUR, until: at + 2 * HOUR }))
  const query = { timezone, windows, schedules: fc.sample(bySeconds, 10), step: 1 }
  expect((await compare(pool, query)).differences).toEqual([])
})

test('days are those of the calendar', async () => {
  const windows = [{ from: Date.UTC(2020, 0, 1), until: Date.UTC(2030, 0, 1) }]
  const query = { timezone: 'UTC', windows, schedules: fc.sample(byTheDay, 20), step: 3_600 }
  expect((await compare(pool, query)).differences).toEqual([])
})
