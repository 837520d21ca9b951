// Webhooks as senders meet them: real daemons, a real server that dies, and the example of the docs typed into a shell.
import { spawnSync } from 'node:child_process'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/log.ts'
import { acquireEmbedded } from '../../src/db/embedded.ts'
import { createPool } from '../../src/db/pool.ts'
import { sql } from '../../src/db/sql.ts'
import { type Running, runMbflow, startMbflow, startProcess } from '../support/processes.ts'
import { ROOT, readPage } from '../unit/docs/pages.ts'
import { type Folder, makeFolder, serverPid } from './embedded-folder.ts'

type Env = Readonly<Record<string, string>>

async function newFolder(): Promise<{ folder: Folder; env: Env }> {
  const folder = await makeFolder()
  onTestFinished(() => folder.remove())
  return { folder, env: { MBFLOW_DATA_DIR: folder.dataDir, PORT: '0', LOG_LEVEL: 'warn', MBFLOW_LOG_FORMAT: 'json' } }
}

async function daemon(env: Env): Promise<Running> {
  const running = startMbflow(['start'], { env })
  await running.line(/is running/, 60_000)
  return running
}

async function urlOf(running: Running): Promise<string> {
  return /http:\/\/[\d.]+:\d+/.exec(await running.line(/http:\/\/[\d.]+:\d+/))?.[0] ?? ''
}

async function mbflow(args: readonly string[], env: Env): Promise<string> {
  const ended = await runMbflow(args, { env })
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
  return ended.stdout.trim()
}

const SECRET = `whsec_${Buffer.from('thirty-two bytes for this test..').toString('base64')}`
const ORDERS = {
  name: 'orders',
  nodes: [{ key: 'take', type: 'transform', config: { expression: 'input.body.n' } }],
  triggers: [{ key: 'new', type: 'webhook', config: { auth: { scheme: 'standard_webhooks', secrets: ['orders'] } } }],
}

/** Repeats until it is answered, as senders do. */
async function deliver(url: string, n: number): Promise<{ status: string; execution_id: string }> {
  const id = `order-${n}`
  const body = JSON.stringify({ n })
  for (const patience = AbortSignal.timeout(60_000); ; await systemClock.sleep(100)) {
    patience.throwIfAborted()
    const now = new Date()
    const headers = {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': new Webhook(SECRET).sign(id, now, body),
    }
    const response = await fetch(url, { method: 'POST', body, headers })
    if (response.status === 202) return (await response.json()) as { status: string; execution_id: string }
    expect([503, 202]).toContain(response.status)
  }
}

test('a hundred webhooks accepted while no worker runs outlive the death of PostgreSQL, and run once', {
  timeout: 180_000,
}, async () => {
  const { folder, env } = await newFolder()
  const receiver = await daemon({ ...env, MBFLOW_ROLES: 'http', MBFLOW_SECRET_ORDERS: SECRET })
  const file = join(folder.root, 'orders.json')
  await writeFile(file, JSON.stringify(ORDERS))
  await mbflow(['apply', '-f', file], env)
  const url = await mbflow(['trigger', 'url', 'orders/new'], { ...env, MBFLOW_PUBLIC_URL: await urlOf(receiver) })

  const hundred = Array.from({ length: 100 }, (_, n) => n)
  const early = await Promise.all(hundred.slice(0, 60).map(n => deliver(url, n)))
  // The server dies amidst the rest of them; what was not acknowledged is sent again.
  const rest = hundred.slice(60).map(n => deliver(url, n))
  process.kill(serverPid(folder.dataDir) ?? 0, 'SIGQUIT')
  const accepted = [...early, ...(await Promise.all(rest))]
  const again = await Promise.all(hundred.map(n => deliver(url, n)))
  expect(again.map(one => one.execution_id)).toEqual(accepted.map(one => one.execution_id))

  const worker = await daemon({ ...env, MBFLOW_ROLES: 'worker' })
  const server = await acquireEmbedded({ dataDir: folder.dataDir, log: silentLogger })
  const pool = createPool({ url: server.url, applicationName: 'mbflow:test', max: 1, log: silentLogger })
  const open = sql('test.open')`select count(*) as open from public.executions where completed_at is null`
  for (let left = 100; left > 0; await systemClock.sleep(50))
    left = (await pool.rows<{ open: number }>(open))[0]?.open ?? 100
  const ran = await pool.rows<{ id: string; runs: number }>(sql('test.ran')`
    select e.id, (select count(*) from public.events v where v.execution_id = e.id and v.event_type = 'workflow_completed') as runs
    from public.executions e join public.trigger_fires f on f.execution_id = e.id`)
  expect(ran.map(({ id }) => id).sort()).toEqual(accepted.map(one => one.execution_id).sort())
  expect(ran.every(({ runs }) => runs === 1)).toBe(true)

  for (const running of [worker, receiver])
    expect(await running.stop('SIGTERM'), running.stderr()).toEqual({ code: 0, signal: null })
  await pool.end()
  await server.release()
})

const hasTools = ['curl', 'openssl'].every(tool => spawnSync(tool, ['version']).error === undefined)

test.skipIf(!hasTools)(
  'the example of the docs, typed into a shell, is answered as they say',
  {
    timeout: 120_000,
  },
  async () => {
    const { blocks } = readPage('docs/triggers.md')
    const document = blocks.find(({ text }) => text.startsWith('name: deploys'))?.text ?? ''
    const commands = blocks.find(({ text }) => text.includes('openssl '))?.text ?? ''
    const answer = blocks.find(({ info }) => info === 'json answer')?.text ?? ''
    const { folder, env } = await newFolder()
    const secret = { MBFLOW_SECRET_GITHUB: 'a-secret-shared-with-github' }
    const running = await daemon({ ...env, ...secret })
    await writeFile(join(folder.root, 'deploys.yaml'), document)
    await mkdir(join(folder.root, 'bin'))
    await writeFile(join(folder.root, 'bin/mbflow'), `#!/bin/sh\nexec ${process.execPath} ${ROOT}bin/mbflow "$@"\n`)
    await chmod(join(folder.root, 'bin/mbflow'), 0o755)
    const shell = startProcess('bash', ['-ec', commands], {
      cwd: folder.root,
      env: { ...env, ...secret, MBFLOW_PUBLIC_URL: await urlOf(running) },
    })
    expect(await shell.ended, shell.stderr()).toEqual({ code: 0, signal: null })
    expect(JSON.parse(shell.stdout().split('\n').at(-1) ?? '')).toEqual(JSON.parse(answer))
    expect(await running.stop('SIGTERM')).toEqual({ code: 0, signal: null })
  },
)
