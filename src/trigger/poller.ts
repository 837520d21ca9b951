// The poller: asks again and again which cursors are due, and disposes of what they owe. Invariants:
// 1. Nothing is armed in memory: "what is due?" is a question to persisted cursors, so no schedule can die silently.
// 2. A tick is one short transaction on the database's clock, with nothing but SQL and pure functions inside.
// 3. Several pollers at the same instant are safe: SKIP LOCKED spreads them, the trigger's mutex excludes edits and
//    manual fires, and the ledger's key decides.
// 4. A trigger whose slots cannot be computed is disarmed with its error, alone.
import type { Clock, DatabaseClock } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { createLoop, type Loop } from '../base/service.ts'
import { findByKey } from '../db/by-key.ts'
import type { Pool, Tx } from '../db/pool.ts'
import { disarm } from './arm.ts'
import { type Disposed, disposeOwed, type Standing } from './dispose.ts'
import { type FireDeps, type Fired, fire } from './fire.ts'
import { pauseFailing } from './pause.ts'
import { loadStanding } from './standing.ts'
import { claimDueCursors, type DueCursor, moveCursors, nextDueIn, tryLockTriggers } from './store.ts'
import type { Trigger } from './trigger.ts'

export interface PollerDeps extends FireDeps {
  readonly pool: Pool
  readonly clock: Clock
  readonly databaseClock: DatabaseClock
  readonly log: Logger
  /** Longest pause between two looks, milliseconds. */
  readonly pollInterval: number
  /** Called after a tick that started executions: a worker in this process need not wait for the notification. */
  onFired?(): void
}

/** Cursors a pass claims: few at first, so that what they start can begin, and twice as many each time there were more. */
const FIRST_BATCH = 50
const BATCH = 500
/** Executions wait for a burst of fires for so long, not for a backlog of hours. */
const LONGEST_BURST_MS = 2_000
/** Passes at once while batches are full: the database works on one while the other is decided. */
const BURST = 2
/** Triggers a log line names at most. */
const NAMED = 5
const MAX_DISPOSALS = 10_000
/** Slots a tick looks at, give or take those of one trigger: computing them must not keep its transaction open for long. */
const MAX_SLOTS = 100_000
/** Triggers somebody else holds are asked for again after this. Milliseconds. */
const CONTENDED_MS = 20

export interface TickReport {
  readonly claimed: number
  readonly fired: readonly Fired[]
  /** Milliseconds until the next tick could find something; null when nothing is scheduled. */
  readonly nextIn: number | null
}

export interface Poller extends Loop {
  /** Whether a burst is being fired: what is due comes before what can be run. */
  isBehind(): boolean
}

export function createPoller(deps: PollerDeps): Poller {
  let limit = FIRST_BATCH
  let abreast = 1
  let behindSince = Number.NEGATIVE_INFINITY
  const loop = createLoop({
    name: 'poller',
    clock: deps.clock,
    log: deps.log,
    every: deps.pollInterval,
    async tick() {
      const reports = await Promise.all(Array.from({ length: abreast }, () => tick(deps, limit)))
      const isFull = reports.every(report => report.claimed === limit)
      const isBurst = isFull && limit === BATCH
      if (isBurst && abreast === 1) behindSince = deps.clock.monotonic()
      abreast = isBurst ? BURST : 1
      limit = isFull ? Math.min(2 * limit, BATCH) : FIRST_BATCH
      const pauses = reports.map(report => report.nextIn).filter(nextIn => nextIn !== null)
      return pauses.length > 0 ? Math.min(...pauses) : undefined
    },
  })
  return { ...loop, isBehind: () => abreast === BURST && deps.clock.monotonic() - behindSince < LONGEST_BURST_MS }
}

/** One pass: disposes of what is due now, of at most so many triggers. */
export async function tick(deps: PollerDeps, limit = BATCH): Promise<TickReport> {
  const startedAt = deps.clock.monotonic()
  const idleFor = await nextDueIn(deps.pool)
  if (idleFor === null || idleFor > 0)
    return { claimed: 0, fired: [], nextIn: idleFor === null ? null : Math.ceil(idleFor) }
  const { claimed, locked, fired, failed, failing } = await deps.pool.transaction(tx => disposeDue(tx, deps, limit))
  for (const { trigger, error } of failed) await disarm(deps, trigger, error)
  for (const id of failing) await pauseFailing(deps, id)
  if (fired.length > 0) {
    deps.onFired?.()
    deps.log.info(
      { evt: 'trigger.fired', count: fired.length, triggers: fired.slice(0, NAMED).map(one => one.trigger) },
      'fired',
    )
  }
  deps.metrics.tickSeconds.observe((deps.clock.monotonic() - startedAt) / 1000)
  const nextIn = claimed === 0 || locked < claimed ? CONTENDED_MS : 0
  return { claimed, fired, nextIn }
}

interface Pass {
  readonly claimed: number
  readonly locked: number
  readonly fired: readonly Fired[]
  readonly failed: readonly { trigger: Trigger; error: string }[]
  /** Triggers that are to be paused. */
  readonly failing: readonly string[]
}

async function disposeDue(tx: Tx, deps: PollerDeps, limit: number): Promise<Pass> {
  const [, due] = await Promise.all([findByKey(tx), claimDueCursors(tx, { limit, freshFor: deps.pollInterval })])
  const [first] = due
  if (first === undefined) return { claimed: 0, locked: 0, fired: [], failed: [], failing: [] }
  deps.databaseClock.observe(first.now)
  const cursors = new Map(due.map(cursor => [cursor.id, cursor]))
  const triggers = await tryLockTriggers(tx, [...cursors.keys()])
  const standing = await loadStanding(tx, triggers)

  const failing = triggers.filter(trigger => standing(trigger).failing).map(({ id }) => id)

  const byId = new Map(triggers.map(trigger => [trigger.id, trigger]))
  const { disposed, failed } = disposeAll(byId, { cursors, standing, now: first.now })
  const [{ fired }] = await Promise.all([
    fire(tx, deps, { disposals: disposed.flatMap(one => one.disposals), now: first.now }),
    moveCursors(
      tx,
      disposed.map(({ trigger, next }) => ({ id: trigger.id, nextFireAt: next === null ? null : new Date(next) })),
    ),
  ])
  return { claimed: due.length, locked: triggers.length, fired, failed, failing }
}

interface Situation {
  readonly cursors: ReadonlyMap<string, DueCursor>
  readonly standing: (trigger: Trigger) => Standing
  readonly now: Date
}

function disposeAll(
  triggers: ReadonlyMap<string, Trigger>,
  { cursors, standing, now }: Situation,
): { disposed: Disposed[]; failed: Pass['failed'] } {
  const disposed: Disposed[] = []
  const failed: { trigger: Trigger; error: string }[] = []
  let room = MAX_DISPOSALS
  let looks = MAX_SLOTS
  // The latest first: a backlog may have to wait for the next tick, what is on time need not.
  for (const [id, cursor] of [...cursors].reverse()) {
    const trigger = triggers.get(id)
    if (trigger === undefined || room <= 0 || looks <= 0) continue
    try {
      const one = disposeOwed(trigger, {
        cursor: cursor.nextFireAt.getTime(),
        now: now.getTime(),
        ...standing(trigger),
        room,
      })
      room -= one.disposals.length
      looks -= one.looked
      disposed.push(one)
    } catch (error) {
      failed.push({ trigger, error: messageOf(error) })
    }
  }
  return { disposed, failed }
}
