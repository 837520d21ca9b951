// Master keys: 32 random bytes each, that seal what is stored encrypted. Their ids may be shown, they themselves never.
import { createHash } from 'node:crypto'

export interface MasterKey {
  /** Tells which key sealed something, and nothing about the key. */
  readonly id: string
  readonly bytes: Uint8Array
}

const KEY_BYTES = 32
const HEX = /^[0-9a-f]{64}$/i
const BASE64 = /^[\w+/-]{43}=?$/

export function masterKeyOf(bytes: Uint8Array): MasterKey {
  const id = createHash('sha256').update('mbflow master key\n').update(bytes).digest('hex').slice(0, 16)
  return { id, bytes }
}

/** Keys in base64 or hex, separated by blanks, commas or line breaks; null if one of them is none, or none is there. */
export function readMasterKeys(text: string): readonly MasterKey[] | null {
  const words = text.split(/[\s,]+/).filter(word => word !== '')
  const keys = words.flatMap(word => {
    if (!HEX.test(word) && !BASE64.test(word)) return []
    const bytes = Buffer.from(word, HEX.test(word) ? 'hex' : 'base64')
    return bytes.length === KEY_BYTES ? [masterKeyOf(bytes)] : []
  })
  return keys.length > 0 && keys.length === words.length ? keys : null
}
