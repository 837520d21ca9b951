import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createMasterKeys, newMasterKey } from '../../../src/access/master-keys.ts'

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mbflow-keys-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

test('configured keys go before those of a file, and are not to be replaced here', async () => {
  const dataDir = await makeFolder()
  const configured = [newMasterKey()]
  await createMasterKeys({ masterKeys: undefined, dataDir }).file?.keep([newMasterKey()])
  const keys = createMasterKeys({ masterKeys: configured, dataDir })
  expect(await keys.read()).toEqual(configured)
  expect(keys.file).toBeUndefined()
})

test('a server of the user has no keys unless they are configured', async () => {
  const keys = createMasterKeys({ masterKeys: undefined, dataDir: undefined })
  expect(await keys.read()).toEqual([])
  expect(keys.file).toBeUndefined()
})

test('kept keys are read by the next reader, in their order, from a file that only its owner may read', async () => {
  const dataDir = await makeFolder()
  const keys = createMasterKeys({ masterKeys: undefined, dataDir })
  expect(await keys.read()).toEqual([])
  const two = [newMasterKey(), newMasterKey()]
  await writeFile(join(dataDir, 'master-key.new'), 'left behind', { mode: 0o666 })
  await keys.file?.keep(two)
  const read = await createMasterKeys({ masterKeys: undefined, dataDir }).read()
  expect(read.map(({ id }) => id)).toEqual(two.map(({ id }) => id))
  expect((await stat(join(dataDir, 'master-key'))).mode & 0o777).toBe(0o600)
})

test('a file that holds something else is an error, not an absence', async () => {
  const dataDir = await makeFolder()
  await writeFile(join(dataDir, 'master-key'), 'not a key')
  await expect(createMasterKeys({ masterKeys: undefined, dataDir }).read()).rejects.toMatchObject({
    code: 'MASTER_KEY_WRONG',
    message: `${dataDir}/master-key holds something else than master keys`,
  })
})
