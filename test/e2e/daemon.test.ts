// Daemons as processes: start, drain, kill, take over, and what the commands say meanwhile.
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { sql } from '../../src/db/sql.ts'
import { listExecutions } from '../../src/execution/find.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { type Running, runMbflow, startMbflow } from '../support/processes.ts'
import { type StubServer, startStubServer } from '../support/stub-server.ts'
import { makeFolder } from './embedded-folder.ts'

let database: TestDatabase
let env: Record<string, string>

beforeAll(async () => {
  database = await createTestDatabase()
  env = { DATABASE_URL: database.url, PORT: '0', MBFLOW_ALLOW_PRIVATE: '127.0.0.1', MBFLOW_LOG_FORMAT: 'json' }
})

async function daemon(more: Record<string, string> = {}): Promise<Running> {
  const running = startMbflow(['start'], { env: { ...env, ...more } })
  await running.line(/is running/)
  return running
}

/** A command's JSON. */
async function mbflow<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await runMbflow([...args, '--json'], { env })
  expect(code, stderr).toBe(0)
  return JSON.parse(stdout) as T
}

/** Applies a workflow of one node that calls the stub, and a trigger to start it by hand. */
async function applyCalling(name: string, path: string, stub: StubServer): Promise<void> {
  const folder = await makeFolder()
  onTestFinished(() => folder.remove())
  const file = join(folder.root, 'calling.json')
  const call = { key: 'call', type: 'http', timeout: '1m', config: { url: `${stub.url}${path}` } }
  await writeFile(file, JSON.stringify({ name, nodes: [call], triggers: [{ key: 'now', type: 'manual' }] }))
  await mbflow('apply', '-f', file)
}

async function stubServer(): Promise<StubServer> {
  const stub = await startStubServer()
  onTestFinished(() => stub.close())
  return stub
}

async function ended(workflow: string): Promise<{ status: string }> {
  for (const patience = AbortSignal.timeout(40_000); ; await systemClock.sleep(100)) {
    const [execution] = await listExecutions(database.pool, { workflow, limit: 1 })
    if (execution?.completed_at) return execution
    if (patience.aborted) throw new Error(`still open: ${JSON.stringify(execution)}`)
  }
}

test('SIGTERM lets the running node end, then hands the execution over; nothing runs twice', {
  timeout: 60_000,
}, async () => {
  const stub = await stubServer()
  const running = await daemon()
  await applyCalling('draining', '/slow', stub)
  await mbflow('trigger', 'fire', 'draining/now')
  await stub.received(1)
  running.send('SIGTERM')
  await running.line(/daemon.draining/)
  stub.release()
  expect(await running.ended).toEqual({ code: 0, signal: null })
  await daemon()
  expect(await ended('draining')).toMatchObject({ status: 'completed' })
  expect(stub.requests).toHaveLength(1)
})

test('a drain ends when its time is over: the node is cut short and runs again elsewhere with the same key', {
  timeout: 60_000,
}, async () => {
  const stub = await stubServer()
  const running = await daemon({ MBFLOW_DRAIN_TIMEOUT: '500ms' })
  await applyCalling('cut', '/slow', stub)
  await mbflow('trigger', 'fire', 'cut/now')
  const first = await stub.received(1)
  expect(await running.stop('SIGTERM')).toEqual({ code: 0, signal: null })
  await daemon()
  const second = await stub.received(2)
  stub.release()
  expect(await ended('cut')).toMatchObject({ status: 'completed' })
  expect(second.headers['idempotency-key']).toBe(first.headers['idempotency-key'])
})

test('a second signal leaves at once', async () => {
  const stub = await stubServer()
  const running = await daemon({ MBFLOW_DRAIN_TIMEOUT: '1h' })
  await applyCalling('leaving', '/hanging', stub)
  await mbflow('trigger', 'fire', 'leaving/now')
  await stub.received(1)
  running.send('SIGTERM')
  await running.line(/daemon.draining/)
  await systemClock.sleep(600) // the launcher takes two signals within half a second for one
  expect(await running.stop('SIGTERM')).toEqual({ code: null, signal: 'SIGTERM' })
})

