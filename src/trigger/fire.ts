// The fire: ledger rows, executions, queue jobs and `last_triggered_at` in the caller's transaction. Whatever asks for a
// fire (poller, command, request) comes through here, under the trigger's mutex. Invariants:
// 1. An execution starts only for a ledger row that this transaction inserted, or turned from buffered to fired: twice the
//    same fire key starts one.
// 2. The version that runs is the one the locked trigger row names.
import type { Ids } from '../base/id.ts'
import type { Metrics } from '../base/metrics.ts'
import { notify } from '../db/listener.ts'
import type { Tx } from '../db/pool.ts'
import { type NewExecution, startExecutions } from '../execution/start.ts'
import type { Queue } from '../queue/queue.ts'
import { cooldownOf } from './cooldown.ts'
import { type Carried, inputOf, triggerData } from './input.ts'
import {
  type Disposition,
  type DispositionReason,
  type LedgerRow,
  ledgerKey,
  markReleased,
  recordDispositions,
  type WaitingFire,
} from './ledger.ts'
import { priorityOf } from './priority.ts'
import { countsFailures, limitsOverlap, rests } from './start-policy.ts'
import { startCooldowns } from './start-store.ts'
import { markTriggered } from './store.ts'
import { isBackfilled, slotKey, type Trigger } from './trigger.ts'
import type { Instant } from './trigger-type.ts'

export interface FireDeps {
  readonly queue: Queue
  readonly ids: Ids
  readonly metrics: Metrics
}

/** What is to become of one fire key: a slot, a run of slots, or a request. */
export interface Disposal {
  readonly trigger: Trigger
  readonly fireKey: string
  readonly disposition: Disposition
  readonly reason: DispositionReason | null
  readonly slots: { readonly from: Instant; readonly until: Instant; readonly count: number } | null
  /** Read when it is fired, and kept while it waits; nothing for a slot. */
  readonly carried?: Carried
  /** Of a request: what it asked for, so that its key cannot stand for something else later. */
  readonly requestHash?: string
}

export interface Fired {
  /** `workflow/key`. */
  readonly trigger: string
  readonly fireKey: string
  readonly executionId: string
}

export interface FireReport {
  /** Disposals that were new; the others had been carried out before. */
  readonly recorded: number
  readonly fired: readonly Fired[]
}

/** Carries out the disposals that are new; `now` is the transaction's instant. */
export async function fire(
  tx: Tx,
  deps: FireDeps,
  { disposals, now }: { disposals: readonly Disposal[]; now: Date },
): Promise<FireReport> {
  const planned = disposals.map(disposal => ({ disposal, row: ledgerRow(disposal, deps.ids) }))
  const recorded = await recordDispositions(
    tx,
    planned.map(({ row }) => row),
  )
  const fresh = planned.filter(({ row }) => recorded.has(ledgerKey(row)))
  const starts = fresh.flatMap(({ disposal, row: { executionId } }) =>
    executionId === null ? [] : [{ disposal, executionId }],
  )
  const fired = await begin(tx, deps, { starts, now })
  for (const { disposal } of fresh) observe(deps.metrics, disposal, now)
  // What waits is released by a transaction of its own, after this one.
  if (fresh.some(({ row }) => row.disposition === 'buffered')) await notify(tx, 'triggers')
  return { recorded: fresh.length, fired }
}

/** Starts what waited, of triggers whose mutexes are held. */
export async function fireWaiting(
  tx: Tx,
  deps: FireDeps,
  { waiting, triggers, now }: { waiting: readonly WaitingFire[]; triggers: readonly Trigger[]; now: Date },
): Promise<readonly Fired[]> {
  const byId = new Map(triggers.map(trigger => [trigger.id, trigger]))
  const planned = waiting.flatMap(({ triggerId, fireKey, slotAt, carried }) => {
    const trigger = byId.get(triggerId)
    if (trigger === undefined) return []
    const slots = slotAt && { from: slotAt.getTime(), until: slotAt.getTime(), count: 1 }
    const disposal: Disposal = {
      trigger,
      fireKey,
      disposition: 'fired',
      reason: null,
      slots,
      carried: carried ?? {},
    }
    return [{ triggerId, fireKey, executionId: deps.ids.next(), disposal }]
  })
  const released = await markReleased(tx, planned)
  const starts = planned.filter(one => released.has(ledgerKey(one)))
  const fired = await begin(tx, deps, { starts, now })
  for (const { disposal } of starts) observe(deps.metrics, disposal, now)
  return fired
}

interface Start {
  readonly disposal: Disposal
  readonly executionId: string
}

async function begin(
  tx: Tx,
  deps: FireDeps,
  { starts, now }: { starts: readonly Start[]; now: Date },
): Promise<readonly Fired[]> {
  const executions = starts.map(({ disposal, executionId }) => newExecution(disposal, executionId, now))
  await Promise.all([
    startExecutions(tx, deps.queue, executions),
    markTriggered(tx, [...new Set(starts.map(({ disposal }) => disposal.trigger.id))]),
    startCooldowns(tx, restsOf(starts, now.getTime())),
    executions.length > 0 ? notify(tx, 'jobs') : undefined,
  ])
  return starts.map(({ disposal: { trigger, fireKey }, executionId }) => ({
    trigger: `${trigger.workflowName}/${trigger.key}`,
    fireKey,
    executionId,
  }))
}

/** Until when the triggers with a cooldown rest; the last fire of each counts. */
function restsOf(starts: readonly Start[], now: Instant): Map<string, Date> {
  // A backfill goes at its own pace.
  const resting = starts.filter(({ disposal }) => rests(disposal.trigger) && !isBackfilled(disposal.fireKey))
  return new Map(
    resting.map(({ disposal: { trigger, slots } }) => {
      const { fireInstant, restsUntil } = cooldownOf(trigger)
      return [trigger.id, new Date(restsUntil(fireInstant(slots?.from ?? null, now)))]
    }),
  )
}

function ledgerRow(disposal: Disposal, ids: Ids): LedgerRow {
  const { trigger, fireKey, disposition, reason, slots, carried, requestHash } = disposal
  return {
    triggerId: trigger.id,
    fireKey,
    disposition,
    reason,
    slotAt: slots && new Date(slots.from),
    slotUntil: slots && new Date(slots.until),
    slotCount: slots?.count ?? 1,
    executionId: disposition === 'fired' ? ids.next() : null,
    requestHash: requestHash ?? null,
    carried: disposition === 'buffered' ? (carried ?? null) : null,
  }
}

function newExecution({ trigger, fireKey, slots, carried = {} }: Disposal, id: string, now: Date): NewExecution {
  return {
    id,
    workflowId: trigger.workflowId,
    triggerId: trigger.id,
    scheduledFor: slots && new Date(slots.from),
    fireKey,
    triggerData: triggerData(trigger, { fireKey, slot: slots?.from, now, carried }),
    ...inputOf(trigger.config, carried),
    priority: priorityOf(trigger, { fireKey, carried }),
    reportsEnd: limitsOverlap(trigger) || countsFailures(trigger),
  }
}

function observe(metrics: Metrics, { trigger, fireKey, disposition, slots }: Disposal, now: Date): void {
  metrics.fires.inc({ type: trigger.type, disposition }, slots?.count ?? 1)
  // Of what was asked for long after its time, lateness says nothing.
  if (disposition === 'fired' && slots && fireKey === slotKey(slots.from))
    metrics.fireLateness.observe(Math.max(0, now.getTime() - slots.from) / 1000)
}
