// Stored secrets: set, listed, deleted, and resealed with another master key. Nothing here gives out a value.
//
// 1. What changes secrets holds the lock on all of them before it reads the master keys: none is sealed with a key that
//    a rotation is about to drop.
// 2. Daemons are told of each change with its commit.
import { MbflowError } from '../base/errors.ts'
import type { MasterKey } from '../base/master-key.ts'
import { nearMiss } from '../base/near-miss.ts'
import { isSecretName, MIN_SECRET_LENGTH } from '../base/secrets.ts'
import { notify } from '../db/listener.ts'
import type { Pool, Tx } from '../db/pool.ts'
import { reseal, seal } from './envelope.ts'
import { type MasterKeys, newMasterKey } from './master-keys.ts'
import { keyMissing, keyWrong } from './sealing-failures.ts'
import {
  dropSecret,
  listSecrets as listStored,
  loadSecret,
  loadSecrets,
  lockSecrets,
  type StoredLine,
  type StoredSecret,
  saveDataKey,
  saveSecret,
} from './secret-store.ts'

export interface SecretDeps {
  readonly pool: Pool
  readonly keys: MasterKeys
}

export interface NewSecret {
  readonly name: string
  readonly value: string
  /** Who sets it. */
  readonly by: string
}

const MAX_SECRET_BYTES = 65_536

/** Throws SECRET_INVALID, MASTER_KEY_MISSING, MASTER_KEY_WRONG. The first secret beside an embedded PostgreSQL makes its key. */
export async function setSecret(
  { pool, keys }: SecretDeps,
  { name, value, by }: NewSecret,
): Promise<{ name: string; version: number }> {
  if (!isSecretName(name)) {
    throw new MbflowError('SECRET_INVALID', 'the name of a secret is a letter and up to 63 letters, digits and _', {
      hint: 'the value is read from the terminal or from standard input, never from the command line',
    })
  }
  const bytes = Buffer.byteLength(value)
  if (value.length < MIN_SECRET_LENGTH || bytes > MAX_SECRET_BYTES) {
    const found = value === '' ? 'nothing was given' : `this one has ${value.length} characters`
    const limits = `at least ${MIN_SECRET_LENGTH} characters and at most ${MAX_SECRET_BYTES} bytes`
    throw new MbflowError('SECRET_INVALID', `the value of a secret has ${limits}; ${found}`)
  }
  return pool.transaction(async tx => {
    await lockSecrets(tx)
    const key = await sealingKey(tx, keys)
    const label = { name: storedName(name), version: ((await loadSecret(tx, storedName(name)))?.version ?? 0) + 1 }
    await saveSecret(tx, { ...label, ...seal(value, label, key) }, by)
    await notify(tx, 'secrets')
    return label
  })
}

/** Names are the same in capitals and small letters, as variables have them. */
export function storedName(name: string): string {
  return name.toLowerCase()
}

export interface ListedSecret extends StoredLine {
  readonly key: KeyState
}

/** `current`: sealed with the newest key; `old`: with one of the others; `missing`: the key is not here. */
export type KeyState = 'current' | 'old' | 'missing'

export async function listSecrets({ pool, keys }: SecretDeps): Promise<ListedSecret[]> {
  const [stored, here] = await Promise.all([listStored(pool), keys.read()])
  const stateOf = (keyId: string): KeyState => {
    const index = here.findIndex(({ id }) => id === keyId)
    return index === 0 ? 'current' : index > 0 ? 'old' : 'missing'
  }
  return stored.map(secret => ({ ...secret, key: stateOf(secret.keyId) }))
}

/** Throws SECRET_NOT_FOUND. */
export function deleteSecret(pool: Pool, name: string): Promise<void> {
  return pool.transaction(async tx => {
    await lockSecrets(tx)
    if (!(await dropSecret(tx, storedName(name)))) {
      const meant = nearMiss(
        name,
        (await listStored(tx)).map(one => one.name),
      )
      throw new MbflowError('SECRET_NOT_FOUND', `no secret ${name} is stored`, {
        hint: meant === undefined ? 'mbflow secret list shows them all' : `did you mean ${meant}?`,
      })
    }
    await notify(tx, 'secrets')
  })
}

export interface Rotation {
  /** The key that seals all secrets now. */
  readonly keyId: string
  readonly resealed: number
  /** The file that holds it, if it was made here. */
  readonly file: string | undefined
}

/**
 * Seals every secret with the newest master key, which is made here where keys are ours. All or nothing. Throws
 * MASTER_KEY_MISSING, MASTER_KEY_WRONG.
 */
export async function rotateKey({ pool, keys }: SecretDeps): Promise<Rotation> {
  const { to, resealed } = await pool.transaction(async tx => {
    await lockSecrets(tx)
    const known = await keys.read()
    const to = keys.file === undefined ? known[0] : newMasterKey()
    const stored = await loadSecrets(tx)
    if (to === undefined || (known.length === 0 && stored.length > 0)) throw keyMissing(keys.file?.path)
    const stale = stored.filter(({ keyId }) => keyId !== to.id)
    const fresh = stale.map(secret => resealOne(secret, known, to))
    await keys.file?.keep([to, ...known]) // both, until no row needs the old ones
    for (const secret of fresh) await saveDataKey(tx, secret)
    await notify(tx, 'secrets')
    return { to, resealed: fresh.length }
  })
  await keys.file?.keep([to])
  return { keyId: to.id, resealed, file: keys.file?.path }
}

function resealOne(secret: StoredSecret, known: readonly MasterKey[], to: MasterKey): StoredSecret {
  const from = known.find(({ id }) => id === secret.keyId)
  if (from === undefined) throw keyWrong(secret, known)
  try {
    return { ...secret, ...reseal(secret, secret, { from, to }) }
  } catch {
    throw keyWrong(secret, known)
  }
}

async function sealingKey(tx: Tx, { read, file }: MasterKeys): Promise<MasterKey> {
  const [newest] = await read()
  if (newest !== undefined) return newest
  if (file === undefined || (await listStored(tx)).length > 0) throw keyMissing(file?.path)
  const made = newMasterKey()
  await file.keep([made])
  return made
}
