// Stored secrets on a real database: what is stored, who can open it, and what a change of keys does.
import { beforeEach, expect, test } from 'vitest'
import { createMasterKeys, type MasterKeys, newMasterKey } from '../../../src/access/master-keys.ts'
import { deleteSecret, listSecrets, rotateKey, setSecret } from '../../../src/access/secrets.ts'
import { createStoredSecrets } from '../../../src/access/stored-secrets.ts'
import { systemClock } from '../../../src/base/clock.ts'
import type { MasterKey } from '../../../src/base/master-key.ts'
import { sql } from '../../../src/db/sql.ts'
import { createTestDatabase } from '../../support/database.ts'
import { select } from '../schema/rows.ts'

const { pool } = await createTestDatabase()
beforeEach(() => pool.run(sql('test.truncate')`truncate public.secrets`).then(() => {}))

const CANARY = 'sk-canary-5d1c7e90'
const [first, second] = [newMasterKey(), newMasterKey()]
const configured = (...keys: readonly MasterKey[]): MasterKeys =>
  createMasterKeys({ masterKeys: keys.length === 0 ? undefined : keys, dataDir: undefined })

const set = (keys: MasterKeys, name: string, value = CANARY) => setSecret({ pool, keys }, { name, value, by: 'anna' })
const find = (keys: MasterKeys, name: string) => createStoredSecrets({ pool, keys, clock: systemClock }).find(name)

/** Keys in a file that only this test has. */
function keyFile(...kept: MasterKey[]): MasterKeys & { kept: readonly MasterKey[] } {
  const held = { kept: kept as readonly MasterKey[] }
  const keep = async (keys: readonly MasterKey[]): Promise<void> => {
    held.kept = keys
  }
  return Object.assign(held, { read: async () => held.kept, file: { path: '/data/master-key', keep } })
}

test('a secret that was set is found by its name, in capitals or small letters', async () => {
  await set(configured(first), 'CRM')
  expect(await find(configured(first), 'crm')).toBe(CANARY)
  expect(await find(configured(first), 'Crm')).toBe(CANARY)
  expect(await find(configured(first), 'other')).toBeUndefined()
})

test('its value is nowhere in the database', async () => {
  await set(configured(first), 'crm')
  const [row] = await select(
    pool,
    `select encode(value, 'escape') || encode(data_key, 'escape') || t::text as row from secrets t`,
  )
  expect(row?.row).not.toContain(CANARY)
})

test('setting it again replaces it, as the next version', async () => {
  expect(await set(configured(first), 'crm')).toEqual({ name: 'crm', version: 1 })
  expect(await set(configured(first), 'crm', 'another one')).toEqual({ name: 'crm', version: 2 })
  expect(await find(configured(first), 'crm')).toBe('another one')
})

test('the list says when and by whom each was set, and whether its key is here', async () => {
  await set(configured(first), 'crm')
  await set(configured(second), 'api')
  const listed = await listSecrets({ pool, keys: configured(second, first) })
  expect(listed).toMatchObject([
    { name: 'api', version: 1, updatedBy: 'anna', key: 'current', updatedAt: expect.any(Date) },
    { name: 'crm', version: 1, updatedBy: 'anna', key: 'old' },
  ])
  expect((await listSecrets({ pool, keys: configured(second) })).map(({ key }) => key)).toEqual(['current', 'missing'])
})

test.each([
  ['a name with a blank', 'a b', CANARY],
  ['a name that is too long', 'a'.repeat(65), CANARY],
  ['an empty value', 'crm', ''],
  ['a value that is too short', 'crm', '1234567'],
  ['a value that is too long', 'crm', 'ü'.repeat(32_769)],
])('%s is refused', async (_, name, value) => {
  await expect(set(configured(first), name, value)).rejects.toMatchObject({ code: 'SECRET_INVALID' })
  expect(await listSecrets({ pool, keys: configured() })).toEqual([])
})

