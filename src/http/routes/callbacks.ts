// The URLs where nodes are called back. Whoever knows one may use it; of what there is, a URL that is wrong tells nothing.
import type { FastifyInstance } from 'fastify'
import type { Json } from '../../base/json.ts'
import { CALLBACKS_PATH, type Found } from '../../execution/callbacks.ts'
import { available, readJson, refuse } from '../json-request.ts'

export interface CallbacksDeps {
  callbackAt(token: string): Promise<Found | undefined>
  /** Throws CALLBACK_GONE, CALLBACK_USED, CALLBACK_INVALID. */
  callBack(found: Found, output: Json): Promise<void>
}

export function addCallbackRoutes(app: FastifyInstance, { callbackAt, callBack }: CallbacksDeps): void {
  app.post<{ Params: { token: string } }>(`${CALLBACKS_PATH}:token`, async (request, reply) => {
    const found = await available(callbackAt(request.params.token))
    if (found === undefined) return reply.callNotFound()
    const read = readJson(request)
    if ('status' in read) return refuse(reply, read)
    await available(callBack(found, read.value))
    return { status: 'accepted', execution_id: found.executionId, node: found.node }
  })
}
