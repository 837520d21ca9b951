// Requests whose body is JSON, and answers that need the database.
import type { FastifyReply, FastifyRequest } from 'fastify'
import { MbflowError } from '../base/errors.ts'
import type { Json } from '../base/json.ts'
import { isTransient } from '../db/pool.ts'
import { checkMediaType, readBody } from '../inbox/body.ts'
import { refusalStatuses } from '../inbox/refusal.ts'
import { PROBLEM_TYPE, type ProblemDocument, problem } from './problem.ts'

/** The body of a POST; null where there is none. */
export function readJson({ headers, body }: FastifyRequest): { readonly value: Json } | ProblemDocument {
  const request = { method: 'POST', query: '', headers, body: Buffer.isBuffer(body) ? body : Buffer.alloc(0) }
  const read = checkMediaType(request, ['json']) ?? readBody(request)
  return 'kind' in read ? problem(refusalStatuses[read.code], read.code, read.message) : read
}

export function refuse(reply: FastifyReply, answer: ProblemDocument): FastifyReply {
  return reply.code(answer.status).type(PROBLEM_TYPE).send(answer)
}

/** Throws DATABASE_UNAVAILABLE where that is why the work failed. */
export async function available<T>(work: Promise<T>): Promise<T> {
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
