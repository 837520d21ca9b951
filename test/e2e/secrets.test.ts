// Secrets reach whom they are for, from the environment of a daemon or from the database, and neither the output of commands
// nor the log.
import { createHmac } from 'node:crypto'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { newMasterKey } from '../../src/access/master-keys.ts'
import { silentLogger } from '../../src/base/log.ts'
import { createPool } from '../../src/db/pool.ts'
import { createTestDatabase } from '../support/database.ts'
import { runMbflow, startMbflow } from '../support/processes.ts'
import { type StubServer, startStubServer } from '../support/stub-server.ts'
import { makeFolder } from './embedded-folder.ts'

const CANARY = 'sk-canary-5d1c7e90'
const MASTER_KEY = Buffer.from(newMasterKey().bytes).toString('base64')

let stub: StubServer
let url: string
let env: Readonly<Record<string, string>>
beforeAll(async () => {
  ;({ url } = await createTestDatabase())
  stub = await startStubServer()
  const folder = await makeFolder()
  env = { DATABASE_URL: url, PORT: '0', MBFLOW_ALLOW_PRIVATE: '127.0.0.1', LOG_LEVEL: 'trace' }
  const config = { provider: 'openai', model: 'm', prompt: 'hi', secret: 'crm', base_url: `${stub.url}/openai?leak` }
  const file = join(folder.root, 'asking.json')
  const nodes = [{ key: 'ask', type: 'llm', config }]
  await writeFile(file, JSON.stringify({ name: 'asking', nodes, triggers: [{ key: 'now', type: 'manual' }] }))
  expect((await runMbflow(['apply', '-f', file], { env })).code).toBe(0)
  return async () => {
    await stub.close()
    await folder.remove()
  }
}, 60_000)

/** The key that the last request brought. */
const sent = (): string | undefined => stub.requests.at(-1)?.headers.authorization

test('a secret of the environment is sent to the server it is for and shown to nobody else', async () => {
  const daemon = startMbflow(['start'], { env: { ...env, MBFLOW_SECRET_CRM: CANARY } })
  await daemon.line(/is running/)
  const { stdout } = await runMbflow(['trigger', 'fire', 'asking/now', '--wait', '--json'], { env })
  await daemon.stop('SIGTERM')

  expect(sent()).toBe(`Bearer ${CANARY}`)
  expect(stdout).toContain('[secret crm]')
  expect(`${stdout}${daemon.stdout()}${daemon.stderr()}`).not.toContain(CANARY)
}, 60_000)

test('a stored secret is used as soon as it is set, replaced or deleted, and shown to nobody', async () => {
  const withKey = { env: { ...env, MBFLOW_MASTER_KEY: MASTER_KEY } }
  const fire = () => runMbflow(['trigger', 'fire', 'asking/now', '--wait', '--json'], { env })
  const daemon = startMbflow(['start'], withKey)
  await daemon.line(/is running/)
  const said: string[] = []
  for (const value of [CANARY, `${CANARY}-2`]) {
    const set = await runMbflow(['secret', 'set', 'crm'], { ...withKey, input: `${value}\n` })
    expect(set.code).toBe(0)
    const { stdout } = await fire()
    expect(sent()).toBe(`Bearer ${value}`)
    said.push(set.stdout, set.stderr, stdout)
  }
  const listed = await runMbflow(['secret', 'list', '--json'], withKey)
  expect(JSON.parse(listed.stdout)).toMatchObject([{ name: 'crm', version: 2, key: 'current' }])
  expect((await runMbflow(['secret', 'delete', 'crm'], withKey)).code).toBe(0)
  expect((await fire()).stdout).toContain('SECRET_MISSING')
  await daemon.stop('SIGTERM')

  expect([...said, listed.stdout, daemon.stdout(), daemon.stderr()].join('')).not.toContain(CANARY)
}, 60_000)

