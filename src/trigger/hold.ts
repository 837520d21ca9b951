// Triggers held as they are: for the inbox, which fires event triggers, and for release.
import type { Db, Tx } from '../db/pool.ts'
import { loadTriggers, loadTriggersOfType, tryLockTriggers } from './store.ts'
import type { Trigger } from './trigger.ts'

/** Those that are armed. */
export function listEventTriggers(db: Db): Promise<Trigger[]> {
  return loadTriggersOfType(db, 'event')
}

/** Those of the triggers whose mutex is free, by id: now held, and as they stand under it. */
export async function holdTriggers(tx: Tx, ids: readonly string[]): Promise<Map<string, Trigger>> {
  if (ids.length === 0) return new Map()
  // Read by a statement of its own: an edit may have been committed while the first one was asking for the mutex.
  const [held, present] = await Promise.all([tryLockTriggers(tx, ids), loadTriggers(tx, ids)])
  const heldIds = new Set(held.map(({ id }) => id))
  return new Map(present.flatMap(trigger => (heldIds.has(trigger.id) ? [[trigger.id, trigger] as const] : [])))
}
