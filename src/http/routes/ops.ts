// What operators and their tools ask a daemon: is it alive, is it ready, what does it measure, what is this at all.
import type { FastifyInstance } from 'fastify'
import type { Metrics } from '../../base/metrics.ts'
import { version } from '../../base/version.ts'
import type { Health } from '../health.ts'

export interface OpsDeps {
  readonly health: Health
  readonly metrics: Pick<Metrics, 'expose'>
}

const ABOUT = `MBFlow ${version}: triggers that run workflows, on PostgreSQL.

  /healthz   answers while the process is alive
  /readyz    whether it can do its work, check by check
  /metrics   measurements in the format of Prometheus

There is no web interface yet; use the command line: mbflow --help
`

export function addOpsRoutes(app: FastifyInstance, { health, metrics }: OpsDeps): void {
  app.get('/', async (_request, reply) => reply.type('text/plain; charset=utf-8').send(ABOUT))

  app.get('/healthz', async () => ({ status: 'alive' }))

  app.get('/readyz', async (_request, reply) => {
    const readiness = await health.ready()
    return reply.code(readiness.ready ? 200 : 503).send(readiness)
  })

  app.get('/metrics', async (_request, reply) => {
    const { contentType, body } = await metrics.expose()
    return reply.type(contentType).send(body)
  })
}
