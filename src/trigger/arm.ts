// Changes to a trigger: create, edit (also enable, disable, pause, resume), delete; each one transaction under the trigger's mutex. An edit
// first disposes of what the old rule owed until now, then writes the next spec and sets the cursor to the first slot of
// the new rule: no slot falls between two rules, none is fired by both. Every daemon is told at once.

import { isDeepStrictEqual } from 'node:util'
import { MbflowError } from '../base/errors.ts'
import type { Ids } from '../base/id.ts'
import type { Logger } from '../base/log.ts'
import { databaseNow } from '../db/database-time.ts'
import { notify } from '../db/listener.ts'
import type { Pool, Tx } from '../db/pool.ts'
import { disposeOwed, firstSlotAfter } from './dispose.ts'
import { type FireDeps, fire } from './fire.ts'
import { giveToken } from './hooks.ts'
import { dropWaiting } from './ledger.ts'
import { loadStanding } from './standing.ts'
import { endCooldown } from './start-store.ts'
import {
  deleteTriggers,
  insertSpec,
  insertTrigger,
  loadTriggers,
  lockCursor,
  lockTrigger,
  moveCursors,
  updateTrigger,
} from './store.ts'
import { isArmed, type Trigger } from './trigger.ts'

export interface ArmDeps extends FireDeps {
  readonly pool: Pool
  readonly log: Logger
}

/** What an edit may change; the key, the id and the anchor stay. */
export type TriggerChange = Partial<
  Pick<Trigger, 'workflowId' | 'name' | 'type' | 'config' | 'enabled' | 'pausedAt' | 'pausedBy' | 'pauseNote'>
>

export type NewTrigger = Pick<Trigger, 'workflowId' | 'workflowName' | 'key' | 'name' | 'type' | 'config' | 'enabled'>

export async function createTrigger(tx: Tx, { ids }: { ids: Ids }, wanted: NewTrigger): Promise<Trigger> {
  const now = await databaseNow(tx)
  const anchorAt = new Date(Math.floor(now.getTime() / 1000) * 1000)
  const trigger: Trigger = {
    ...wanted,
    id: ids.next(),
    specVersion: 1,
    anchorAt,
    pausedAt: null,
    pausedBy: null,
    pauseNote: null,
    lastTriggeredAt: null,
    workflowPriority: null,
  }
  await insertTrigger(tx, trigger)
  await giveToken(tx, trigger)
  await insertSpec(tx, trigger, now)
  await setCursor(tx, trigger, now)
  await notify(tx, 'triggers')
  return trigger
}

/** Applies the change to the trigger as it stands under its mutex; nothing happens when it changes nothing. */
export async function editTrigger(
  tx: Tx,
  deps: ArmDeps,
  { id, change }: { id: string; change: TriggerChange },
): Promise<Trigger> {
  await lockTrigger(tx, id)
  const before = await reload(tx, id)
  const after: Trigger = { ...before, ...change }
  if (isDeepStrictEqual(before, after)) return before
  const now = await databaseNow(tx)
  const edited = { ...after, specVersion: before.specVersion + 1 }
  if (isArmed(before)) await disposeUntil(tx, deps, { trigger: before, now })
  await updateTrigger(tx, edited)
  await giveToken(tx, edited)
  // The rest after the last fire was that of another rule.
  if (before.config.cooldown !== after.config.cooldown) await endCooldown(tx, id)
  await insertSpec(tx, edited, now)
  await setCursor(tx, edited, now)
  await notify(tx, 'triggers')
  return edited
}

export async function removeTriggers(tx: Tx, deps: ArmDeps, ids: readonly string[]): Promise<void> {
  for (const id of [...ids].sort()) {
    await lockTrigger(tx, id)
    await disposeUntil(tx, deps, { trigger: await reload(tx, id), now: await databaseNow(tx) })
  }
  await dropWaiting(tx, ids)
  await deleteTriggers(tx, ids)
}

export function enableTrigger(deps: ArmDeps, id: string): Promise<Trigger> {
  return deps.pool.transaction(tx => editTrigger(tx, deps, { id, change: { enabled: true } }))
}

export function disableTrigger(deps: ArmDeps, id: string): Promise<Trigger> {
  return deps.pool.transaction(tx => editTrigger(tx, deps, { id, change: { enabled: false } }))
}

/** Pauses a trigger because its slots cannot be computed; its rule stays for a human to mend. */
export async function disarm(
  { pool, log }: Pick<ArmDeps, 'pool' | 'log'>,
  trigger: Trigger,
  error: string,
): Promise<void> {
  log.error(
    { evt: 'trigger.disarmed', triggerId: trigger.id, workflow: trigger.workflowName, key: trigger.key, error },
    'a trigger was disarmed',
  )
  await pool.transaction(async tx => {
    await lockTrigger(tx, trigger.id)
    const current = await reload(tx, trigger.id)
    if (!isArmed(current) || current.specVersion !== trigger.specVersion) return
    const now = await databaseNow(tx)
    const disarmed = {
      ...current,
      specVersion: current.specVersion + 1,
      pausedAt: now,
      pausedBy: 'mbflow',
      pauseNote: `disarmed: ${error}`,
    }
    await updateTrigger(tx, disarmed)
    await insertSpec(tx, disarmed, now)
    await moveCursors(tx, [{ id: trigger.id, nextFireAt: null }])
  })
}

async function reload(tx: Tx, id: string): Promise<Trigger> {
  const [trigger] = await loadTriggers(tx, [id])
  if (trigger === undefined)
    throw new MbflowError('TRIGGER_NOT_FOUND', `there is no trigger ${id}`, { hint: 'mbflow trigger list' })
  return trigger
}

/** Everything the rule owes up to now gets its disposition. */
async function disposeUntil(tx: Tx, deps: FireDeps, { trigger, now }: { trigger: Trigger; now: Date }): Promise<void> {
  let cursor = (await lockCursor(tx, trigger.id))?.getTime() ?? null
  if (cursor === null || cursor > now.getTime()) return
  let standing = (await loadStanding(tx, [trigger]))(trigger)
  while (cursor !== null && cursor <= now.getTime()) {
    const done = disposeOwed(trigger, { ...standing, cursor, now: now.getTime(), room: Number.POSITIVE_INFINITY })
    await fire(tx, deps, { disposals: done.disposals, now })
    standing = done.standing
    cursor = done.next
  }
}

async function setCursor(tx: Tx, trigger: Trigger, now: Date): Promise<void> {
  const next = isArmed(trigger) ? firstSlotAfter(trigger, now.getTime()) : null
  await moveCursors(tx, [{ id: trigger.id, nextFireAt: next === null ? null : new Date(next) }])
}
