// "Run now": a person or a program asks a trigger to fire. The request key makes it happen once; without one every
// request is its own.
import { MbflowError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { notify } from '../db/listener.ts'
import type { Pool } from '../db/pool.ts'
import { limitsOverlap } from './dispose.ts'
import { type Disposal, type FireDeps, fire } from './fire.ts'
import { mayStart } from './overlap.ts'
import { countOpen, databaseNow, findExecution, loadTriggers, lockTrigger } from './store.ts'
import { inputOf, overlapPolicy, requestKey } from './trigger.ts'

export interface ManualRequest {
  readonly triggerId: string
  /** Replaces fields of the trigger's own input. */
  readonly input: JsonObject
  /** Who asks: the scope of the key. */
  readonly scope: string
  readonly key?: string
}

export interface ManualFire {
  /** Null: nothing was started, because the overlap policy forbids it. */
  readonly executionId: string | null
  /** The key was used before: this is what came of it then. */
  readonly repeated: boolean
}

export async function fireManually(
  deps: FireDeps & { readonly pool: Pool },
  request: ManualRequest,
): Promise<ManualFire> {
  return deps.pool.transaction(async tx => {
    await lockTrigger(tx, request.triggerId)
    const [trigger] = await loadTriggers(tx, [request.triggerId])
    if (trigger === undefined)
      throw new MbflowError('TRIGGER_NOT_FOUND', `there is no trigger ${request.triggerId}`, {
        hint: 'mbflow trigger list',
      })
    if (!trigger.enabled) {
      const why = trigger.pauseNote === null ? '' : ` (${trigger.pauseNote})`
      throw new MbflowError(
        'TRIGGER_DISABLED',
        `the trigger ${trigger.workflowName}/${trigger.key} is disabled${why}`,
        {
          hint: `mbflow trigger enable ${trigger.workflowName}/${trigger.key}`,
        },
      )
    }
    const fireKey = requestKey(request.scope, request.key ?? deps.ids.next())
    const input = { ...inputOf(trigger.config), ...request.input }
    const open = limitsOverlap(trigger) ? ((await countOpen(tx, [trigger.id])).get(trigger.id) ?? 0) : 0
    const disposal: Disposal = mayStart(overlapPolicy(trigger.config), open)
      ? { trigger, fireKey, disposition: 'fired', reason: null, slots: null, input }
      : { trigger, fireKey, disposition: 'skipped', reason: 'overlap', slots: null, input }
    const { recorded, fired } = await fire(tx, deps, { disposals: [disposal], now: await databaseNow(tx) })
    if (recorded === 0)
      return { executionId: await findExecution(tx, { triggerId: trigger.id, fireKey }), repeated: true }
    if (fired.length > 0) await notify(tx, 'jobs')
    return { executionId: fired[0]?.executionId ?? null, repeated: false }
  })
}
