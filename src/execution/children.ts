// Sees to the items of splits: makes their executions, a chunk at a time, and lets the node of the split go on when the
// last has ended; what stops, pauses or resumes an execution reaches its items here. Level-triggered, as in admit.ts:
// what is to be done is asked of the database after every end of an item, whenever an execution comes to wait for items,
// and at every poll, so that no item is forgotten by whoever was to see to it. Invariants:
// 1. At most one daemon makes items of an execution at a time, and only from where the split stands: each has one
//    execution, whoever dies where.
// 2. The node of a split goes on once: by a command, decided on its locked row.
// 3. Rows of splits are locked before those of items, and after the row of the execution they are in.
import type { Clock } from '../base/clock.ts'
import { failpoint } from '../base/failpoint.ts'
import { createKeyedLoop, type KeyedLoop } from '../base/keyed-loop.ts'
import type { Logger } from '../base/log.ts'
import { findByKey } from '../db/by-key.ts'
import { notify } from '../db/listener.ts'
import type { Pool, Tx } from '../db/pool.ts'
import type { Pulsed } from '../db/pulse.ts'
import { type ControlDeps, controlIn } from './control.ts'
import { firstJobs, sharedJobs } from './first-jobs.ts'
import { type Standing, type Step, stepsOf } from './split.ts'
import {
  endSplit,
  findItems,
  findOpenItems,
  findUnfinished,
  holdSplit,
  insertItems,
  loadStandings,
  moveOn,
  type OpenItem,
  standsStill,
  tryLockSplits,
} from './split-store.ts'
import type { ExecutionStatus } from './state.ts'

interface ChildrenDeps extends ControlDeps {
  readonly pool: Pool
}

/** Items that run again, or are asked for something, in one transaction: their histories are in memory until its end. */
const ASKED_AT_ONCE = 50
/** Items that are made in one transaction, of however many splits. */
const MOST_OPENED = 1_000
const OVER: ReadonlySet<ExecutionStatus> = new Set(['completed', 'failed', 'cancelled'])
const NIL = '00000000-0000-0000-0000-000000000000'

export interface Seen {
  /** Items whose executions were made, or begin again. */
  readonly opened: number
  /** Whether anything was done. */
  readonly didAny: boolean
  /** Executions to be asked for again: somebody else sees to them, or there is more to do than in one go. */
  readonly again: readonly string[]
}

/** Does what is to be done about the splits of these executions. */
export async function seeToSplits(deps: ChildrenDeps, executionIds: readonly string[]): Promise<Seen> {
  failpoint('open.before')
  const { held, standings, opened } = await deps.pool.transaction(async tx => {
    const [, held] = await Promise.all([findByKey(tx), tryLockSplits(tx, executionIds)])
    const standings = await loadStandings(tx, held)
    const opened = new Map<Standing, Opened>()
    let room = MOST_OPENED
    for (const split of standings) {
      const step = stepsOf(split).find(({ kind }) => kind === 'open')
      if (step?.kind !== 'open' || room === 0) continue
      const count = Math.min(step.count, room)
      opened.set(split, await openItems(tx, deps, { split, count }))
      room -= count
    }
    if (opened.size > 0) await notify(tx, 'jobs')
    return { held: room === 0 ? [] : held, standings, opened } // what there was no room for comes again
  })
  if (opened.size > 0) failpoint('open.after')
  const again = new Set(executionIds.filter(id => !held.includes(id)))
  let total = 0
  let didAny = false
  for (const split of standings) {
    const { passed, begun } = opened.get(split) ?? NONE
    total += begun
    didAny ||= passed > 0
    const isBehind = split.open + begun < split.maxParallel && split.nextIndex + passed < split.total
    if (passed > 0 && isBehind) again.add(split.executionId)
    if (await carryOut(deps, split)) didAny = true
  }
  return { opened: total, didAny, again: [...again] }
}

interface Opened {
  /** Items that the split went past. */
  readonly passed: number
  /** Those of them whose executions were made, or begin again. */
  readonly begun: number
}

const NONE: Opened = { passed: 0, begun: 0 }

async function openItems(
  tx: Tx,
  deps: ChildrenDeps,
  { split, count }: { split: Standing; count: number },
): Promise<Opened> {
  const from = split.nextIndex
  const there = await findItems(tx, split, { from, to: from + count })
  // After a retry some may be there: those that completed stay, those that did not begin again, once they are over.
  const left = there.filter(({ status }) => status === 'failed' || status === 'cancelled')
  const stops = [there.find(({ status }) => !OVER.has(status))?.index, left[ASKED_AT_ONCE]?.index]
  const to = Math.min(from + count, ...stops.filter(index => index !== undefined))
  if (to === from || !(await moveOn(tx, split, { from, to }))) return NONE
  const known = new Set(there.map(({ index }) => index))
  const fresh = Array.from({ length: to - from }, (_, i) => from + i).filter(index => !known.has(index))
  const begun = await beginItems(tx, deps, { split, indexes: fresh })
  const retried = left.flatMap(({ id, index }) => (index < to ? [id] : []))
  const command = { verb: 'retry', by: byOf(split), ofSplit: true } as const
  if (retried.length > 0) await controlIn(tx, deps, { command, executionIds: retried })
  return { passed: to - from, begun: begun + retried.length }
}

