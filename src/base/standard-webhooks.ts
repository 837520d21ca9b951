// Signatures as standardwebhooks.com has them, the symmetric kind (v1). Pure.
import { createHmac, createSecretKey } from 'node:crypto'

/** The key that a secret stands for: base64, after `whsec_` if it is there; undefined if it is none. */
export function signingKey(secret: string): Buffer | undefined {
  const text = secret.replace(/^whsec_/, '')
  return /^[A-Za-z\d+/]+={0,2}$/.test(text) ? Buffer.from(text, 'base64') : undefined
}

export interface SignedMessage {
  readonly id: string
  /** Seconds of the epoch. */
  readonly timestamp: number
  readonly body: string
}

/** The headers that prove who sent the message. */
export function signedHeaders(key: Buffer, { id, timestamp, body }: SignedMessage): Record<string, string> {
  const signature = createHmac('sha256', createSecretKey(key)).update(`${id}.${timestamp}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': `v1,${signature}` }
}
