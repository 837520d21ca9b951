// "Run now": a person or a program asks a trigger to fire. The request key makes it happen once; without one every
// request is its own.
import { createHash } from 'node:crypto'
import { MbflowError } from '../base/errors.ts'
import { isJsonObject, type JsonObject } from '../base/json.ts'
import type { Pool } from '../db/pool.ts'
import { limitsOverlap } from './dispose.ts'
import { type Disposal, type FireDeps, fire } from './fire.ts'
import { mayStart } from './overlap.ts'
import { countOpen, databaseNow, type EarlierRequest, findRequest, loadTriggers, lockTrigger } from './store.ts'
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
    // Sent together, done in this order: the trigger and the instant are those under the mutex.
    const [, [trigger], now] = await Promise.all([
      lockTrigger(tx, request.triggerId),
      loadTriggers(tx, [request.triggerId]),
      databaseNow(tx),
    ])
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
    const requestHash = hashOf(input)
    const open = limitsOverlap(trigger) ? ((await countOpen(tx, [trigger.id])).get(trigger.id) ?? 0) : 0
    const disposal: Disposal = mayStart(overlapPolicy(trigger.config), open)
      ? { trigger, fireKey, disposition: 'fired', reason: null, slots: null, input, requestHash }
      : { trigger, fireKey, disposition: 'skipped', reason: 'overlap', slots: null, input, requestHash }
    const { recorded, fired } = await fire(tx, deps, { disposals: [disposal], now })
    if (recorded === 0)
      return repeated(await findRequest(tx, { triggerId: trigger.id, fireKey }), { request, requestHash })
    return { executionId: fired[0]?.executionId ?? null, repeated: false }
  })
}

/** The same key again: what came of it the first time, if it asked for the same. */
function repeated(
  earlier: EarlierRequest | undefined,
  { request, requestHash }: { request: ManualRequest; requestHash: string },
): ManualFire {
  if (earlier?.requestHash !== requestHash) {
    throw new MbflowError(
      'REQUEST_CONFLICT',
      `the key ${JSON.stringify(request.key)} was used before, with another input`,
      {
        hint: 'a key stands for one request: use another one',
      },
    )
  }
  return { executionId: earlier.executionId, repeated: true }
}

/** Of the input, whatever the order of its fields. */
function hashOf(input: JsonObject): string {
  const sorted = JSON.stringify(input, (_, value: unknown) =>
    isJsonObject(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value,
  )
  return createHash('sha256').update(sorted).digest('hex')
}
