// An execution that waits for a server which never answers is cancelled, from a process that is none of the two daemons:
// how long until the daemon that holds it has broken off the request.
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from '../../src/base/clock.ts'
import { createMetrics } from '../../src/base/metrics.ts'
import { control } from '../../src/execution/control.ts'
import type { Bench } from '../bench.ts'
import { type Ground, onGround } from '../ground.ts'
import { quantile } from '../report.ts'
import { begin, over, publish, type Shape, type Workflow } from '../shapes.ts'
import { ROUNDS } from '../throughput.ts'

const COUNT = 100
const DAEMONS = 2

export async function run({ quick, figure }: Bench): Promise<void> {
  const count = quick ? COUNT / 10 : COUNT
  await onGround(async ground => {
    const server = await startHanging()
    const workflow = await publish(ground, calling(server.url))
    for (let i = 0; i < DAEMONS; i++) await ground.daemon({ MBFLOW_ALLOW_PRIVATE: '127.0.0.1' })
    await aborts(ground, { workflow, server, count: 10 }) // warms up
    const rounds: number[][] = []
    for (let i = 0; i < ROUNDS; i++) rounds.push(await aborts(ground, { workflow, server, count }))
    server.close()
    const each = (q: number): number[] => rounds.map(times => quantile(times, q))
    figure({ name: 'cancel → request broken off, p50', unit: 'ms', values: each(0.5) })
    figure({ name: 'cancel → request broken off, p99', unit: 'ms', values: each(0.99), bar: '≤ 100' })
  })
}

function calling(url: string): Shape {
  const call = { key: 'call', name: 'call', type: 'http', config: { url }, policy: { timeout_ms: 60_000 } }
  return { name: 'cancel', waves: 1, nodes: [call], edges: [], events: [] }
}

interface Hanging {
  readonly url: string
  /** The next request, which gets no answer. */
  asked(): Promise<ServerResponse>
  close(): void
}

async function startHanging(): Promise<Hanging> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    asked: async () => (await once(server, 'request'))[1],
    close: () => server.close(),
  }
}

/** Milliseconds from the command, its commit included. */
async function aborts(
  ground: Ground,
  { workflow, server, count }: { workflow: Workflow; server: Hanging; count: number },
): Promise<number[]> {
  const deps = { ...ground, metrics: createMetrics() }
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const asked = server.asked()
    const batch = await begin(ground, workflow, { count: 1 })
    const response = await asked
    const closed = once(response, 'close')
    await systemClock.sleep(20 + Math.random() * 30)
    const startedAt = performance.now()
    await Promise.all([control(deps, { verb: 'cancel', by: 'bench' }, [batch.first]), closed])
    times.push(performance.now() - startedAt)
    await over(ground, batch)
  }
  return times
}
