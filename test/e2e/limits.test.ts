// A limit as the world outside sees it: a server counts whom it serves at once, while four daemons share the work and one
// that has places is killed.
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { sql } from '../../src/db/sql.ts'
import { createTestDatabase } from '../support/database.ts'
import { createTestEngine } from '../support/engine.ts'
import { type Running, startMbflow } from '../support/processes.ts'

const CUSTOMERS = ['acme', 'bolt', 'cord']
const MAX = 3
const EACH = 80
const SLOWEST_MS = 40
/** So many are served before they all have to wait: then every place is taken, and one daemon is killed. */
const SERVED_BEFORE = 60

interface Counting {
  readonly url: string
  /** Resolves once every customer has as many that wait to be served as may be. */
  readonly full: Promise<void>
  /** Requests whose sender was gone before they were served. */
  cut(): number
  /** From now on whoever asks is served. */
  goOn(): void
  /** The most that were begun and not served at once, by customer. */
  most(): Record<string, number>
}

/** Who has asked counts until it is served, whatever becomes of its connection: what it stands for is not over. */
async function countingServer(): Promise<Counting> {
  const begun = new Map<string, Set<string>>()
  const most: Record<string, number> = {}
  const full = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  let served = 0
  let cut = 0
  const serve = async (customer: string, key: string, response: ServerResponse): Promise<void> => {
    const beside = begun.get(customer) ?? new Set()
    begun.set(customer, beside.add(key))
    response.on('close', () => {
      if (!response.writableFinished) cut++
    })
    most[customer] = Math.max(most[customer] ?? 0, beside.size)
    if (served >= SERVED_BEFORE) {
      if (CUSTOMERS.every(one => begun.get(one)?.size === MAX)) full.resolve()
      await goOn.promise
    }
    await systemClock.sleep(Math.random() * SLOWEST_MS)
    if (response.destroyed) return
    beside.delete(key)
    response.end('{}')
    served++
  }
  const server = createServer(
    ({ url = '', headers }, response) => void serve(url.slice(1), String(headers['idempotency-key']), response),
  )
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    full: full.promise,
    cut: () => cut,
    goOn: goOn.resolve,
    most: () => most,
  }
}

test('a limit of three for each key is reached and never exceeded by four daemons, one of which is killed in its place', {
  timeout: 120_000,
}, async () => {
  const { pool, url } = await createTestDatabase()
  const server = await countingServer()
  const engine = await createTestEngine(pool)
  const env = { DATABASE_URL: url, PORT: '0', MBFLOW_ALLOW_PRIVATE: '127.0.0.1', MBFLOW_LOG_FORMAT: 'json' }
  const workflowId = await engine.publish({
    settings: { concurrency: { max: MAX, key: 'input.customer' } },
    nodes: [
      { key: 'call', name: 'call', type: 'http', config: { url: `${server.url}/{{ input.customer }}` }, policy: {} },
    ],
    edges: [],
  })
  const daemons = await Promise.all(
    Array.from({ length: 4 }, async (): Promise<Running> => {
      const daemon = startMbflow(['start'], { env })
      await daemon.line(/is running/, 60_000)
      return daemon
    }),
  )
  const inputs = Array.from({ length: EACH }, () => CUSTOMERS.map(customer => ({ customer }))).flat()
  const ids = await engine.begin(workflowId, inputs)
  await server.full
  // Which of them have places is chance: one after the other, until one had.
  for (const daemon of daemons.slice(1)) {
    await daemon.stop('SIGKILL')
    await systemClock.sleep(200)
    if (server.cut() > 0) break
  }
  expect(server.cut()).toBeGreaterThan(0)
  server.goOn()
  for (const patience = AbortSignal.timeout(60_000); ; await systemClock.sleep(200)) {
    const open = await pool.rows(sql('test.open')`
      select id, status, parked_reason, limit_key, turn from public.executions where completed_at is null limit 5`)
    if (open.length === 0) break
    if (patience.aborted) expect(open).toEqual([])
  }
  const [{ completed }] = (await pool.rows<{ completed: number }>(sql('test.completed')`
    select count(*) as completed from public.executions where status = 'completed'`)) as [{ completed: number }]
  expect(completed).toBe(ids.length)
  expect(server.most()).toEqual({ acme: MAX, bolt: MAX, cord: MAX })
  expect(await engine.violations()).toEqual([])
  await engine.stop()
})
