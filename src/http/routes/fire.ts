// Fires a trigger by hand, for programs: what `mbflow trigger fire` does, with the key of the request in a header.
import type { FastifyInstance } from 'fastify'
import { MbflowError, type Problem } from '../../base/errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../../base/json.ts'
import type { ManualFire, ManualRequest } from '../../trigger/fire-manually.ts'
import { isFromHere } from '../from-here.ts'
import { available, readJson, refuse } from '../json-request.ts'
import { problem } from '../problem.ts'

export interface FireRouteDeps {
  /** By `workflow/key`, key or id. */
  fireTrigger(word: string, request: Omit<ManualRequest, 'triggerId'>): Promise<ManualFire>
}

const CLOSED = 'this daemon fires triggers for its own machine only, until requests can carry tokens'
const STATUSES = { fired: 'accepted', buffered: 'buffered', coalesced: 'skipped', skipped: 'skipped' } as const

export function addFireRoutes(app: FastifyInstance, { fireTrigger }: FireRouteDeps): void {
  app.post<{ Params: { trigger: string } }>('/api/v1/triggers/:trigger/fire', async (request, reply) => {
    if (!isFromHere(request)) return refuse(reply, problem(403, 'FIRE_CLOSED', CLOSED))
    const read = readJson(request)
    if ('status' in read) return refuse(reply, read)
    const { 'idempotency-key': key, 'content-type': type } = request.headers
    // A page in a browser on this machine may send a request without a body to us, but none of this type.
    if (type === undefined)
      return refuse(reply, problem(415, 'MEDIA_TYPE_UNSUPPORTED', 'send it as application/json, {} at least'))
    const wanted = { ...readRequest(read.value), scope: 'http', ...(typeof key === 'string' && { key }) }
    const fired = await available(fireTrigger(request.params.trigger, wanted))
    const { disposition, reason, executionId, fireKey, repeated } = fired
    return reply.code(202).send({
      status: STATUSES[disposition],
      reason,
      execution_id: executionId,
      fire_key: fireKey,
      repeated,
    })
  })
}

/** Throws INPUT_INVALID with every problem. */
function readRequest(body: Json): { input: JsonObject; priority?: number } {
  const fields = body === null ? {} : body
  const problems: Problem[] = []
  const { input = {}, priority, ...others } = isJsonObject(fields) ? fields : {}
  if (!isJsonObject(fields)) problems.push({ path: '', message: 'must be an object', hint: '{"input": {…}}' })
  for (const path of Object.keys(others)) problems.push({ path, message: 'is not known', hint: 'input, priority' })
  if (!isJsonObject(input)) problems.push({ path: 'input', message: 'must be an object' })
  if (priority !== undefined && typeof priority !== 'number')
    problems.push({ path: 'priority', message: 'must be a number' })
  if (problems.length > 0 || !isJsonObject(input))
    throw new MbflowError('INPUT_INVALID', 'the request cannot be carried out', { problems })
  return { input, ...(typeof priority === 'number' && { priority }) }
}
