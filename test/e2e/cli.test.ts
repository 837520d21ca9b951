import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { runMbflow, startProcess } from '../support/processes.ts'

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
