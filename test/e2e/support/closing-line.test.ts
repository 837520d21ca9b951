import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startProcess } from '../../support/processes.ts'

const reporter = new URL('../../support/closing-line.ts', import.meta.url).pathname

/** Runs vitest on one test file with the reporter; gives the exit code and the last line printed. */
async function run(
  testFile: string,
  options: object = {},
): Promise<{ code: number | null; lastLine: string | undefined }> {
  const root = mkdtempSync(join(tmpdir(), 'mbflow-closing-line-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  writeFileSync(join(root, 'a.test.js'), testFile)
  writeFileSync(join(root, 'broken-set-up.js'), "export function setup() { throw new Error('no database') }")
  const settings = JSON.stringify({ root, config: false, globals: true, ...options })
  const program = `
    const { startVitest } = await import('vitest/node')
    const { closingLine } = await import(${JSON.stringify(reporter)})
    const vitest = await startVitest('test', [], { ...${settings}, reporters: ['default', closingLine()] })
    await vitest.exit()`
  const vitest = startProcess('sh', [
    '-c',
    'exec "$@" 2>&1',
    'sh',
    process.execPath,
    '--input-type=module',
    '--eval',
    program,
  ])
  const { code } = await vitest.ended
  return { code, lastLine: vitest.stdout().trimEnd().split('\n').at(-1) }
}

test('counts what passed and what failed', async () => {
  expect(await run("test('a', () => {}); test('b', () => {}); test('c', () => { throw new Error() })")).toEqual({
    code: 1,
    lastLine: '2 passed, 1 failed',
  })
})

test('closes a run whose set-up failed', async () => {
  expect(await run("test('a', () => {})", { globalSetup: 'broken-set-up.js' })).toEqual({
    code: 1,
    lastLine: '0 passed, 1 failed',
  })
})

test('counts a file that cannot be loaded', async () => {
  expect(await run("import './nothing.js'")).toEqual({ code: 1, lastLine: '0 passed, 1 failed' })
})

test('counts an error outside any test', async () => {
  expect(await run("test('a', () => { Promise.reject(new Error('lost')) })")).toEqual({
    code: 1,
    lastLine: '1 passed, 1 failed',
  })
})
