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
import { type ControlDeps, control, controlIn } from './control.ts'
import { turnJob } from './projection.ts'
import { type Standing, stepsOf } from './split.ts'
import {
  endSplit,
  findItems,
  findOpenItems,
  findUnfinished,
  insertItems,
  loadStandings,
  moveOn,
  standsStill,
  tryLockSplits,
} from './split-store.ts'
import type { ExecutionStatus } from './state.ts'

interface ChildrenDeps extends ControlDeps {
  readonly pool: Pool
}

/** Items that run again, in one transaction: their histories are in memory until its end. */
const RETRIED_AT_ONCE = 50
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
    for (const split of standings) {
      const step = stepsOf(split).find(({ kind }) => kind === 'open')
      if (step?.kind === 'open') opened.set(split, await openItems(tx, deps, { split, count: step.count }))
    }
    if (opened.size > 0) await notify(tx, 'jobs')
    return { held, standings, opened }
  })
  if (opened.size > 0) failpoint('open.after')
  const again = new Set(executionIds.filter(id => !held.includes(id)))
  let total = 0
  let didAny = false
  for (const split of standings) {
    const { passed, begun } = opened.get(split) ?? { passed: 0, begun: 0 }
    total += begun
    didAny ||= passed > 0
    const hasRoom = split.open + begun < split.maxParallel
    if (passed > 0 && hasRoom && split.nextIndex + passed < split.total) again.add(split.executionId)
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
  const stops = [there.find(({ status }) => !OVER.has(status))?.index, left[RETRIED_AT_ONCE]?.index]
  const to = Math.min(from + count, ...stops.filter(index => index !== undefined))
  if (to === from || !(await moveOn(tx, split, { from, to }))) return NONE
  const known = new Set(there.map(({ index }) => index))
  const fresh = Array.from({ length: to - from }, (_, i) => from + i).filter(index => !known.has(index))
  const made = await insertItems(
    tx,
    split,
    fresh.map(index => ({ id: deps.ids.next(), index })),
  )
  const { priority } = split
  await deps.queue.enqueue(
    tx,
    made.map(id => turnJob({ id, priority }, { turn: 0 })),
  )
  const retried = left.flatMap(({ id, index }) => (index < to ? [id] : []))
  const command = { verb: 'retry', by: byOf(split), ofSplit: true } as const
  if (retried.length > 0) await controlIn(tx, deps, { command, executionIds: retried })
  return { passed: to - from, begun: made.length + retried.length }
}

/** What is not the making of items; whether anything was done. */
async function carryOut(deps: ChildrenDeps, split: Standing): Promise<boolean> {
  let didAny = false
  for (const step of stepsOf(split)) {
    if (step.kind === 'open') continue
    if (step.kind === 'end') await deps.pool.transaction(tx => endSplit(tx, split))
    else if (step.kind === 'gather') await gather(deps, split)
    else {
      const reason = step.kind === 'cancel' ? { reason: step.reason } : {}
      const command = { verb: step.kind, by: byOf(split), ...reason, ofSplit: true } as const
      const items = await findOpenItems(deps.pool, split)
      const answers = await control(deps, command, itemsFor(step.kind, items))
      if (!answers.some(answer => answer.kind === 'done')) continue
    }
    didAny = true
  }
  return didAny
}

function itemsFor(verb: 'cancel' | 'pause' | 'resume', items: Awaited<ReturnType<typeof findOpenItems>>): string[] {
  const wanted = verb === 'cancel' ? items : items.filter(({ status }) => (status === 'paused') === (verb === 'resume'))
  return wanted.map(({ id }) => id)
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
