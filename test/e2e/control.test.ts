// What operators ask while daemons run, stand still and die; the commands are processes of their own.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { sql } from '../../src/db/sql.ts'
import { readEvents } from '../../src/event/event-log.ts'
import { findExecution, type ShownExecution } from '../../src/execution/find.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { type Running, runMbflow, startMbflow } from '../support/processes.ts'
import { type StubServer, startStubServer } from '../support/stub-server.ts'
import { makeFolder } from './embedded-folder.ts'

/** Promised are 100 ms from the commit of the command; this machine is shared, and runs every process of the test. */
const PROMPT_MS = 1_000

let database: TestDatabase
let env: Record<string, string>

beforeEach(async () => {
  database = await createTestDatabase()
  env = { DATABASE_URL: database.url, PORT: '0', MBFLOW_ALLOW_PRIVATE: '127.0.0.1', MBFLOW_LOG_FORMAT: 'json' }
})

async function daemon(): Promise<Running> {
  const running = startMbflow(['start'], { env })
  await running.line(/is running/)
  return running
}

/** A command's JSON. */
async function mbflow<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await runMbflow([...args, '--json'], { env })
  expect(code, stderr).toBe(0)
  return JSON.parse(stdout) as T
}

async function stubServer(): Promise<StubServer> {
  const stub = await startStubServer()
  onTestFinished(() => stub.close())
  return stub
}

/** Applies a workflow of two nodes, of which the first calls the stub, and starts so many of it. */
async function start(stub: StubServer, path: string, count = 1): Promise<string[]> {
  const folder = await makeFolder()
  onTestFinished(() => folder.remove())
  const file = join(folder.root, 'calling.json')
  const call = { key: 'call', type: 'http', timeout: '5m', config: { url: `${stub.url}${path}` } }
  const document = {
    name: 'calling',
    nodes: [call, { key: 'after', type: 'transform' }],
    edges: [{ from: 'call', to: 'after' }],
    triggers: [{ key: 'now', type: 'manual' }],
  }
  await writeFile(file, JSON.stringify(document))
  await mbflow('apply', '-f', file)
  const ids: string[] = []
  for (let i = 0; i < count; i++)
    ids.push((await mbflow<{ execution_id: string }>('trigger', 'fire', 'calling/now')).execution_id)
  return ids
}

async function becomes(id: string, status: string): Promise<ShownExecution> {
  for (const patience = AbortSignal.timeout(40_000); ; await systemClock.sleep(20)) {
    const found = await findExecution(database.pool, id)
    if (found.status === status) return found
    if (patience.aborted) throw new Error(`it is not ${status}: ${JSON.stringify(found)}`)
  }
}

/** Proves that nothing that happened broke a promise. */
async function verified(): Promise<void> {
  expect(await mbflow('execution', 'verify')).toEqual([])
}

async function nodesOf(id: string): Promise<string[]> {
  return (await findExecution(database.pool, id)).nodes.map(node => `${node.key} ${node.status}`)
}

test('whichever of two daemons runs it, a cancellation from a third process aborts the request at once', {
  timeout: 60_000,
}, async () => {
  const stub = await stubServer()
  await daemon()
  await daemon()
  const ids = await start(stub, '/hanging', 4)
  const requests = await Promise.all(ids.map((_, i) => stub.received(i + 1)))
  const gone = requests.map(request => request.over.then(() => Date.now()))
  await mbflow('execution', 'cancel', ...ids, '--reason', 'the supplier called')
  const times = await Promise.all(gone)
  for (const id of ids) {
    expect((await becomes(id, 'cancelled')).error).toMatch(/by cli:.+: the supplier called/)
    expect(await nodesOf(id)).toEqual(['call failed', 'after skipped'])
  }
  const [asked] = await database.pool.rows<{ at: Date }>(sql('test.asked')`
    select max(created_at) as at from public.events where event_type = 'workflow_cancel_requested'`)
  const delays = times.map(time => time - (asked?.at.getTime() ?? 0))
  expect(Math.max(...delays)).toBeLessThan(PROMPT_MS)
  await verified()
})

test('paused from another process it starts nothing more, and goes on when it is resumed', {
  timeout: 60_000,
}, async () => {
  const stub = await stubServer()
  await daemon()
  const [id = ''] = await start(stub, '/slow')
  await stub.received(1)
  expect(await mbflow('execution', 'pause', id)).toMatchObject([{ result: 'done', status: 'pausing' }])
  stub.release()
  await becomes(id, 'paused')
  expect(await nodesOf(id)).toEqual(['call completed'])
  expect(await mbflow('execution', 'pause', id)).toMatchObject([{ result: 'unchanged', why: 'it is paused already' }])
  await mbflow('execution', 'resume', id)
  await becomes(id, 'completed')
  expect(stub.requests).toHaveLength(1)
  await verified()
})

test('a daemon killed while it cancels: another one ends what was asked, and runs nothing again', {
  timeout: 90_000,
}, async () => {
  const stub = await stubServer()
  const first = await daemon()
  const [id = ''] = await start(stub, '/hanging')
  await stub.received(1)
  first.send('SIGSTOP') // it cannot hear of the cancellation any more
  await mbflow('execution', 'cancel', id)
  await first.stop('SIGKILL')
  await daemon()
  await becomes(id, 'cancelled')
  expect(stub.requests).toHaveLength(1)
  await verified()
})

test('a daemon that stands still past its lease and wakes up changes nothing of what was cancelled meanwhile', {
  timeout: 90_000,
}, async () => {
  const stub = await stubServer()
  const still = await daemon()
  const [id = ''] = await start(stub, '/slow')
  await stub.received(1)
  still.send('SIGSTOP')
  await daemon()
  await mbflow('execution', 'cancel', id)
  await becomes(id, 'cancelled')
  const before = await readEvents(database.pool, id)
  stub.release()
  still.send('SIGCONT')
  expect(await still.stop('SIGTERM')).toEqual({ code: 0, signal: null })
  expect(await readEvents(database.pool, id)).toEqual(before)
  await verified()
})

test('in bulk the number comes first, and nothing happens without a confirmation', { timeout: 60_000 }, async () => {
  const stub = await stubServer()
  const ids = await start(stub, '/echo', 3) // no daemon: they stay pending
  const run = (...args: string[]) =>
    runMbflow(['execution', 'cancel', '--all', '--workflow', 'calling', ...args], { env })
  expect(await run()).toMatchObject({ code: 1, stderr: expect.stringContaining('cancel 3 executions?') })
  expect(await nodesOf(ids[0] ?? '')).toEqual([])
  expect(await run('--yes')).toMatchObject({ code: 0, stderr: '3 cancelled\n' })
  expect(await run('--yes')).toMatchObject({ code: 0, stderr: 'no executions\n' })
  const { code, stderr } = await runMbflow(['execution', 'pause', ids[0] ?? ''], { env })
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/cannot pause .+ it was cancelled at .+\nhint: There is nothing left/),
  ])
  await verified()
})
