// Why something sealed cannot be opened or sealed, in words an operator can act on.
import { MbflowError } from '../base/errors.ts'
import type { MasterKey } from '../base/master-key.ts'

/** `file`: where the key of an embedded PostgreSQL was. */
export function keyMissing(file?: string): MbflowError {
  if (file !== undefined) {
    return new MbflowError('MASTER_KEY_MISSING', `${file}, the master key of the stored secrets, is gone`, {
      hint: 'put it back, or delete the stored secrets and set them anew',
    })
  }
  return new MbflowError('MASTER_KEY_MISSING', 'there is no master key for the secrets in the database', {
    hint: 'set MBFLOW_MASTER_KEY or MBFLOW_MASTER_KEY_FILE, to the same for every daemon and command',
  })
}

/** None of the keys, or not the right one of them: only whoever altered the row could tell. */
export function keyWrong(
  secret: { readonly name: string; readonly keyId: string },
  known: readonly MasterKey[],
): MbflowError {
  const { name, keyId } = secret
  const altered = known.some(({ id }) => id === keyId)
  return new MbflowError(
    'MASTER_KEY_WRONG',
    altered
      ? `the stored secret ${name} was altered in the database and does not open`
      : `the stored secret ${name} was sealed with the master key ${keyId}, which is not here`,
    {
      hint: altered
        ? `set it anew: mbflow secret set ${name}`
        : 'add it behind the newest key, in MBFLOW_MASTER_KEY or the file that holds the keys',
    },
  )
}
