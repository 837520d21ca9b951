// What a daemon keeps of stored secrets, and when it forgets it.
import { afterAll, beforeEach, expect, test } from 'vitest'
import { createMasterKeys, type MasterKeys, newMasterKey } from '../../../src/access/master-keys.ts'
import { deleteSecret, rotateKey, setSecret } from '../../../src/access/secrets.ts'
import { createStoredSecrets } from '../../../src/access/stored-secrets.ts'
import { type Clock, systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { createListener } from '../../../src/db/listener.ts'
import { createPool, type Pool } from '../../../src/db/pool.ts'
import { sql } from '../../../src/db/sql.ts'
import { createTestDatabase } from '../../support/database.ts'

const { pool, url } = await createTestDatabase()
beforeEach(() => pool.run(sql('test.truncate')`truncate public.secrets`).then(() => {}))

const [first, second] = [newMasterKey(), newMasterKey()]
const keys = createMasterKeys({ masterKeys: [first], dataDir: undefined })
const set = (value: string) => setSecret({ pool, keys }, { name: 'crm', value, by: 'anna' })

/** Counts what is asked of the database. */
function counting(): { pool: Pool; asked(): number } {
  let asked = 0
  const rows: Pool['rows'] = statement => {
    asked++
    return pool.rows(statement)
  }
  return { pool: { ...pool, rows }, asked: () => asked }
}

test('a value is asked for once and kept for a short time', async () => {
  await set('the first value')
  let now = 0
  const clock: Clock = { ...systemClock, monotonic: () => now }
  const counted = counting()
  const secrets = createStoredSecrets({ pool: counted.pool, keys, clock })
  expect(await Promise.all([secrets.find('crm'), secrets.find('CRM')])).toEqual(['the first value', 'the first value'])
  await set('the second value')
  now = 29_999
  expect(await secrets.find('crm')).toBe('the first value')
  expect(counted.asked()).toBe(1)
  now = 30_000
  expect(await secrets.find('crm')).toBe('the second value')
})

test('what is missing is asked for again each time', async () => {
  const secrets = createStoredSecrets({ pool, keys, clock: systemClock })
  expect(await secrets.find('crm')).toBeUndefined()
  await set('the first value')
  expect(await secrets.find('crm')).toBe('the first value')
})

test('a change that comes while a value is read is not overlooked', async () => {
  await set('the first value')
  const loading = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  const slow: Pool = {
    ...pool,
    rows: async statement => {
      const rows = await pool.rows(statement)
      loading.resolve()
      await gate.promise
      return rows as never
    },
  }
  const secrets = createStoredSecrets({ pool: slow, keys, clock: systemClock })
  const early = secrets.find('crm')
  await loading.promise
  await set('the second value')
  secrets.forget()
  gate.resolve()
  expect(await early).toBe('the first value')
  expect(await secrets.find('crm')).toBe('the second value')
})

test('a rotation between the row and its key is not an error', async () => {
  await set('the first value')
  let reads = 0
  const rotating: MasterKeys = {
    async read() {
      if (reads++ === 0)
        await rotateKey({ pool, keys: createMasterKeys({ masterKeys: [second, first], dataDir: undefined }) })
      return [second]
    },
  }
  expect(await createStoredSecrets({ pool, keys: rotating, clock: systemClock }).find('crm')).toBe('the first value')
})

test('a database that does not answer is an error that may pass, and is not remembered', async () => {
  await set('the first value')
  const gone = createPool({ url, applicationName: 'mbflow:test', max: 1, log: silentLogger })
  await gone.end()
  let down = true
  const flaky: Pool = { ...pool, rows: statement => (down ? gone : pool).rows(statement) }
  const secrets = createStoredSecrets({ pool: flaky, keys, clock: systemClock })
  await expect(secrets.find('crm')).rejects.toMatchObject({ code: 'SECRET_UNAVAILABLE' })
  down = false
  expect(await secrets.find('crm')).toBe('the first value')
})

const listener = createListener({ url, log: silentLogger })
afterAll(() => listener.stop())

test('every change of a secret is told to all daemons', async () => {
  let woken = Promise.withResolvers<void>()
  listener.on('secrets', () => woken.resolve())
  await listener.start()
  await woken.promise // listening has begun
  for (const change of [
    () => set('the first value'),
    () => rotateKey({ pool, keys }),
    () => deleteSecret(pool, 'crm'),
  ]) {
    woken = Promise.withResolvers()
    await change()
    await woken.promise
  }
})
