// Lets those begin who wait for a token under a rate, as they come in. The bucket of a key says when it has one for them;
// that is looked at then, and every line is looked at now and then, whatever its bucket says. Invariants: those of
// arrive.ts.
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { createLoop, type Loop } from '../base/service.ts'
import { findByKey } from '../db/by-key.ts'
import type { Pool } from '../db/pool.ts'
import type { Pulsed } from '../db/pulse.ts'
import { letIn } from './admit.ts'
import { takeTokens } from './arrive.ts'
import type { ControlDeps } from './control.ts'
import {
  dropFullBuckets,
  findDueBuckets,
  firstInTime,
  loadBuckets,
  remindOfLines,
  tokenDueIn,
  tryLockBuckets,
} from './rate-store.ts'
import { tokensIn } from './rates.ts'

interface PaceDeps extends ControlDeps {
  readonly pool: Pool
}

/** Executions that begin in one go, and keys that are looked at. */
const MAX_AT_ONCE = 200
/** What is due and held by somebody else is asked for again after this. Milliseconds. */
const CONTENDED_MS = 20
const MOST_DROPPED = 1_000

/** Hands out the tokens of these keys to those who have waited for them longest; resolves to how many. */
export function letBegin(deps: PaceDeps, keys: readonly string[]): Promise<number> {
  return deps.pool.transaction(async tx => {
    const [, held] = await Promise.all([findByKey(tx), tryLockBuckets(tx, keys)])
    if (held.length === 0) return 0
    const buckets = await loadBuckets(tx, held)
    const open = buckets.filter(bucket => bucket.waiting > 0 && tokensIn(bucket) > 0)
    const rooms = new Map(open.map(bucket => [bucket.key, Math.min(MAX_AT_ONCE, tokensIn(bucket))]))
    const ids = rooms.size === 0 ? [] : await firstInTime(tx, { rooms, limit: MAX_AT_ONCE })
    const begun = Map.groupBy(await letIn(tx, deps, { gate: 'rate', ids }), key => key)
    const counts = buckets.map(({ key, waiting }) => {
      const admitted = begun.get(key)?.length ?? 0
      return [key, { admitted, waits: waiting > admitted }] as const
    })
    await takeTokens(tx, buckets, new Map(counts))
    return ids.length
  })
}

interface PacerDeps extends PaceDeps {
  readonly clock: Clock
  readonly log: Logger
  /** Longest pause between two looks at all lines, milliseconds. */
  readonly pollInterval: number
  /** Called after a pass that let executions begin. */
  onAdmitted?(): void
}

export function createPacer(deps: PacerDeps): Loop & Pulsed {
  const { pool, clock, log, pollInterval } = deps
  let sweptAt = Number.NEGATIVE_INFINITY
  const loop = createLoop({
    name: 'pace',
    clock,
    log,
    every: pollInterval,
    async tick() {
      if (clock.monotonic() - sweptAt >= pollInterval) {
        sweptAt = clock.monotonic()
        await remindOfLines(pool)
        await dropFullBuckets(pool, MOST_DROPPED)
      }
      const { keys, nextIn } = await findDueBuckets(pool, MAX_AT_ONCE)
      if (keys.length === 0) return nextIn === null ? undefined : Math.max(1, Math.ceil(nextIn))
      const begun = await letBegin(deps, keys)
      if (begun > 0) deps.onAdmitted?.()
      return begun > 0 ? 0 : CONTENDED_MS
    },
  })
  return { ...loop, question: { dueIn: tokenDueIn, wake: loop.wake } }
}
