// The way in for events. It serves this machine only, unless the operator says that something else stands guard.
import type { FastifyInstance } from 'fastify'
import { MbflowError } from '../../base/errors.ts'
import type { Accepted } from '../../inbox/accept.ts'
import type { InboundEvent } from '../../inbox/cloud-event.ts'
import { readEvents } from '../../inbox/event-request.ts'
import { isFromHere } from '../from-here.ts'
import { refuse } from '../json-request.ts'
import { problem } from '../problem.ts'

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
