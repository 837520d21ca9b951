// Signed webhooks on 64 connections: how many are accepted a second, each durable before it is answered, and how long a
// sender waits. With workers elsewhere, then with those of the same daemon running what was accepted.
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { Pool } from 'undici'
import { sql } from '../../src/db/sql.ts'
import { createTrigger } from '../../src/trigger/arm.ts'
import { hookPath, showHook } from '../../src/trigger/hooks.ts'
import type { Bench } from '../bench.ts'
import type { Cost } from '../cost.ts'
import { type Ground, onGround } from '../ground.ts'
import { quantile } from '../report.ts'
import { layered, publish } from '../shapes.ts'
import { costFigures, memoryFigure, ROUNDS } from '../throughput.ts'

const CONNECTIONS = 64
const KEY = Buffer.from('thirty-two bytes of a bench key.')
const BODY = JSON.stringify({ type: 'order.created', data: { id: 4711, note: 'x'.repeat(900) } })

export async function run(bench: Bench): Promise<void> {
  await accept(bench, { label: 'workers elsewhere', roles: 'http', bars: true })
  await accept(bench, { label: 'with workers', roles: 'http,worker', bars: false })
}

interface Part {
  readonly label: string
  readonly roles: string
  readonly bars: boolean
}

async function accept({ quick, say, figure }: Bench, { label, roles, bars }: Part): Promise<void> {
  const count = quick ? 2_000 : 20_000
  await onGround(async ground => {
    const port = await freePort()
    const secret = `whsec_${KEY.toString('base64')}`
    const daemon = await ground.daemon({ MBFLOW_ROLES: roles, PORT: String(port), MBFLOW_SECRET_BENCH: secret })
    const path = await hook(ground)
    const sender = new Pool(`http://127.0.0.1:${port}`, { connections: CONNECTIONS, pipelining: 1 })
    await send(sender, { path, count: count / 4, round: 'warm' })
    const rounds: Sent[] = []
    const costs: Cost[] = []
    for (let i = 1; i <= ROUNDS; i++) {
      say(`${label}: round ${i} of ${ROUNDS}`)
      const meter = await ground.meter(daemon)
      rounds.push(await send(sender, { path, count, round: String(i) }))
      costs.push(await meter.stop())
    }
    await sender.close()
    await requireAccepted(ground, count / 4 + ROUNDS * count)
    const named = (name: string): string => `${label}: ${name}`
    const waits = (q: number): number[] => rounds.map(({ times }) => quantile(times, q))
    figure({ name: named('accepted'), unit: '/s', values: rounds.map(one => one.rate), ...(bars && { bar: '≥ 2000' }) })
    figure({ name: named('ack, p50'), unit: 'ms', values: waits(0.5) })
    figure({ name: named('ack, p99'), unit: 'ms', values: waits(0.99), ...(bars && { bar: '≤ 50' }) })
    if (bars) for (const cost of costFigures(costs, count)) figure({ ...cost, name: named(cost.name) })
    const memory = memoryFigure(costs)
    figure({ ...memory, name: named(memory.name) })
  })
}

async function hook(ground: Ground): Promise<string> {
  const { id, shape } = await publish(ground, layered('webhook', 1, 1))
  const trigger = await ground.pool.transaction(tx =>
    createTrigger(tx, ground, {
      ...{ workflowId: id, workflowName: shape.name, key: 'hook', name: 'hook', type: 'webhook', enabled: true },
      config: { auth: { scheme: 'standard_webhooks', secrets: ['bench'] } },
    }),
  )
  return hookPath((await showHook(ground.pool, trigger)).token)
}

interface Sent {
  /** Accepted a second. */
  readonly rate: number
  /** Milliseconds each sender waited. */
  readonly times: readonly number[]
}

async function send(
  sender: Pool,
  { path, count, round }: { path: string; count: number; round: string },
): Promise<Sent> {
  const times: number[] = []
  let next = 0
  const startedAt = performance.now()
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      for (let n = next++; n < count; n = next++) {
        const sentAt = performance.now()
        const { statusCode, body } = await sender.request({ ...signed(`${round}-${n}`), path })
        const text = await body.text()
        times.push(performance.now() - sentAt)
        if (statusCode !== 202) throw new Error(`a webhook was answered ${statusCode}: ${text}`)
      }
    }),
  )
  return { rate: count / ((performance.now() - startedAt) / 1000), times }
}

function signed(id: string) {
  const timestamp = String(Math.floor(Date.now() / 1000))
  const signature = createHmac('sha256', KEY).update(`${id}.${timestamp}.${BODY}`).digest('base64')
  return {
    method: 'POST',
    body: BODY,
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature}`,
    },
  } as const
}

/** Throws unless every delivery has its row in the ledger and its execution. */
async function requireAccepted({ pool }: Ground, count: number): Promise<void> {
  const [row] = await pool.rows<{ fires: number; executions: number }>(sql('bench.accepted')`
    select count(*) as fires, count(e.id) as executions
    from public.trigger_fires f left join public.executions e on e.id = f.execution_id`)
  if (row?.fires !== count || row.executions !== count)
    throw new Error(`${count} webhooks were accepted, and the database has ${JSON.stringify(row)}`)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}
