// Where master keys come from: the configuration, or, beside the data of an embedded PostgreSQL, a file that is made when
// the first secret is stored. The file is read anew each time, since another process may have made or replaced it.
import { randomBytes } from 'node:crypto'
import { open, readFile, rename } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { MbflowError, systemCode } from '../base/errors.ts'
import { type MasterKey, masterKeyOf, readMasterKeys } from '../base/master-key.ts'

export interface MasterKeys {
  /** The newest first, which seals; all of them open. */
  read(): Promise<readonly MasterKey[]>
  /** Where to keep others instead; undefined where they are the operator's. */
  readonly file?: KeyFile
}

export interface KeyFile {
  readonly path: string
  /** Replaces the keys, durably: nothing may be sealed with a key that a power failure could take. */
  keep(keys: readonly MasterKey[]): Promise<void>
}

export interface KeyPlaces {
  /** As configured. */
  readonly masterKeys: readonly MasterKey[] | undefined
  /** That of the embedded PostgreSQL. */
  readonly dataDir: string | undefined
}

export function createMasterKeys({ masterKeys, dataDir }: KeyPlaces): MasterKeys {
  if (masterKeys !== undefined || dataDir === undefined) return { read: async () => masterKeys ?? [] }
  const folder = resolve(dataDir)
  const path = join(folder, 'master-key')
  return { read: () => readKeyFile(path), file: { path, keep: keys => writeKeyFile({ folder, path }, keys) } }
}

export function newMasterKey(): MasterKey {
  return masterKeyOf(randomBytes(32))
}

async function readKeyFile(path: string): Promise<readonly MasterKey[]> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return []
    throw new MbflowError('MASTER_KEY_MISSING', `the master key in ${path} cannot be read`, {
      cause: error,
      hint: 'run this as the user the file belongs to',
    })
  }
  const keys = readMasterKeys(text)
  if (keys !== null) return keys
  throw new MbflowError('MASTER_KEY_WRONG', `${path} holds something else than master keys`, {
    hint: 'put back the file that was there',
  })
}

async function writeKeyFile(
  { folder, path }: Record<'folder' | 'path', string>,
  keys: readonly MasterKey[],
): Promise<void> {
  const draft = `${path}.new`
  const text = keys.map(({ bytes }) => `${Buffer.from(bytes).toString('base64')}\n`).join('')
  const file = await open(draft, 'w', 0o600)
  try {
    await file.chmod(0o600) // also a draft that was left behind
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
  const directory = await open(folder)
  await directory.sync().finally(() => directory.close())
}
