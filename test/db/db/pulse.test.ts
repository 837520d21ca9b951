// One question for all that wait for work.
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/log.ts'
import type { Pool } from '../../../src/db/pool.ts'
import { createPulse, type Pulsed } from '../../../src/db/pulse.ts'
import { constant, type Fragment } from '../../../src/db/sql.ts'
import { createTestDatabase } from '../../support/database.ts'

/** Somebody who waits; `woken` resolves when the pulse wakes it. */
function waiter(dueIn: Fragment): Pulsed & { woken: Promise<void>; times(): number } {
  const { promise: woken, resolve } = Promise.withResolvers<void>()
  let times = 0
  const wake = (): void => {
    times++
    resolve()
  }
  return { question: { dueIn, wake }, woken, times: () => times }
}

async function pulse(pool: Pool, pollInterval: number, pulsed: readonly Pulsed[]): Promise<void> {
  const loop = createPulse({ pool, clock: systemClock, log: silentLogger, pollInterval }, pulsed)
  await loop.start()
  onTestFinished(() => loop.stop())
}

test('who has something to do is woken, and nobody else', async () => {
  const { pool } = await createTestDatabase()
  const idle = waiter(constant`(select null)`)
  const later = waiter(constant`60000`)
  const overdue = waiter(constant`-5`)
  const now = waiter(constant`(select 0 where exists (select 1))`)
  await pulse(pool, 60_000, [idle, later, overdue, now])
  await Promise.all([overdue.woken, now.woken])
  expect([idle.times(), later.times()]).toEqual([0, 0])
})

test('what is due before the next question is waited for', async () => {
  const { pool } = await createTestDatabase()
  await pool.executeSql("create table public.soon as select clock_timestamp() + interval '100 ms' as at")
  const soon = waiter(constant`(select extract(epoch from at - clock_timestamp()) * 1000 from public.soon)`)
  await pulse(pool, 60_000, [soon])
  await soon.woken
})
