// Pausing: nothing of a trigger fires until it is resumed, whatever its document says. Slots of that time are not owed:
// they are explained from the rules the trigger had, and have no rows. What waits for room goes on waiting.
import { databaseNow } from '../db/database-time.ts'
import type { Tx } from '../db/pool.ts'
import { type ArmDeps, editTrigger } from './arm.ts'
import { failingOf } from './standing.ts'
import { startPolicy } from './start-policy.ts'
import { loadTriggers, lockTrigger } from './store.ts'
import { isArmed, type Trigger } from './trigger.ts'

export interface PauseRequest {
  readonly id: string
  /** `cli:<user>`, or `mbflow`. */
  readonly by: string
  readonly note: string | null
}

/** Slots up to now are disposed of first. Of one that is paused already, the author and the note are replaced. */
export function pauseTrigger(deps: ArmDeps, request: PauseRequest): Promise<Trigger> {
  return deps.pool.transaction(tx => pauseIn(tx, deps, request))
}

async function pauseIn(tx: Tx, deps: ArmDeps, { id, by, note }: PauseRequest): Promise<Trigger> {
  const change = { pausedAt: await databaseNow(tx), pausedBy: by, pauseNote: note }
  return editTrigger(tx, deps, { id, change })
}

/** It goes on with its next slot. */
export function resumeTrigger(deps: ArmDeps, id: string): Promise<Trigger> {
  return deps.pool.transaction(tx => editTrigger(tx, deps, { id, change: RESUMED }))
}

const RESUMED = { pausedAt: null, pausedBy: null, pauseNote: null }

/** Pauses a trigger of which too many executions failed in a row, unless that was mended meanwhile. */
export function pauseFailing(deps: ArmDeps, id: string): Promise<void> {
  return deps.pool.transaction(async tx => {
    await lockTrigger(tx, id)
    const [trigger] = await loadTriggers(tx, [id])
    if (trigger === undefined || !isArmed(trigger) || !(await failingOf(tx, [trigger])).has(id)) return
    const { pauseAfter } = startPolicy(trigger.config)
    const note = pauseAfter === 1 ? 'an execution failed' : `${pauseAfter} executions in a row failed`
    await pauseIn(tx, deps, { id, by: 'mbflow', note: `${note} (pause_after_failures)` })
    deps.log.warn(
      { evt: 'trigger.paused', triggerId: id, workflow: trigger.workflowName, key: trigger.key, failures: pauseAfter },
      'a trigger was paused, because its executions fail',
    )
  })
}