test('without a master key nothing is stored, and what is stored is locked', async () => {
  await expect(set(configured(), 'crm')).rejects.toMatchObject({
    code: 'MASTER_KEY_MISSING',
    hint: expect.stringContaining('MBFLOW_MASTER_KEY'),
  })
  await set(configured(first), 'crm')
  await expect(find(configured(), 'crm')).rejects.toMatchObject({ code: 'SECRET_LOCKED' })
})

test('with another master key it is locked, and the message names the key that is wanted', async () => {
  await set(configured(first), 'crm')
  await expect(find(configured(second), 'crm')).rejects.toMatchObject({
    code: 'SECRET_LOCKED',
    message: expect.stringContaining(`crm was sealed with the master key ${first.id}, which is not here`),
  })
})

test('a row that was put under another name does not open', async () => {
  await set(configured(first), 'crm')
  await pool.run(sql('test.rename')`update public.secrets set name = 'api'`)
  await expect(find(configured(first), 'api')).rejects.toMatchObject({
    code: 'SECRET_LOCKED',
    message: expect.stringContaining('api was altered in the database'),
  })
})

test('a deleted secret is gone, and deleting what is not there is an error that guesses', async () => {
  await set(configured(first), 'crm')
  await expect(deleteSecret(pool, 'crn')).rejects.toMatchObject({ code: 'SECRET_NOT_FOUND', hint: 'did you mean crm?' })
  await deleteSecret(pool, 'CRM')
  expect(await find(configured(first), 'crm')).toBeUndefined()
})

test('a rotation seals everything with the newest key, and changes neither values nor who set them', async () => {
  await set(configured(first), 'crm')
  await set(configured(second), 'api')
  const before = await select(pool, 'select name, value, version, updated_by, updated_at from secrets order by name')
  expect(await rotateKey({ pool, keys: configured(second, first) })).toEqual({
    keyId: second.id,
    resealed: 1,
    file: undefined,
  })
  expect(await select(pool, 'select name, value, version, updated_by, updated_at from secrets order by name')).toEqual(
    before,
  )
  expect(await find(configured(second), 'crm')).toBe(CANARY)
  await expect(find(configured(first), 'crm')).rejects.toMatchObject({ code: 'SECRET_LOCKED' })
})

test('a rotation that cannot open one secret changes none', async () => {
  await set(configured(first), 'api')
  await set(configured(newMasterKey()), 'crm')
  await expect(rotateKey({ pool, keys: configured(second, first) })).rejects.toMatchObject({ code: 'MASTER_KEY_WRONG' })
  expect(await find(configured(first), 'api')).toBe(CANARY)
})

test('beside an embedded PostgreSQL the first secret makes the key, and the next ones use it', async () => {
  const keys = keyFile()
  await Promise.all([set(keys, 'crm'), set(keys, 'api')])
  expect(keys.kept).toHaveLength(1)
  expect(await find(keys, 'crm')).toBe(CANARY)
  expect(await find(keys, 'api')).toBe(CANARY)
})

test('a key file that is gone is not replaced while there is something that it sealed', async () => {
  await set(configured(first), 'crm')
  const keys = keyFile()
  const gone = { code: 'MASTER_KEY_MISSING', message: expect.stringContaining('/data/master-key') }
  await expect(set(keys, 'api')).rejects.toMatchObject(gone)
  await expect(rotateKey({ pool, keys })).rejects.toMatchObject(gone)
  expect(keys.kept).toEqual([])
})

test('beside an embedded PostgreSQL a rotation makes the new key, and the old one goes', async () => {
  const keys = keyFile(first)
  await set(keys, 'crm')
  expect(await rotateKey({ pool, keys })).toMatchObject({ resealed: 1, file: '/data/master-key' })
  expect(keys.kept).toHaveLength(1)
  expect(keys.kept).not.toContain(first)
  expect(await find(keys, 'crm')).toBe(CANARY)
})

test('secrets set during rotations are open afterwards', async () => {
  const keys = keyFile(first)
  const names = Array.from({ length: 8 }, (_, i) => `s${i}`)
  await Promise.all([...names.map(name => set(keys, name)), rotateKey({ pool, keys }), rotateKey({ pool, keys })])
  expect(await Promise.all(names.map(name => find(keys, name)))).toEqual(names.map(() => CANARY))
})
