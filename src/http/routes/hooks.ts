// The URLs of webhook triggers. A signature is over the bytes that were sent: bodies are handed on as they are. Every method
// comes here, since which of them a hook takes is nobody's business who does not know the hook.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Accepted, Answer, Receiver } from '../../inbox/receive.ts'
import { type Refused, refusalStatuses } from '../../inbox/refusal.ts'
import { HOOKS_PATH } from '../../trigger/hooks.ts'
import { PROBLEM_TYPE, problem } from '../problem.ts'

const EXECUTION_ID = 'mbflow-execution-id'

export function addHookRoutes(app: FastifyInstance, receiver: Receiver): void {
  const untilGone = createPatience(app)
  app.all(`${HOOKS_PATH}:token`, async (request, reply) =>
    send(reply, await receiver.receive(callOf(request), untilGone(reply))),
  )
}

/** Aborts when the sender of a request has gone, or the server goes. */
function createPatience(app: FastifyInstance): (reply: FastifyReply) => AbortSignal {
  const waiting = new Set<AbortController>()
  let isClosing = false
  app.addHook('preClose', async () => {
    isClosing = true
    for (const one of waiting) one.abort()
  })
  return ({ raw }) => {
    const patience = new AbortController()
    if (isClosing) patience.abort()
    waiting.add(patience)
    raw.once('close', () => {
      waiting.delete(patience)
      if (!raw.writableFinished) patience.abort() // which makes an exception, with its stack
    })
    return patience.signal
  }
}

function callOf({ params, raw, body, ip }: FastifyRequest) {
  const { token } = params as { token: string }
  const { method = '', headers, url = '', socket } = raw
  const mark = url.indexOf('?')
  const query = mark < 0 ? '' : url.slice(mark + 1)
  const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0)
  return { token, peer: socket.remoteAddress ?? ip, request: { method, headers, query, body: bytes } }
}

function send(reply: FastifyReply, answer: Answer): FastifyReply {
  switch (answer.kind) {
    case 'refused':
      return refuse(reply, answer)
    case 'reply':
      return reply.type(answer.contentType).send(answer.body)
    case 'accepted':
      return accept(reply, answer)
  }
}

function refuse(reply: FastifyReply, { code, message, retryAfter, authenticate }: Refused): FastifyReply {
  const status = refusalStatuses[code]
  if (authenticate !== undefined) reply.header('www-authenticate', authenticate)
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
  else if (status === 503) reply.header('retry-after', 60) // until somebody has mended it
  return reply
    .code(status)
    .type(PROBLEM_TYPE)
    .send(problem(status, code, message))
}

const STATUSES = { fired: 'accepted', buffered: 'buffered', coalesced: 'skipped', skipped: 'skipped' } as const

function accept(reply: FastifyReply, { fate, end }: Accepted): FastifyReply {
  const { disposition, reason, executionId, repeated } = fate
  if (executionId !== null) reply.header(EXECUTION_ID, executionId)
  if (end?.status === 'completed')
    return reply.type('application/json; charset=utf-8').send(JSON.stringify(end.output ?? null))
  if (end !== null) {
    const answer = problem(500, 'EXECUTION_FAILED', `the execution did not complete: it is ${end.status}`)
    return reply.code(answer.status).type(PROBLEM_TYPE).send(answer)
  }
  return reply.code(202).send({ status: STATUSES[disposition], reason, execution_id: executionId, repeated })
}
