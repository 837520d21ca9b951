// Pools as processes: an execution goes from daemon to daemon, and one that is killed is replaced by the next of its pool.
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { createTestDatabase } from '../support/database.ts'
import { createTestEngine } from '../support/engine.ts'
import { type Running, runMbflow, startMbflow } from '../support/processes.ts'
import { startStubServer } from '../support/stub-server.ts'

test('nodes run on daemons that serve their pool; a daemon that dies is replaced by the next one of the pool', {
  timeout: 90_000,
}, async () => {
  const { pool, url } = await createTestDatabase()
  const stub = await startStubServer()
  onTestFinished(() => stub.close())
  const engine = await createTestEngine(pool)
  onTestFinished(() => engine.stop())
  const env = { DATABASE_URL: url, PORT: '0', MBFLOW_ALLOW_PRIVATE: '127.0.0.1', MBFLOW_LOG_FORMAT: 'json' }
  const daemon = async (pools: string): Promise<Running> => {
    const running = startMbflow(['start', '--pools', pools], { env })
    await running.line(/is running/, 60_000)
    return running
  }
  const show = async (id: string): Promise<string> => (await runMbflow(['execution', 'show', id], { env })).stdout

  const call = (key: string, path: string) => ({
    ...{ key, name: key, type: 'http', config: { url: `${stub.url}${path}` } },
    policy: { timeout_ms: 300_000 },
  })
  const workflowId = await engine.publish({
    nodes: [
      call('first', '/echo/first'),
      { ...call('heavy', '/slow'), policy: { timeout_ms: 300_000, pool: 'gpu' } },
      call('last', '/echo/last'),
    ],
    edges: [
      { source: 'first', target: 'heavy', condition: null },
      { source: 'heavy', target: 'last', condition: null },
    ],
  })
  await daemon('default')
  const [id = ''] = await engine.begin(workflowId, [{}])
  for (const patience = AbortSignal.timeout(20_000); !patience.aborted; await systemClock.sleep(100))
    if ((await show(id)).includes('for a worker that serves the pool gpu')) break
  expect(await show(id)).toContain('for a worker that serves the pool gpu')

  const doomed = await daemon('gpu=1')
  const started = await stub.received(2)
  await doomed.stop('SIGKILL')
  await daemon('gpu=1')
  const again = await stub.received(3)
  stub.release()
  expect((await engine.ended(id)).status).toBe('completed')
  expect(again.headers['idempotency-key']).toBe(started.headers['idempotency-key'])
  expect(stub.requests.map(request => request.url)).toEqual(['/echo/first', '/slow', '/slow', '/echo/last'])
  expect(await engine.violations()).toEqual([])
})
