// "Run now": a person or a program asks a trigger to fire. The request key makes it happen once; without one every
// request is its own.

import { createHash } from 'node:crypto'
import { MbflowError } from '../base/errors.ts'
import { isJsonObject, type JsonObject } from '../base/json.ts'
import { checkStorable, jsonBytes, MAX_OUTPUT_BYTES } from '../base/json-limits.ts'
import { databaseNow } from '../db/database-time.ts'
import type { Db, Pool } from '../db/pool.ts'
import { isPriority, PRIORITIES } from '../workflow/priority.ts'
import { disposeRequest } from './dispose.ts'
import { type Disposal, type FireDeps, fire } from './fire.ts'
import { checkGiven } from './given.ts'
import type { Disposition, DispositionReason } from './ledger.ts'
import { loadStanding } from './standing.ts'
import { type EarlierRequest, findRequest, loadTriggers, lockTrigger } from './store.ts'
import { isArmed, outOfService, requestKey, type Trigger } from './trigger.ts'

export interface ManualRequest {
  readonly triggerId: string
  /** Replaces fields of the trigger's own input. */
  readonly input: JsonObject
  /** How urgent its execution is; absent = as the trigger says. */
  readonly priority?: number
  /** Who asks: the scope of the key. */
  readonly scope: string
  /** What the header Idempotency-Key holds, where there are headers. */
  readonly key?: string
}

export interface ManualFire {
  readonly disposition: Disposition
  /** Why nothing was started, if it was skipped. */
  readonly reason: DispositionReason | null
  /** Null: nothing was started, or not yet (`buffered`). */
  readonly executionId: string | null
  /** Names the request in the trigger's history. */
  readonly fireKey: string
  /** The key was used before: this is what came of it then. */
  readonly repeated: boolean
}

/** Throws TRIGGER_NOT_FOUND, TRIGGER_DISABLED, TRIGGER_PAUSED, INPUT_INVALID, REQUEST_CONFLICT. */
export async function fireManually(
  deps: FireDeps & { readonly pool: Pool },
  request: ManualRequest,
): Promise<ManualFire> {
  refuseUnusable(request)
  const { input, priority } = request
  const asked = priority === undefined ? {} : { priority }
  const requestHash = hashOf(priority === undefined ? input : { input, priority })
  return deps.pool.transaction(async tx => {
    const fireKey = requestKey(request.scope, request.key ?? deps.ids.next())
    // Sent together, done in this order: the trigger, the instant and the key are those under the mutex.
    const [, [trigger], now, earlier] = await Promise.all([
      lockTrigger(tx, request.triggerId),
      loadTriggers(tx, [request.triggerId]),
      databaseNow(tx),
      request.key === undefined ? undefined : findRequest(tx, { triggerId: request.triggerId, fireKey }),
    ])
    if (trigger === undefined)
      throw new MbflowError('TRIGGER_NOT_FOUND', `there is no trigger ${request.triggerId}`, {
        hint: 'mbflow trigger list',
      })
    if (earlier !== undefined) return { ...repeated(earlier, { request, requestHash }), fireKey }
    refuseUnlessFirable(trigger, input)
    const { disposition, reason } = disposeRequest(trigger, (await loadStanding(tx, [trigger]))(trigger), now.getTime())
    const disposal: Disposal = {
      trigger,
      fireKey,
      disposition,
      reason,
      slots: null,
      carried: { given: input, ...asked },
      requestHash,
    }
    const { fired } = await fire(tx, deps, { disposals: [disposal], now })
    return { disposition, reason, executionId: fired[0]?.executionId ?? null, fireKey, repeated: false }
  })
}

/** What makes no request, whatever the trigger. */
function refuseUnusable({ input, key, priority = 0 }: ManualRequest): void {
  if (!isPriority(priority))
    throw new MbflowError('INPUT_INVALID', `the priority must be ${PRIORITIES}, is ${priority}`)
  if (key !== undefined && !/^[\x20-\x7e]{1,255}$/.test(key)) {
    throw new MbflowError('INPUT_INVALID', `the idempotency key ${JSON.stringify(key)} cannot be used`, {
      hint: 'a key has 1 to 255 printable ASCII characters',
    })
  }
  const problem = checkStorable(input)
  if (problem !== null) throw new MbflowError('INPUT_INVALID', `the input cannot be stored: ${problem}`)
  const bytes = jsonBytes(input, MAX_OUTPUT_BYTES)
  if (bytes > MAX_OUTPUT_BYTES)
    throw new MbflowError('INPUT_INVALID', `the input has more than ${MAX_OUTPUT_BYTES} bytes as JSON`)
}

function refuseUnlessFirable(trigger: Trigger, given: JsonObject): void {
  const name = `${trigger.workflowName}/${trigger.key}`
  if (!isArmed(trigger)) {
    const { reason, text } = outOfService(trigger)
    const [code, verb] =
      reason === 'paused' ? (['TRIGGER_PAUSED', 'resume'] as const) : (['TRIGGER_DISABLED', 'enable'] as const)
    throw new MbflowError(code, `the trigger ${name} is ${text}`, { hint: `mbflow trigger ${verb} ${name}` })
  }
  const problems = checkGiven(trigger.config, given)
  if (problems.length > 0)
    throw new MbflowError('INPUT_INVALID', `the input does not fit the input_schema of ${name}`, { problems })
}

/** What became of a request, later: what waited may have been fired since. */
export async function requestOutcome(
  db: Db,
  request: { triggerId: string; fireKey: string },
): Promise<Pick<ManualFire, 'executionId' | 'disposition'> | undefined> {
  return findRequest(db, request)
}

/** The same key again: what came of it the first time, if it asked for the same. */
function repeated(
  earlier: EarlierRequest,
  { request, requestHash }: { request: ManualRequest; requestHash: string },
): Omit<ManualFire, 'fireKey'> {
  if (earlier.requestHash !== requestHash) {
    throw new MbflowError(
      'REQUEST_CONFLICT',
      `the key ${JSON.stringify(request.key)} was used before, with another input or priority`,
      {
        hint: 'a key stands for one request: use another one',
      },
    )
  }
  const { disposition, reason, executionId } = earlier
  return { disposition, reason, executionId, repeated: true }
}

/** Of what was asked for, whatever the order of its fields. */
function hashOf(asked: JsonObject): string {
  const sorted = JSON.stringify(asked, (_, value: unknown) =>
    isJsonObject(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value,
  )
  return createHash('sha256').update(sorted).digest('hex')
}
