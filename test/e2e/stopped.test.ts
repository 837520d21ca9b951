// A worker that stands still for longer than its lease, and wakes up when another has done its work.
import { expect, onTestFinished, test } from 'vitest'
import { notify } from '../../src/db/listener.ts'
import { createTestDatabase } from '../support/database.ts'
import { createTestEngine, documentOf } from '../support/engine.ts'
import { type Running, startMbflow } from '../support/processes.ts'
import { checksumOf } from '../support/rows.ts'
import { startStubServer } from '../support/stub-server.ts'

test('a worker that is stopped past its lease and goes on changes not a row of what another completed, and works on', {
  timeout: 90_000,
}, async () => {
  const { pool, url } = await createTestDatabase()
  const stub = await startStubServer()
  onTestFinished(() => stub.close())
  const engine = await createTestEngine(pool)
  onTestFinished(() => engine.stop())
  const { nodes, edges } = documentOf(['call -> after'])
  const call = { type: 'http', config: { url: `${stub.url}/slow` } }
  const version = await engine.publish({
    nodes: nodes.map(node => (node.key === 'call' ? { ...node, ...call } : node)),
    edges,
  })
  const begin = async (): Promise<string> => {
    const [id = ''] = await engine.begin(version, [{}])
    await notify(pool, 'jobs')
    return id
  }
  const daemon = async (): Promise<Running> => {
    const env = { DATABASE_URL: url, PORT: '0', LOG_LEVEL: 'warn', MBFLOW_ALLOW_PRIVATE: '127.0.0.1' }
    const running = startMbflow(['start', '--no-migrate'], { env })
    await running.line(/is running/)
    return running
  }

  const stopped = await daemon()
  const id = await begin()
  const first = await stub.received(1)
  stopped.send('SIGSTOP')
  const other = await daemon()
  const second = await stub.received(2) // once the lease is over
  stub.release()
  expect(await engine.ended(id)).toMatchObject({ status: 'completed', output: { status: 200 } })
  expect(second.headers['idempotency-key']).toBe(first.headers['idempotency-key'])
  expect(await other.stop('SIGTERM')).toEqual({ code: 0, signal: null })

  const before = await checksumOf(pool, id)
  stopped.send('SIGCONT')
  const next = await begin()
  expect(await engine.ended(next)).toMatchObject({ status: 'completed' })
  expect(await stopped.stop('SIGTERM')).toEqual({ code: 0, signal: null })
  expect(await checksumOf(pool, id)).toBe(before)
  expect(stub.requests).toHaveLength(3)
  expect(await engine.violations()).toEqual([])
})
