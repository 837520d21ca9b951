// Starts what waited for room. Invariants:
// 1. What has waited starts nowhere else: under the trigger's mutex, in a transaction of its own that counts again what
//    runs. Whoever starts executions of the trigger holds that mutex, so the count is true and the limit holds.
// 2. Nothing is remembered: whether anything waits, and whether there is room, are questions to the database. It is asked
//    after every end that a trigger is to be told of, after every transaction that left fires waiting, and at every poll
//    for every trigger, so no wake-up can be lost.
// 3. Where what waits has executions cancelled, that is asked for as long as there is no room: being asked again changes
//    nothing.

import type { Clock } from '../base/clock.ts'
import { createKeyedLoop, type KeyedLoop } from '../base/keyed-loop.ts'
import type { Logger } from '../base/log.ts'
import { createLru } from '../base/lru.ts'
import { findByKey } from '../db/by-key.ts'
import { databaseNow } from '../db/database-time.ts'
import type { Pool, Tx } from '../db/pool.ts'
import type { Pulsed } from '../db/pulse.ts'
import { control } from '../execution/control.ts'
import { ALWAYS } from './cooldown.ts'
import { type FireDeps, type Fired, fireWaiting } from './fire.ts'
import { holdTriggers } from './hold.ts'
import { countWaiting, findWaiting, fireWaits, nextWaiting } from './ledger.ts'
import { pauseFailing } from './pause.ts'
import { failingOf } from './standing.ts'
import { limitsOverlap, rests, startPolicy } from './start-policy.ts'
import { countOpen, loadCooldowns, oldestOpen } from './start-store.ts'
import { loadTriggers } from './store.ts'
import { isArmed, type Trigger } from './trigger.ts'

export interface ReleaseDeps extends FireDeps {
  readonly pool: Pool
}

/** Fires that start in one go. */
const MAX_FIRES = 1_000

export interface Released {
  /** Triggers that are to be paused. */
  readonly failing: readonly string[]
  readonly fired: readonly Fired[]
  /** Triggers to be asked for again: somebody else holds them, or more may start than in one go. */
  readonly again: readonly string[]
  /** Executions that are to make room for what waits. */
  readonly crowded: readonly { readonly id: string; readonly triggerId: string }[]
}

/** Starts what waits of these triggers, as far as there is room. */
export function release(deps: ReleaseDeps, triggerIds: readonly string[]): Promise<Released> {
  return deps.pool.transaction(async tx => {
    const [, held] = await Promise.all([findByKey(tx), holdTriggers(tx, triggerIds)])
    const triggers = [...held.values()]
    const idsOf = (asks: (trigger: Trigger) => boolean) => triggers.filter(asks).map(({ id }) => id)
    const [open, resting, failing, now] = await Promise.all([
      countOpen(tx, idsOf(limitsOverlap)),
      loadCooldowns(tx, idsOf(rests)),
      failingOf(tx, triggers),
      databaseNow(tx),
    ])
    const rooms = new Map(
      triggers.map(one => {
        const isHeld = failing.has(one.id) || now.getTime() < (resting.get(one.id) ?? ALWAYS)
        return [one.id, isHeld ? 0 : roomOf(one, open.get(one.id) ?? 0)] as const
      }),
    )
    const waiting = await nextWaiting(tx, { rooms, limit: MAX_FIRES })
    const fired = await fireWaiting(tx, deps, { waiting, triggers, now })
    const crowded = await oldestOpen(tx, await excessOf(tx, triggers, open))
    if (waiting.length === MAX_FIRES) return { fired, again: triggerIds, crowded, failing: [...failing] }
    const others = await loadTriggers(
      tx,
      triggerIds.filter(id => !held.has(id)),
    )
    return { fired, again: others.map(({ id }) => id), crowded, failing: [...failing] }
  })
}

/** A trigger that is out of service keeps what waits until it is back; one with a cooldown starts one at a time. */
function roomOf(trigger: Trigger, open: number): number {
  if (!isArmed(trigger)) return 0
  const { concurrency } = startPolicy(trigger.config)
  return Math.max(0, Math.min(rests(trigger) ? 1 : MAX_FIRES, concurrency - open))
}

/** By trigger, how many executions are too many for what still waits. */
async function excessOf(
  tx: Tx,
  triggers: readonly Trigger[],
  open: ReadonlyMap<string, number>,
): Promise<Map<string, number>> {
  const full = triggers.filter(one => {
    const { cancels, concurrency } = startPolicy(one.config)
    return isArmed(one) && cancels && (open.get(one.id) ?? 0) >= concurrency
  })
  const waiting = await countWaiting(
    tx,
    full.map(({ id }) => id),
  )
  const excess = full.map(({ id, config }) => {
    const wanted = waiting.get(id) ?? 0
    return [id, wanted === 0 ? 0 : (open.get(id) ?? 0) + wanted - startPolicy(config).concurrency] as const
  })
  return new Map(excess.filter(([, count]) => count > 0))
}

export interface ReleaserDeps extends ReleaseDeps {
  readonly clock: Clock
  readonly log: Logger
  /** Longest pause between two questions to all triggers, milliseconds. */
  readonly pollInterval: number
  /** Called after a pass that started executions. */
  onFired?(): void
}

/** An execution that is to make room is asked again after this, in case it was retried since. Milliseconds. */
const ASK_AGAIN_MS = 10_000
const NEXT_WAITS = 'the next fire of its trigger waits for it (overlap: cancel_running)'
const NIL = '00000000-0000-0000-0000-000000000000'

export function createReleaser(deps: ReleaserDeps): KeyedLoop & Pulsed {
  /** Monotonic instants at which executions were asked to make room. */
  const asked = createLru<string, number>(10_000)
  const makeRoom = async (crowded: Released['crowded']): Promise<void> => {
    const now = deps.clock.monotonic()
    for (const { id, triggerId } of crowded) {
      if (now - (asked.get(id) ?? Number.NEGATIVE_INFINITY) < ASK_AGAIN_MS) continue
      await control(deps, { verb: 'cancel', by: `trigger:${triggerId}`, reason: NEXT_WAITS }, [id])
      asked.set(id, now)
    }
  }
  const loop = createKeyedLoop({
    name: 'release',
    clock: deps.clock,
    log: deps.log,
    every: deps.pollInterval,
    first: NIL,
    find: page => findWaiting(deps.pool, page),
    async pass(triggerIds) {
      const { fired, again, crowded, failing } = await release(deps, triggerIds)
      for (const id of failing) await pauseFailing(deps, id)
      await makeRoom(crowded)
      if (fired.length > 0) {
        deps.onFired?.()
        deps.log.info({ evt: 'trigger.released', count: fired.length }, 'released what waited')
      }
      return { didAny: fired.length > 0, again }
    },
  })
  return { ...loop, question: { dueIn: fireWaits, wake: loop.look } }
}
