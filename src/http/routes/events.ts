// The way in for events. Until requests carry tokens, what protects it is that strangers cannot reach it: it serves this
// machine only, unless the operator says that something else stands guard.
import { isIP } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { createAddressRanges } from '../../base/address-ranges.ts'
import { MbflowError } from '../../base/errors.ts'
import type { Accepted } from '../../inbox/accept.ts'
import type { InboundEvent } from '../../inbox/cloud-event.ts'
import { readEvents } from '../../inbox/event-request.ts'
import { PROBLEM_TYPE, type ProblemDocument, problem } from '../problem.ts'

export interface EventsDeps {
  /** Resolves when they are durable. */
  acceptEvents(events: readonly InboundEvent[]): Promise<readonly Accepted[]>
  /** Whose events are taken. */
  readonly acceptEventsOf: 'loopback' | 'anyone'
}

export function addEventRoutes(app: FastifyInstance, { acceptEvents, acceptEventsOf }: EventsDeps): void {
  app.post('/api/v1/events', async (request, reply) => {
    if (acceptEventsOf === 'loopback' && !isFromHere(request))
      return refuse(reply, problem(403, 'EVENTS_CLOSED', CLOSED))
    const { headers, body } = request
    const read = readEvents({ headers, body: Buffer.isBuffer(body) ? body : Buffer.alloc(0) })
    if ('unsupported' in read) return refuse(reply, problem(415, 'MEDIA_TYPE_UNSUPPORTED', read.unsupported))
    if ('problems' in read)
      throw new MbflowError('EVENT_INVALID', 'this is not an event of CloudEvents 1.0 that can be taken', {
        problems: read.problems,
      })
    return reply.code(202).send({ events: await acceptEvents(read.events) })
  })
}

const CLOSED =
  'this daemon takes events of its own machine only; MBFLOW_ACCEPT_EVENTS=anyone opens it, behind something that tells friends from strangers'

function refuse(reply: FastifyReply, answer: ProblemDocument): FastifyReply {
  return reply.code(answer.status).type(PROBLEM_TYPE).send(answer)
}

const loopback = createAddressRanges(['127.0.0.0/8', '::1'])

/**
 * Whether both ends are this machine, and whoever asks knows it as such. A page in a browser here that reaches us under a
 * name of its own (DNS rebinding) does not; nor does a proxy on this machine that passes requests of others on.
 */
function isFromHere({ socket, host, headers }: FastifyRequest): boolean {
  const isLocal = (address: string | undefined): boolean =>
    address !== undefined && isIP(address) !== 0 && loopback.has(address)
  const isForwarded = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'].some(name => headers[name] !== undefined)
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  const isKnownAsSuch = name === 'localhost' || isLocal(name)
  return isLocal(socket.remoteAddress) && isLocal(socket.localAddress) && isKnownAsSuch && !isForwarded
}
