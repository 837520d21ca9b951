// The URLs where nodes are called back: opened by the attempt that asks for the call, before anything is sent, and used
// once. Invariants:
// 1. A token is stored nowhere, its hash is, before anybody can be told of it. Every attempt opens a URL of its own; all of
//    them stay good, since nobody knows which of the attempts reached whom. The first call counts.
// 2. A call that is accepted is recorded in the same transaction that wakes the execution. The same call again changes
//    nothing and is accepted as well; another one is refused.
import { untilAborted } from '../base/abort.ts'
import { MbflowError, type Problem } from '../base/errors.ts'
import { failpoint } from '../base/failpoint.ts'
import type { Json, JsonObject } from '../base/json.ts'
import { isTooLargeFor } from '../base/json-schema.ts'
import { checkSchema } from '../base/schema.ts'
import { createUrlToken, hashUrlToken } from '../base/url-token.ts'
import { outlast, type Pool } from '../db/pool.ts'
import type { Asked } from '../event/event.ts'
import { type Expected, type Found, findCallback, findCallbackOf, insertCallback } from './callback-store.ts'
import { type ControlDeps, controlIn } from './control.ts'

export type { Found } from './callback-store.ts'

/** Where tokens stand in URLs. */
export const CALLBACKS_PATH = '/callbacks/'

export interface Callbacks {
  /** Rejects with the signal's reason as soon as it aborts. */
  open(expected: Expected, signal: AbortSignal): Promise<{ readonly url: string; readonly token: string }>
}

/** `origin` is what URLs begin with, as soon as it is known. */
export function createCallbacks({ pool, origin }: { pool: Pool; origin: Promise<string> }): Callbacks {
  return {
    async open(expected, signal) {
      const token = createUrlToken()
      const stored = outlast(() => insertCallback(pool, hashUrlToken(token) ?? '', expected), signal)
      const [begin] = await untilAborted(signal, Promise.all([origin, stored]))
      return { token, url: `${begin}${CALLBACKS_PATH}${token}` }
    },
  }
}

/** By the token in a URL; undefined for one that was never given out. */
export async function callbackAt(pool: Pool, token: string): Promise<Found | undefined> {
  const hash = hashUrlToken(token)
  return hash === null ? undefined : findCallback(pool, hash)
}

/** By its node. Throws CALLBACK_NOT_FOUND. */
export async function callbackOf(pool: Pool, of: { executionId: string; node: string }): Promise<Found> {
  const found = await findCallbackOf(pool, of)
  if (found !== undefined) return found
  throw new MbflowError('CALLBACK_NOT_FOUND', `no node "${of.node}" of execution ${of.executionId} is called back`, {
    hint: 'mbflow execution show names its nodes; of the type webhook those with wait_for_callback are called back',
  })
}

/**
 * Gives the node its output. Throws CALLBACK_GONE when nothing waits for it any more, CALLBACK_USED when another output
 * came before, CALLBACK_INVALID when it does not fit the schema, INPUT_INVALID when it cannot be stored.
 */
export async function callBack(
  deps: ControlDeps & { readonly pool: Pool },
  { executionId, node, generation, schema }: Found,
  { output, ...asked }: Asked & { readonly output: Json },
): Promise<void> {
  const problems = schema ? misfits(schema, output) : []
  failpoint('callback.before')
  await deps.pool.transaction(async tx => {
    const command = { verb: 'callback', node, generation, output, ...asked } as const
    const [answer] = await controlIn(tx, deps, { command, executionIds: [executionId] })
    if (answer?.kind === 'refused') throw new MbflowError(answer.code, answer.why, { hint: answer.hint })
    // Nothing of it is kept, and the node waits on.
    if (answer?.kind === 'done' && problems.length > 0)
      throw new MbflowError('CALLBACK_INVALID', 'the output does not fit the schema of the node', { problems })
  })
  failpoint('callback.after')
}

function misfits(schema: JsonObject, output: Json): Problem[] {
  if (isTooLargeFor(schema, output)) return [{ path: 'output', message: 'has too many values to be checked' }]
  return checkSchema(schema, output, 'output')
}
