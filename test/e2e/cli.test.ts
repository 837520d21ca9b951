import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/log.ts'
import { acquireEmbedded } from '../../src/db/embedded.ts'
import { runMbflow, startMbflow, startProcess } from '../support/processes.ts'
import { makeFolder, query } from './embedded-folder.ts'

const INTERRUPTIBLE = `
  import { createInterruption } from ${JSON.stringify(new URL('../../src/cli/interruption.ts', import.meta.url).href)}
  createInterruption().take().addEventListener('abort', () => console.log('finishing'))
  setInterval(() => {}, 1000)
  console.log('running')
`

test('an unknown command exits with 2', async () => {
  const { code, stderr } = await runMbflow(['nonsense'])
  expect([code, stderr]).toEqual([2, expect.stringContaining("error: unknown command 'nonsense'")])
})

test('a reader that stops reading ends the command quietly', async () => {
  const child = spawn(process.execPath, ['bin/mbflow', 'config', '--json'], {
    cwd: new URL('../..', import.meta.url).pathname,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stdout.destroy()
  const heard: string[] = []
  child.stderr.setEncoding('utf8').on('data', text => heard.push(text))
  const [code] = await once(child, 'close')
  expect([code, heard.join('')]).toEqual([0, ''])
})

test('the first interruption lets a command finish, the second ends it at once', async () => {
  const running = startProcess(process.execPath, ['--input-type=module', '-e', INTERRUPTIBLE])
  await running.line(/^running$/)
  running.send('SIGTERM')
  await running.line(/^finishing$/)
  expect(await running.stop('SIGINT')).toEqual({ code: null, signal: 'SIGINT' })
})

test('a command that did its work and cannot leave the embedded server says so, and has done its work', async () => {
  const folder = await makeFolder()
  onTestFinished(folder.remove)
  const env = { MBFLOW_DATA_DIR: folder.dataDir }
  const server = await acquireEmbedded({ dataDir: folder.dataDir, log: silentLogger })
  await runMbflow(['migrate', 'up'], { env })
  const watching = startMbflow(['execution', 'watch'], { env })
  const asking =
    "select from pg_stat_activity where application_name = 'mbflow:cli' and query like '%execution.watched%'"
  while ((await query(server.url, asking)).length === 0) await systemClock.sleep(20)

  const lock = join(folder.dataDir, 'lock')
  mkdirSync(lock)
  const { code } = await watching.stop('SIGTERM')
  rmdirSync(lock)
  expect([code, watching.stderr().split('\n')]).toEqual([
    0,
    [
      expect.stringMatching(/^error: the embedded PostgreSQL in .* failed: EISDIR/),
      expect.stringMatching(/^hint: /),
      '',
    ],
  ])
  await server.release()
})