test('after kill -9 another daemon finishes the execution, with the same key for its side effects', {
  timeout: 90_000,
}, async () => {
  const stub = await stubServer()
  const first = await daemon()
  await applyCalling('killed', '/slow', stub)
  await mbflow('trigger', 'fire', 'killed/now')
  const before = await stub.received(1)
  await daemon()
  await first.stop('SIGKILL')
  const after = await stub.received(2)
  stub.release()
  expect(await ended('killed')).toMatchObject({ status: 'completed' })
  expect(after.headers['idempotency-key']).toBe(before.headers['idempotency-key'])
})

test('a daemon stopped past its lease changes nothing when it goes on: another has finished its work', {
  timeout: 90_000,
}, async () => {
  const stub = await stubServer()
  const paused = await daemon()
  await applyCalling('paused', '/slow', stub)
  await mbflow('trigger', 'fire', 'paused/now')
  const before = await stub.received(1)
  paused.send('SIGSTOP')
  await daemon()
  const after = await stub.received(2)
  // Both calls are answered; the stopped daemon finds its answer when it goes on.
  stub.release()
  expect(await ended('paused')).toMatchObject({ status: 'completed' })
  const then = await everythingOf('paused')
  paused.send('SIGCONT')
  const url = (await paused.line(/HTTP +http/)).match(/http:\/\/[^ ]+/)?.[0]
  while (!/^mbflow_queue_active 0$/m.test(await (await fetch(`${url}/metrics`)).text())) await systemClock.sleep(50)
  expect(await paused.stop('SIGTERM')).toEqual({ code: 0, signal: null })
  expect(await everythingOf('paused')).toEqual(then)
  expect(after.headers['idempotency-key']).toBe(before.headers['idempotency-key'])
})

/** Every row of the executions of a workflow, with the transaction that wrote it last. */
async function everythingOf(workflow: string): Promise<unknown[]> {
  return database.pool.rows(sql('test.everything')`
    with mine as (
      select e.* , e.xmin::text as writer
      from public.executions e join public.workflows w on w.id = e.workflow_id
      where w.name = ${workflow})
    select to_jsonb(mine) as row from mine
    union all select to_jsonb(n) || jsonb_build_object('writer', n.xmin::text) from public.node_executions n join mine on mine.id = n.execution_id
    union all select to_jsonb(v) || jsonb_build_object('writer', v.xmin::text) from public.events v join mine on mine.id = v.execution_id`)
}

test('a trigger paused by a command stops on every daemon at once, and resumed fires again', {
  timeout: 60_000,
}, async () => {
  await Promise.all([daemon(), daemon()])
  const folder = await makeFolder()
  onTestFinished(() => folder.remove())
  const file = join(folder.root, 'ticking.yaml')
  await writeFile(
    file,
    'name: ticking\nnodes: [{key: a, type: transform}]\ntriggers: [{key: t, type: interval, config: {every: 1s}}]\n',
  )
  await mbflow('apply', '-f', file)
  const count = async (): Promise<number> =>
    (await listExecutions(database.pool, { workflow: 'ticking', limit: 1000 })).length
  const more = async (than: number): Promise<void> => {
    while ((await count()) <= than) await systemClock.sleep(50)
  }
  await more(1)
  expect(await mbflow('trigger', 'pause', 'ticking/t', '--note', 'a test')).toMatchObject({ note: 'a test' })
  const paused = await count()
  await systemClock.sleep(2_500)
  expect(await count()).toBe(paused)
  const [line] = await mbflow<{ note: string; next_fire_at: null }[]>('trigger', 'list', '--workflow', 'ticking')
  expect(line).toMatchObject({ note: 'a test', next_fire_at: null })
  await mbflow('trigger', 'resume', 'ticking/t')
  await more(paused)
  await mbflow('trigger', 'disable', 'ticking/t')
})

