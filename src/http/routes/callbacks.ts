// The URLs where nodes are called back. Whoever knows one may use it; of what there is, a URL that is wrong tells nothing.
import type { FastifyInstance } from 'fastify'
import { MbflowError } from '../../base/errors.ts'
import type { Json } from '../../base/json.ts'
import { isTransient } from '../../db/pool.ts'
import { CALLBACKS_PATH, type Found } from '../../execution/callbacks.ts'
import { checkMediaType, readBody } from '../../inbox/body.ts'
import { refusalStatuses } from '../../inbox/refusal.ts'
import { PROBLEM_TYPE, problem } from '../problem.ts'

export interface CallbacksDeps {
  callbackAt(token: string): Promise<Found | undefined>
  /** Throws CALLBACK_GONE, CALLBACK_USED, CALLBACK_INVALID. */
  callBack(found: Found, output: Json): Promise<void>
}

export function addCallbackRoutes(app: FastifyInstance, { callbackAt, callBack }: CallbacksDeps): void {
  app.post<{ Params: { token: string } }>(`${CALLBACKS_PATH}:token`, async ({ params, headers, body }, reply) => {
    const found = await available(callbackAt(params.token))
    if (found === undefined) return reply.callNotFound()
    const request = { method: 'POST', query: '', headers, body: Buffer.isBuffer(body) ? body : Buffer.alloc(0) }
    const read = checkMediaType(request, ['json']) ?? readBody(request)
    if ('kind' in read) {
      const status = refusalStatuses[read.code]
      return reply
        .code(status)
        .type(PROBLEM_TYPE)
        .send(problem(status, read.code, read.message))
    }
    await available(callBack(found, read.value))
    return { status: 'accepted', execution_id: found.executionId, node: found.node }
  })
}

async function available<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!isTransient(error)) throw error
    throw new MbflowError('DATABASE_UNAVAILABLE', 'nothing can be recorded now: the database does not answer', {
      hint: 'send it again',
      cause: error,
    })
  }
}
