// Takes events into the inbox: whole or not at all, each once per source and id. When this resolves they are durable.
import { MbflowError } from '../base/errors.ts'
import { isTransient, type Pool } from '../db/pool.ts'
import type { InboundEvent } from './cloud-event.ts'
import { insertEvents } from './store.ts'

export interface Accepted {
  readonly source: string
  readonly id: string
  /** It had been taken before: this time nothing comes of it. */
  readonly duplicate: boolean
}

/** Throws DATABASE_UNAVAILABLE; then the sender may send them again, whatever has become of them. */
export async function acceptEvents(pool: Pool, events: readonly InboundEvent[]): Promise<Accepted[]> {
  if (events.length === 0) return []
  try {
    const fresh = await pool.transaction(tx => insertEvents(tx, events))
    return events.map(({ source, externalId }, i) => ({ source, id: externalId, duplicate: fresh[i] !== true }))
  } catch (error) {
    if (!isTransient(error)) throw error
    throw new MbflowError('DATABASE_UNAVAILABLE', 'the events could not be stored: the database does not answer', {
      hint: 'send them again; what was taken after all is not taken twice',
      cause: error,
    })
  }
}
