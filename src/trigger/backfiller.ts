// Works backfills off, a chunk at a time. Invariants:
// 1. A chunk is one transaction: ledger rows, executions, jobs and the cursor of the backfill appear together, so that one
//    killed at any instant goes on where it was, and no slot is fired twice or left out.
// 2. It runs under the mutex of the trigger like every fire; a backfill is held by one process at a time.
// 3. One whose slots cannot be computed pauses with the error, alone.
import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { createLoop, type Loop } from '../base/service.ts'
import type { Pool, Tx } from '../db/pool.ts'
import type { Pulsed } from '../db/pulse.ts'
import { allowance, type Chunk, nextChunk, paceAfter } from './backfill.ts'
import {
  type Backfill,
  backfillDueIn,
  countOpenOf,
  findRunning,
  holdRunning,
  loadSpec,
  type OpenExecutions,
  recordStep,
  setStatus,
} from './backfill-store.ts'
import { loadCalendars } from './calendar-store.ts'
import { sharedCalendars } from './exclusion.ts'
import { type FireDeps, fire } from './fire.ts'
import { loadTriggers, tryLockTriggers } from './store.ts'
import type { Trigger } from './trigger.ts'

export interface BackfillerDeps extends FireDeps {
  readonly pool: Pool
  readonly clock: Clock
  readonly log: Logger
  /** Longest pause between two looks, milliseconds. */
  readonly pollInterval: number
  /** Called after a chunk that started executions. */
  onFired?(): void
}

/** Fires of one chunk: its transaction holds the trigger's mutex, and what is due waits for that. */
const CHUNK_FIRES = 200
/** Backfills looked at in one pass. */
const ABREAST = 200
/** One that waits for executions, or for the trigger's mutex, is looked at again after this. Milliseconds. */
const WAIT_MS = 100
const MUTEX_MS = 20
/** Between two chunks of one backfill: whoever else wants the mutex looks for it every 20 ms. Milliseconds. */
const BREATH_MS = 50

export function createBackfiller(deps: BackfillerDeps): Loop & Pulsed {
  const loop = createLoop({
    name: 'backfiller',
    clock: deps.clock,
    log: deps.log,
    every: deps.pollInterval,
    tick: () => drainBackfills(deps),
  })
  return { ...loop, question: { dueIn: backfillDueIn, wake: loop.wake } }
}

/** A chunk of every backfill that may go on; resolves to how long nothing more can be done, undefined = until asked. */
export async function drainBackfills(deps: BackfillerDeps): Promise<number | undefined> {
  const running = await findRunning(deps.pool, ABREAST)
  const pauses: number[] = []
  for (const { id, waits, isBlocked } of running) {
    if (waits > 0) pauses.push(Math.ceil(waits))
    else if (isBlocked) pauses.push(WAIT_MS)
    else pauses.push(...(await drainOne(deps, id)))
  }
  return pauses.length === 0 ? undefined : Math.min(...pauses)
}

/** How long it has to wait now; empty when there is nothing more to do here. */
async function drainOne(deps: BackfillerDeps, id: string): Promise<number[]> {
  const { fired, pauses } = await deps.pool.transaction(tx => drainChunk(tx, deps, id))
  if (fired > 0) {
    deps.onFired?.()
    deps.log.info({ evt: 'backfill.fired', count: fired, backfillId: id }, 'a backfill fired')
  }
  return pauses
}

interface Drained {
  readonly fired: number
  readonly pauses: number[]
}

const idle = (...pauses: number[]): Drained => ({ fired: 0, pauses })

async function drainChunk(tx: Tx, deps: BackfillerDeps, id: string): Promise<Drained> {
  const backfill = await holdRunning(tx, id)
  if (backfill === undefined) return idle()
  const [present] = await tryLockTriggers(tx, [backfill.triggerId])
  const spec = await loadSpec(tx, backfill)
  if (present === undefined || spec === undefined) {
    if ((await loadTriggers(tx, [backfill.triggerId])).length > 0) return idle(MUTEX_MS)
    await setStatus(tx, { id, status: 'cancelled', note: 'the trigger was removed' })
    return idle()
  }
  const { type, config, anchorAt } = spec
  const trigger: Trigger = { ...present, type, config, anchorAt }
  const open = await countOpenOf(tx, backfill)
  const shared = await loadCalendars(tx, sharedCalendars(config))
  const calendars = new Map(shared.map(({ name, form }) => [name, form]))
  let chunk: Chunk
  try {
    chunk = nextChunk(trigger, { ...contextOf(backfill, open), calendars })
  } catch (error) {
    await setStatus(tx, { id, status: 'paused', note: `stopped: ${messageOf(error)}` })
    deps.log.error({ evt: 'backfill.stopped', err: error, backfillId: id }, 'a backfill cannot go on')
    return idle()
  }
  return carryOut(tx, deps, { backfill, chunk, open })
}

function contextOf({ id, nextSlotAt, until, overlap, maxRunning, ...pace }: Backfill, open: OpenExecutions) {
  const mayFire = allowance({ ...pace, notBefore: pace.notBefore.getTime() }, open.now.getTime())
  return {
    backfillId: id,
    cursor: (nextSlotAt ?? until).getTime(),
    until: until.getTime(),
    overlap,
    open: open.all,
    room: Math.min(CHUNK_FIRES, maxRunning - open.own, mayFire),
  }
}

async function carryOut(
  tx: Tx,
  deps: BackfillerDeps,
  { backfill, chunk, open: { now } }: { backfill: Backfill; chunk: Chunk; open: OpenExecutions },
): Promise<Drained> {
  const { disposals, done, fired, next } = chunk
  if (done === 0 && next !== null) return idle(WAIT_MS)
  await fire(tx, deps, { disposals, now })
  const pace = { ratePerMinute: backfill.ratePerMinute, notBefore: backfill.notBefore.getTime() }
  const notBefore = paceAfter(pace, fired, now.getTime())
  await recordStep(tx, {
    id: backfill.id,
    done,
    fired,
    nextSlotAt: next === null ? null : new Date(next),
    notBefore: new Date(notBefore),
  })
  if (next === null) return { fired, pauses: [] }
  return { fired, pauses: [Math.max(BREATH_MS, notBefore - now.getTime())] }
}