/** Makes their executions; resolves to how many. */
async function beginItems(
  tx: Tx,
  { ids, queue }: ChildrenDeps,
  { split, indexes }: { split: Standing; indexes: readonly number[] },
): Promise<number> {
  const items = indexes.map(index => ({ id: ids.next(), index, priority: split.priority }))
  const jobs = firstJobs(items)
  const shared = sharedJobs(jobs)
  const made = new Set(
    await insertItems(
      tx,
      split,
      items.map(item => ({ ...item, sharedJobId: shared.get(item.id) })),
    ),
  )
  const ofMade = jobs.map(job => ({ ...job, executionIds: job.executionIds.filter(id => made.has(id)) }))
  await queue.enqueue(
    tx,
    ofMade.filter(job => job.executionIds.length > 0),
  )
  return made.size
}

/** What is not the making of items; whether anything was done. */
async function carryOut(deps: ChildrenDeps, split: Standing): Promise<boolean> {
  let didAny = false
  for (const step of stepsOf(split)) {
    if (step.kind === 'open') continue
    if (step.kind === 'end') await deps.pool.transaction(tx => endSplit(tx, split))
    else if (step.kind === 'gather') await gather(deps, split)
    else if (!(await askItems(deps, split, step))) continue
    didAny = true
  }
  return didAny
}

/** Asks it of all that are open and were not asked yet; whether any was. */
async function askItems(
  deps: ChildrenDeps,
  split: Standing,
  step: Extract<Step, { kind: 'cancel' | 'pause' | 'resume' }>,
): Promise<boolean> {
  const reason = step.kind === 'cancel' ? { reason: step.reason } : {}
  const command = { verb: step.kind, by: byOf(split), ...reason, ofSplit: true } as const
  const ids = (await findOpenItems(deps.pool, split)).filter(item => lacks(item, step.kind)).map(({ id }) => id)
  for (let i = 0; i < ids.length; i += ASKED_AT_ONCE) {
    const executionIds = ids.slice(i, i + ASKED_AT_ONCE)
    await deps.pool.transaction(async tx => {
      // Who was stopped since it looked does not cancel what a retry has opened again meanwhile.
      if (await holdSplit(tx, split)) await controlIn(tx, deps, { command, executionIds })
    })
  }
  return ids.length > 0
}

function lacks({ status, asked }: OpenItem, verb: 'cancel' | 'pause' | 'resume'): boolean {
  if (verb === 'resume') return status === 'paused'
  if (asked === 'workflow_cancel_requested') return false
  return verb === 'cancel' || (status !== 'paused' && asked !== 'workflow_pause_requested')
}

/** Tells the node of the split that its items have ended. */
async function gather(deps: ChildrenDeps, split: Standing): Promise<void> {
  failpoint('gather.before')
  await deps.pool.transaction(async tx => {
    const { executionId, node, since } = split
    const command = { verb: 'gather', by: byOf(split), node, since } as const
    await controlIn(tx, deps, { command, executionIds: [executionId] })
    await endSplit(tx, split)
  })
  failpoint('gather.after')
}

function byOf({ node }: Standing): string {
  return `split:${node}`
}

interface ChildrenLoopDeps extends ChildrenDeps {
  readonly clock: Clock
  readonly log: Logger
  /** Longest pause between two questions to all splits, milliseconds. */
  readonly pollInterval: number
  /** Called after a pass that made work. */
  onOpened?(): void
}

export function createChildren(deps: ChildrenLoopDeps): KeyedLoop & Pulsed {
  const loop = createKeyedLoop({
    name: 'children',
    clock: deps.clock,
    log: deps.log,
    every: deps.pollInterval,
    first: NIL,
    find: page => findUnfinished(deps.pool, page),
    async pass(executionIds) {
      const { opened, didAny, again } = await seeToSplits(deps, executionIds)
      if (didAny) deps.onOpened?.()
      if (opened > 0) deps.log.debug({ evt: 'execution.items_opened', count: opened }, 'items of splits began')
      return { didAny, again }
    },
  })
  return { ...loop, question: { dueIn: standsStill, wake: loop.look } }
}
