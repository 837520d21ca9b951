// Fires hooks: the deliveries of many requests in one transaction, each of which is answered only after its commit.
//
// 1. A delivery was received under a rule; if the trigger has another one now, is disabled, or the token has run out, it is
//    not fired but received again.
// 2. Of the mutexes it needs it waits for one, while it holds none: it cannot be part of a deadlock. What another one is
//    needed for waits for the next batch, where it comes first.
// 3. One fire key is in a batch at most once per trigger.

import type { JsonObject } from '../base/json.ts'
import { findByKey } from '../db/by-key.ts'
import { databaseNow } from '../db/database-time.ts'
import type { Pool, Tx } from '../db/pool.ts'
import { disposeRequest, type Standing } from './dispose.ts'
import { type Disposal, type FireDeps, fire } from './fire.ts'
import { type Allowance, createAllowance, maxPerMinute } from './hook-rate.ts'
import { loadHooks, loadRates, saveRates } from './hook-store.ts'
import { ledgerKey } from './ledger.ts'
import { loadStanding } from './standing.ts'
import { type EarlierRequest, findRequests, lockTrigger, tryLockTriggers } from './store.ts'
import type { Trigger } from './trigger.ts'

export interface HookDelivery {
  /** Of the token in its URL. */
  readonly hash: string
  /** The trigger, as it was when the request was received. */
  readonly trigger: Trigger
  readonly fireKey: string
  /** SHA-256, hex, of what the same delivery says whenever it is sent again; null where that may differ. */
  readonly requestHash: string | null
  /** What it carries: body, headers and the like. */
  readonly fields: JsonObject
}

export type DeliveryFate =
  | ({ readonly kind: 'recorded'; readonly repeated: boolean } & Omit<EarlierRequest, 'requestHash'>)
  /** The same id came before with something else. */
  | { readonly kind: 'conflict' }
  | { readonly kind: 'limited'; readonly retryAfter: number }
  /** The hook is not what it was when the request was received. */
  | { readonly kind: 'changed' }
  /** Somebody holds the trigger's mutex. */
  | { readonly kind: 'contended' }

/** In the order of the batch, which is not empty. */
export function fireDeliveries(
  deps: FireDeps & { readonly pool: Pool },
  batch: readonly HookDelivery[],
): Promise<DeliveryFate[]> {
  return deps.pool.transaction(async tx => {
    const ground = await load(tx, batch)
    const decided = batch.map(delivery => decide(delivery, ground))
    const planned = decided.flatMap(one => ('disposal' in one ? [one.disposal] : []))
    const limited = [...ground.allowances].filter(([id]) => planned.some(({ trigger }) => trigger.id === id))
    const [{ fired }] = await Promise.all([
      fire(tx, deps, { disposals: planned, now: ground.now }),
      limited.length === 0
        ? undefined
        : saveRates(
            tx,
            limited.map(([triggerId, allowance]) => ({ triggerId, ...allowance.state() })),
          ),
    ])
    const executions = new Map(fired.map(one => [`${one.trigger} ${one.fireKey}`, one.executionId]))
    return decided.map((one): DeliveryFate => {
      if (!('disposal' in one)) return one
      const { trigger, fireKey, disposition, reason } = one.disposal
      const executionId = executions.get(`${trigger.workflowName}/${trigger.key} ${fireKey}`) ?? null
      return { kind: 'recorded', repeated: false, disposition, reason, executionId }
    })
  })
}

interface Ground {
  readonly now: Date
  readonly held: ReadonlySet<string>
  /** By hash. */
  readonly hooks: ReadonlyMap<string, Trigger>
  readonly before: ReadonlyMap<string, EarlierRequest>
  /** By trigger, of those with a limit. */
  readonly allowances: ReadonlyMap<string, Allowance>
  /** By trigger; what this batch adds is added. */
  readonly standing: Map<string, Standing>
}

async function load(tx: Tx, batch: readonly HookDelivery[]): Promise<Ground> {
  const rules = batch.map(({ trigger }) => trigger).sort((a, b) => a.specVersion - b.specVersion)
  const triggers = [...new Map(rules.map(trigger => [trigger.id, trigger])).values()] // the latest rule of each
  const ids = triggers.map(({ id }) => id)
  const limited = triggers.filter(({ config }) => Number.isFinite(maxPerMinute(config)))
  const hashes = [...new Set(batch.map(({ hash }) => hash))]
  // Sent together, done in this order: what is read is what stands under the mutexes.
  const [, , locked, rows, fires, now, rates, standing] = await Promise.all([
    findByKey(tx),
    lockTrigger(tx, batch[0]?.trigger.id ?? ''),
    tryLockTriggers(tx, ids),
    loadHooks(tx, hashes),
    findRequests(
      tx,
      batch.map(({ trigger, fireKey }) => ({ triggerId: trigger.id, fireKey })),
    ),
    databaseNow(tx),
    limited.length === 0
      ? []
      : loadRates(
          tx,
          limited.map(({ id }) => id),
        ),
    loadStanding(tx, triggers),
  ])
  const rateOf = new Map(rates.map(rate => [rate.triggerId, rate]))
  return {
    now,
    held: new Set(locked.map(({ id }) => id)),
    hooks: new Map(rows.flatMap(({ hash, now: _, ...row }) => (row.id === null ? [] : [[hash, row]]))),
    before: new Map(fires.map(one => [ledgerKey(one), one])),
    allowances: new Map(
      limited.map(({ id, config }) => [id, createAllowance(config, { before: rateOf.get(id), now })]),
    ),
    standing: new Map(triggers.map(one => [one.id, standing(one)])),
  }
}

function decide(delivery: HookDelivery, ground: Ground): DeliveryFate | { readonly disposal: Disposal } {
  const { fireKey, requestHash } = delivery
  if (!ground.held.has(delivery.trigger.id)) return { kind: 'contended' }
  const trigger = ground.hooks.get(delivery.hash)
  if (trigger?.specVersion !== delivery.trigger.specVersion) return { kind: 'changed' }
  const before = ground.before.get(ledgerKey({ triggerId: trigger.id, fireKey }))
  if (before !== undefined) {
    const { disposition, reason, executionId } = before
    const differs = requestHash !== null && before.requestHash !== null && requestHash !== before.requestHash
    if (differs) return { kind: 'conflict' }
    return { kind: 'recorded', repeated: true, disposition, reason, executionId }
  }
  const allowance = ground.allowances.get(trigger.id)
  if (allowance?.take() === false) return { kind: 'limited', retryAfter: allowance.retryAfter }
  const standing = ground.standing.get(trigger.id)
  if (standing === undefined) throw new Error(`nothing was asked about trigger ${trigger.id}`)
  const { standing: after, ...verdict } = disposeRequest(trigger, standing, ground.now.getTime())
  ground.standing.set(trigger.id, after)
  const carried = { fields: delivery.fields }
  return {
    disposal: { trigger, fireKey, ...verdict, slots: null, carried, ...(requestHash === null ? {} : { requestHash }) },
  }
}
