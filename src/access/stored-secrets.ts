// The stored secrets as a daemon asks for them. Values are kept for a short time, and forgotten at once when any process
// changes a secret; a lost notification costs that time.
import type { Clock } from '../base/clock.ts'
import { MbflowError, messageOf } from '../base/errors.ts'
import { SecretError, type Secrets } from '../base/secrets.ts'
import type { Pool } from '../db/pool.ts'
import { open } from './envelope.ts'
import type { MasterKeys } from './master-keys.ts'
import { keyMissing, keyWrong } from './sealing-failures.ts'
import { loadSecret } from './secret-store.ts'
import { storedName } from './secrets.ts'

export interface StoredSecretsDeps {
  readonly pool: Pool
  readonly keys: MasterKeys
  readonly clock: Clock
}

export interface StoredSecrets extends Secrets {
  /** Some secret was changed. */
  forget(): void
}

const KEPT_MS = 30_000

interface Kept {
  readonly value: Promise<string | undefined>
  readonly until: number
}

export function createStoredSecrets({ pool, keys, clock }: StoredSecretsDeps): StoredSecrets {
  const kept = new Map<string, Kept>()

  async function load(name: string): Promise<string | undefined> {
    try {
      // A rotation may come between the row and the keys: then both are new at the second look.
      return await read(name).catch(error => {
        if (error instanceof MbflowError) return read(name)
        throw error
      })
    } catch (error) {
      if (!(error instanceof MbflowError))
        throw new SecretError(
          'SECRET_UNAVAILABLE',
          `the secret "${name}" could not be read: ${messageOf(error)}`,
          error,
        )
      const { message, hint } = error
      throw new SecretError('SECRET_LOCKED', hint === undefined ? message : `${message}: ${hint}`, error)
    }
  }

  async function read(name: string): Promise<string | undefined> {
    const sealed = await loadSecret(pool, name)
    if (sealed === undefined) return undefined
    const known = await keys.read()
    if (known.length === 0) throw keyMissing(keys.file?.path)
    const key = known.find(({ id }) => id === sealed.keyId)
    if (key === undefined) throw keyWrong(sealed, known)
    try {
      return open(sealed, sealed, key)
    } catch {
      throw keyWrong(sealed, known)
    }
  }

  function forgetExpired(): void {
    for (const [name, { until }] of kept) if (until <= clock.monotonic()) kept.delete(name)
  }

  return {
    async find(given) {
      forgetExpired()
      const name = storedName(given)
      const known = kept.get(name)
      if (known !== undefined) return known.value
      const entry: Kept = { value: load(name), until: clock.monotonic() + KEPT_MS }
      kept.set(name, entry) // before it is loaded: a change in between forgets it
      const drop = (): void => {
        if (kept.get(name) === entry) kept.delete(name)
      }
      const value = await entry.value.catch(error => {
        drop()
        throw error
      })
      if (value === undefined) drop() // what is missing may be set at any moment
      return value
    },
    forget: () => kept.clear(),
  }
}