test('secrets by which requests prove themselves are in no row and in no line of the log', async () => {
  const auths = {
    header: { scheme: 'api_key', secrets: ['hook'], header: 'X-Shop' },
    query: { scheme: 'api_key', secrets: ['hook'], query: 'shop' },
    basic: { scheme: 'basic', username: 'bob', secrets: ['hook'] },
    hmac: { scheme: 'hmac', secrets: ['hook'], header: 'X-Sum' },
  }
  const folder = await makeFolder()
  onTestFinished(() => folder.remove())
  const file = join(folder.root, 'proven.json')
  const nodes = [{ key: 'keep', type: 'transform', config: { expression: '{ "input": input, "trigger": trigger }' } }]
  const triggers = Object.entries(auths).map(([key, auth]) => ({ key, type: 'webhook', config: { auth } }))
  await writeFile(file, JSON.stringify({ name: 'proven', nodes, triggers }))
  expect(await runMbflow(['apply', '-f', file], { env })).toMatchObject({ code: 0 })
  const daemon = startMbflow(['start'], { env: { ...env, MBFLOW_SECRET_HOOK: CANARY } })
  const [at] = /http:\/\/[\d.]+:\d+/.exec(await daemon.line(/http:\/\/127/)) ?? ['']
  const password = Buffer.from(`bob:${CANARY}`).toString('base64')
  const body = '{"n":1}'
  const sum = createHmac('sha256', CANARY).update(body).digest('hex')
  /** Right ones, and ones with the secret in a wrong place. */
  const requests: readonly (readonly [key: string, status: number, query: string, headers: Record<string, string>])[] =
    [
      ['header', 202, '', { 'x-shop': CANARY }],
      ['header', 401, `?shop=${CANARY}`, {}],
      ['query', 202, `?shop=${CANARY}`, {}],
      ['query', 401, '', { authorization: `Bearer ${CANARY}` }],
      ['basic', 202, '', { authorization: `Basic ${password}` }],
      ['basic', 401, '', { authorization: `Bearer ${CANARY}` }],
      ['hmac', 202, '', { 'x-sum': sum }],
      ['hmac', 401, '', { 'x-sum': `sha256=${sum}x` }],
    ]
  const answers: string[] = []
  for (const [key, status, query, headers] of requests) {
    const { pathname } = new URL((await runMbflow(['trigger', 'url', `proven/${key}`], { env })).stdout.trim())
    const answer = await fetch(`${at}${pathname}${query}`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...headers },
    })
    expect([key, answer.status]).toEqual([key, status])
    answers.push(await answer.text())
  }
  await daemon.stop('SIGTERM')

  const all = [...answers, daemon.stdout(), daemon.stderr(), await everyRow()].join('\n')
  expect(all).toContain('hook.refused')
  expect(all).toContain('received_at')
  for (const form of [CANARY, password, sum]) expect(all).not.toContain(form)
}, 120_000)

/** As text, of all tables, those of the queue too. */
async function everyRow(): Promise<string> {
  const pool = createPool({ url, applicationName: 'mbflow:test', max: 1, log: silentLogger })
  onTestFinished(() => pool.end())
  const { rows: tables } = await pool.executeSql(
    "select format('%I.%I', table_schema, table_name) as name from information_schema.tables where table_schema in ('public', 'pgboss') and table_type = 'BASE TABLE'",
  )
  const texts: unknown[] = []
  for (const { name } of tables as { name: string }[])
    texts.push((await pool.executeSql(`select string_agg(t::text, e'\\n') as rows from ${name} t`)).rows[0])
  return JSON.stringify(texts)
}

test('a daemon without the master key runs, and only what needs a stored secret fails', async () => {
  const set = { env: { ...env, MBFLOW_MASTER_KEY: MASTER_KEY }, input: CANARY }
  expect((await runMbflow(['secret', 'set', 'crm'], set)).code).toBe(0)
  const daemon = startMbflow(['start'], { env })
  await daemon.line(/is running/)
  const { stdout } = await runMbflow(['trigger', 'fire', 'asking/now', '--wait', '--json'], { env })
  expect(stdout).toContain('SECRET_LOCKED')
  expect(await daemon.stop('SIGTERM')).toMatchObject({ code: 0 })
}, 60_000)

test('without a master key a command says in one line what to do', async () => {
  const { code, stderr } = await runMbflow(['secret', 'set', 'crm'], { env: { DATABASE_URL: url }, input: CANARY })
  expect(code).toBe(78)
  expect(stderr).toBe(
    'error: there is no master key for the secrets in the database\n' +
      'hint: set MBFLOW_MASTER_KEY or MBFLOW_MASTER_KEY_FILE, to the same for every daemon and command\n',
  )
}, 60_000)

test('beside an embedded PostgreSQL there is nothing to set up', async () => {
  const folder = await makeFolder()
  try {
    const own = { env: { MBFLOW_DATA_DIR: folder.dataDir }, input: CANARY }
    expect((await runMbflow(['migrate', 'up'], own)).code).toBe(0)
    expect(await runMbflow(['secret', 'set', 'crm'], own)).toMatchObject({ code: 0, stdout: 'crm is set\n' })
    const { mode } = await stat(join(folder.dataDir, 'master-key'))
    expect(mode & 0o777).toBe(0o600)
    expect(await runMbflow(['secret', 'rotate-key', '--json'], own)).toMatchObject({ code: 0 })
    const { stdout } = await runMbflow(['secret', 'list', '--json'], own)
    expect(JSON.parse(stdout)).toMatchObject([{ name: 'crm', key: 'current' }])
  } finally {
    await folder.remove()
  }
}, 120_000)
