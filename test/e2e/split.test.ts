// A split as its users see it: items shared by two daemons, one of which is killed in the middle.
import { expect, onTestFinished, test } from 'vitest'
import { createTestDatabase } from '../support/database.ts'
import { createTestEngine } from '../support/engine.ts'
import { type Running, runMbflow, startMbflow } from '../support/processes.ts'
import { startStubServer } from '../support/stub-server.ts'

const ITEMS = 60

test('a daemon that is killed amid the items of a split loses none of them, and each is shown', {
  timeout: 90_000,
}, async () => {
  const { pool, url } = await createTestDatabase()
  const stub = await startStubServer()
  onTestFinished(() => stub.close())
  const engine = await createTestEngine(pool)
  onTestFinished(() => engine.stop())
  const env = { DATABASE_URL: url, PORT: '0', MBFLOW_ALLOW_PRIVATE: '127.0.0.1', MBFLOW_LOG_FORMAT: 'json' }
  const daemon = async (): Promise<Running> => {
    const running = startMbflow(['start'], { env })
    await running.line(/is running/, 60_000)
    return running
  }
  const mbflow = async (...args: string[]): Promise<string> => (await runMbflow(args, { env })).stdout
  const node = (key: string, type: string, config: object) => ({
    key,
    name: key,
    type,
    config: { ...config },
    policy: {},
  })
  const workflowId = await engine.publish({
    nodes: [
      node('each', 'split', { items: 'input', max_parallel: 20 }),
      node('call', 'http', { url: `${stub.url}/echo/{{ item }}` }),
      node('all', 'merge', {}),
    ],
    edges: [
      { source: 'each', target: 'call', condition: null },
      { source: 'call', target: 'all', condition: null },
    ],
  })
  const doomed = await daemon()
  const [id = ''] = await engine.begin(workflowId, [Array.from({ length: ITEMS }, (_, i) => i)])
  await stub.received(10)
  await doomed.stop('SIGKILL')
  expect(await mbflow('execution', 'show', id)).toMatch(/each .* of 60 items, .* under way, 0 failed/)

  await daemon()
  await daemon()
  const { status, output } = await engine.ended(id)
  expect(status).toBe('completed')
  expect((output as { body: { url: string } }[]).map(({ body }) => body.url)).toEqual(
    Array.from({ length: ITEMS }, (_, i) => `/echo/${i}`),
  )
  const items = JSON.parse(await mbflow('execution', 'list', '--items-of', id, '--limit', '100', '--json'))
  expect(items).toHaveLength(ITEMS)
  expect(JSON.parse(await mbflow('execution', 'list', '--json'))).toMatchObject([{ id }])
  expect(await mbflow('execution', 'show', items[0].id)).toContain(`59 of each in ${id}`)
  expect(await engine.violations()).toEqual([])
})
