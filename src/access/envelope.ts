// Envelope encryption: a value is sealed with a data key of its own, the data key with a master key.
//
// 1. AES-256-GCM for both, with a random nonce for each sealing, so that nobody can choose one twice.
// 2. What is sealed is bound to its label and to what it is: a row that is copied to another name or version does not
//    open, nor a data key that is passed off as a value.
// 3. Another master key touches the data key only; the value stays as it was sealed.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { MasterKey } from '../base/master-key.ts'

export interface Label {
  readonly name: string
  readonly version: number
}

export interface Sealed {
  readonly value: Buffer
  readonly dataKey: Buffer
  /** The master key that sealed the data key. */
  readonly keyId: string
}

const CIPHER = 'aes-256-gcm'
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

export function seal(value: string, label: Label, key: MasterKey): Sealed {
  const dataKey = randomBytes(KEY_BYTES)
  return {
    value: encrypt(Buffer.from(value), dataKey, bindingOf('value', label)),
    dataKey: encrypt(dataKey, key.bytes, bindingOf('key', label)),
    keyId: key.id,
  }
}

/** Throws when the key is not the one that sealed it, or anything of it has been changed since. */
export function open({ value, dataKey }: Sealed, label: Label, key: MasterKey): string {
  const opened = decrypt(dataKey, key.bytes, bindingOf('key', label))
  return decrypt(value, opened, bindingOf('value', label)).toString()
}

/** The same value under another master key. Throws as `open` does. */
export function reseal(
  { value, dataKey }: Sealed,
  label: Label,
  { from, to }: Record<'from' | 'to', MasterKey>,
): Sealed {
  const binding = bindingOf('key', label)
  return { value, dataKey: encrypt(decrypt(dataKey, from.bytes, binding), to.bytes, binding), keyId: to.id }
}

function bindingOf(what: 'key' | 'value', { name, version }: Label): Buffer {
  return Buffer.from(`mbflow secret ${what} ${name} ${version}`)
}

function encrypt(plain: Uint8Array, key: Uint8Array, binding: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(binding)
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

function decrypt(sealed: Buffer, key: Uint8Array, binding: Uint8Array): Buffer {
  const tag = sealed.subarray(-TAG_BYTES)
  const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
  decipher.setAAD(binding).setAuthTag(tag)
  return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()])
}
