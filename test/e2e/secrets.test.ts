// A secret in the environment of a daemon reaches whom it is for, and neither the output of commands nor the log.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createTestDatabase } from '../support/database.ts'
import { runMbflow, startMbflow } from '../support/processes.ts'
import { startStubServer } from '../support/stub-server.ts'
import { makeFolder } from './embedded-folder.ts'

const CANARY = 'sk-canary-5d1c7e90'

test('a secret is sent to the server it is for and shown to nobody else', { timeout: 60_000 }, async () => {
  const { url } = await createTestDatabase()
  const stub = await startStubServer()
  const folder = await makeFolder()
  onTestFinished(async () => {
    await stub.close()
    await folder.remove()
  })
  const config = { provider: 'openai', model: 'm', prompt: 'hi', secret: 'crm', base_url: `${stub.url}/openai?leak` }
  const file = join(folder.root, 'asking.json')
  const nodes = [{ key: 'ask', type: 'llm', config }]
  await writeFile(file, JSON.stringify({ name: 'asking', nodes, triggers: [{ key: 'now', type: 'manual' }] }))

  const env = { DATABASE_URL: url, PORT: '0', MBFLOW_ALLOW_PRIVATE: '127.0.0.1', LOG_LEVEL: 'trace' }
  const daemon = startMbflow(['start'], { env: { ...env, MBFLOW_SECRET_CRM: CANARY } })
  await daemon.line(/is running/)
  expect((await runMbflow(['apply', '-f', file], { env })).code).toBe(0)
  const { stdout } = await runMbflow(['trigger', 'fire', 'asking/now', '--wait', '--json'], { env })
  await daemon.stop('SIGTERM')

  expect(stub.requests[0]?.headers.authorization).toBe(`Bearer ${CANARY}`)
  expect(stdout).toContain('[secret crm]')
  expect(`${stdout}${daemon.stdout()}${daemon.stderr()}`).not.toContain(CANARY)
})
