import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { createListener, notify } from '../../../src/db/listener.ts'
import { createTestDatabase } from '../../support/database.ts'

const { pool, url } = await createTestDatabase({ empty: true })

/** Listens, and tells of each wake-up; without pauses between two connections. */
async function listen() {
  const told: string[] = []
  const log = pino({ level: 'warn' }, { write: (line: string) => void told.push(JSON.parse(line).evt) })
  const listener = createListener({ url, log, clock: { ...systemClock, sleep: async () => {} } })
  let next = Promise.withResolvers<void>()
  const woken = (): Promise<void> => next.promise
  listener.on('jobs', () => {
    next.resolve()
    next = Promise.withResolvers()
  })
  const connected = woken()
  await listener.start()
  onTestFinished(listener.stop)
  await connected
  return { told, woken }
}

test('whoever listens to a topic is woken by it', async () => {
  const { woken } = await listen()
  const heard = woken()
  await notify(pool, 'jobs')
  await heard
})

test('a connection that is lost is told of once and made again, and what was missed wakes', async () => {
  const { told, woken } = await listen()
  const again = woken()
  await pool.executeSql(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'mbflow:listen' and datname = current_database()",
  )
  await again
  expect(told).toEqual(['db.listener_lost'])
})
