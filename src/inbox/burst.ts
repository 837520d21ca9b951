// What many requests ask of the database at the same time, gathered: the hooks they mean, and the fires they make. While
// one statement is in flight the next gathers, so that load makes batches larger, not slower.
import type { Clock, DatabaseClock } from '../base/clock.ts'
import { createLru } from '../base/lru.ts'
import { isTransient, type Pool } from '../db/pool.ts'
import { again, createGroupCommit, type FlushResult, Refused } from '../event/group-commit.ts'
import type { FireDeps } from '../trigger/fire.ts'
import { type DeliveryFate, fireDeliveries, type HookDelivery } from '../trigger/fire-deliveries.ts'
import { type FoundHook, findHooks } from '../trigger/hooks.ts'

export interface BurstDeps extends FireDeps {
  readonly pool: Pool
  readonly clock: Clock
  readonly databaseClock: DatabaseClock
}

export interface Burst {
  /** By the hash of its token, asking the database. */
  find(hash: string): Promise<FoundHook>
  /** As it was found a moment ago. Whoever fires is held against what is so by then (`changed`). */
  remember(hash: string): FoundHook | undefined
  /** Resolves once it is durable. */
  fire(delivery: HookDelivery, bytes: number): Promise<DeliveryFate>
}

interface Firing {
  readonly delivery: HookDelivery
  readonly bytes: number
}

const MOST_TOGETHER = 200
const MOST_BYTES = 4 * 1024 * 1024
/** Hooks in use are remembered for so long, milliseconds, and so many. */
const KNOWN_MS = 1_000
const KNOWN = 1_000

export function createBurst(deps: BurstDeps): Burst {
  let asked = 0
  const known = createLru<string, { hook: FoundHook; askedAt: number }>(KNOWN)
  const looks = createGroupCommit<{ hash: string; number: number }, FoundHook>({
    keyOf: ({ number }) => String(number),
    sizeOf: () => 1,
    async flush(batch) {
      const askedAt = deps.clock.monotonic()
      const found = await findHooks(deps.pool, [...new Set(batch.map(({ hash }) => hash))])
      return batch.map(({ hash }) => {
        const hook = found.get(hash)
        if (hook === undefined) throw new Error('a look-up of hooks left one out')
        deps.databaseClock.observe(hook.now, askedAt)
        if (hook.trigger !== null) known.set(hash, { hook, askedAt })
        return hook
      })
    },
    maxBatch: MOST_TOGETHER,
    maxSize: MOST_TOGETHER,
    lanes: 1,
  })
  const fires = createGroupCommit<Firing, DeliveryFate>({
    keyOf: ({ delivery: { trigger, fireKey } }) => `${trigger.id} ${fireKey}`,
    sizeOf: ({ bytes }) => bytes,
    flush: batch => flush(deps, batch),
    maxBatch: MOST_TOGETHER,
    maxSize: MOST_BYTES,
    lanes: 1, // most bursts are of one trigger, whose mutex lasts until the commit: a second lane would wait for the first
  })
  return {
    find: hash => looks.add({ hash, number: asked++ }),
    remember(hash) {
      const { hook, askedAt = 0 } = known.get(hash) ?? {}
      return deps.clock.monotonic() - askedAt < KNOWN_MS ? hook : undefined
    },
    fire: (delivery, bytes) => fires.add({ delivery, bytes }),
  }
}

async function flush(deps: BurstDeps, batch: readonly Firing[]): Promise<FlushResult<DeliveryFate>[]> {
  const fates = await fireOrIsolate(
    deps,
    batch.map(({ delivery }) => delivery),
  )
  return fates.map(fate => ('kind' in fate && fate.kind === 'contended' ? again : fate))
}

/** What the database refuses for its content fails alone. */
async function fireOrIsolate(deps: BurstDeps, batch: readonly HookDelivery[]): Promise<(DeliveryFate | Refused)[]> {
  try {
    return await fireDeliveries(deps, batch)
  } catch (error) {
    if (isTransient(error)) throw error
    if (batch.length === 1) return [new Refused(error)]
    const middle = batch.length >> 1
    const first = await fireOrIsolate(deps, batch.slice(0, middle))
    return [...first, ...(await fireOrIsolate(deps, batch.slice(middle)))]
  }
}