test('a daemon answers the probes of its operator', async () => {
  const running = await daemon()
  const url = (await running.line(/HTTP +http/)).match(/http:\/\/[^ ]+/)?.[0]
  const probe = async () => [(await fetch(`${url}/readyz`)).status, await (await fetch(`${url}/readyz`)).json()]
  await expect.poll(probe).toMatchObject([200, { ready: true }])
  expect(await (await fetch(`${url}/metrics`)).text()).toContain('mbflow_fires_total')
})

test('commands watch an execution to its end and tell how it ended by their exit code', async () => {
  const stub = await stubServer()
  await daemon()
  await applyCalling('watched', '/status/500', stub)
  const fired = await runMbflow(['trigger', 'fire', 'watched/now', '--wait'], { env })
  expect(fired).toMatchObject({ code: 1, stderr: expect.stringContaining('HTTP_STATUS') })
  const [execution] = await mbflow<{ id: string; status: string }[]>('execution', 'list', '--workflow', 'watched')
  expect(execution).toMatchObject({ status: 'failed' })
  const shown = await mbflow<{ events: { type: string }[] }>('execution', 'show', execution?.id ?? '')
  expect(shown.events.map(event => event.type)).toEqual([
    'workflow_started',
    'wave_started',
    'node_started',
    'node_failed',
    'wave_completed',
    'workflow_failed',
  ])
})

test.each([
  ['a server that does not answer', { DATABASE_URL: 'postgres://mbflow@127.0.0.1:1/mbflow' }, /^69 .*127\.0\.0\.1:1/s],
  ['a setting that does not exist', { MBFLOW_CONCURENCY: '5' }, /^78 .*did you mean MBFLOW_CONCURRENCY/s],
  ['a number that is none', { MBFLOW_CONCURRENCY: 'many' }, /^78 .*MBFLOW_CONCURRENCY/s],
])('start with %s ends with what is wrong', async (_, more, says) => {
  const started = await runMbflow(['start'], { env: { ...env, ...more } })
  expect(`${started.code} ${started.stderr}`).toMatch(says)
})

test('start on a port in use ends with what to do, and leaves nothing running', async () => {
  const squatter = createServer()
  await new Promise<void>(resolve => squatter.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void squatter.close())
  const { port } = squatter.address() as { port: number }
  const started = await runMbflow(['start'], { env: { ...env, PORT: String(port) } })
  expect([started.code, started.stderr]).toEqual([69, expect.stringContaining(`port ${port}`)])
})

test('start without migrating refuses an empty database and says what to do', async () => {
  const empty = await createTestDatabase({ empty: true })
  const started = await runMbflow(['start', '--no-migrate'], { env: { ...env, DATABASE_URL: empty.url } })
  expect([started.code, started.stderr]).toEqual([78, expect.stringContaining('mbflow migrate up')])
})

test('a first start on an embedded server fires the examples; the next start finds its data', {
  timeout: 120_000,
}, async () => {
  const folder = await makeFolder()
  onTestFinished(() => folder.remove())
  const own = { MBFLOW_DATA_DIR: folder.dataDir, PORT: '0' }
  const startedAt = performance.now()
  const first = startMbflow(['start', '--examples'], { env: own })
  await first.line(/is running/, 60_000)
  const watch = startMbflow(['execution', 'watch'], { env: own })
  await watch.line(/completed/, 30_000)
  process.stdout.write(
    `first start to first completed execution: ${((performance.now() - startedAt) / 1000).toFixed(1)} s\n`,
  )
  expect(await watch.stop('SIGINT')).toEqual({ code: 0, signal: null })
  expect(await first.stop('SIGINT')).toEqual({ code: 0, signal: null })
  const listed = await runMbflow(['execution', 'list', '--json'], { env: own })
  expect(JSON.parse(listed.stdout).length).toBeGreaterThan(0)
})
