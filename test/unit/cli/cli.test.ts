import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import type { Environment } from '../../../src/base/config.ts'
import { version } from '../../../src/base/version.ts'
import { run } from '../../../src/cli/cli.ts'
import { createInterruption } from '../../../src/cli/interruption.ts'
import { recorder } from './recorder.ts'

async function mbflow(
  args: string[],
  env: Environment = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const [stdout, stderr] = [recorder(), recorder()]
  const io = {
    env,
    stdin: new PassThrough(),
    stdout: stdout.stream,
    stderr: stderr.stream,
    interruption: createInterruption(),
  }
  const code = await run(args, io)
  return { code, stdout: stdout.text(), stderr: stderr.text() }
}

test('--version prints the version', async () => {
  expect(await mbflow(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n` })
})

test('--help lists the commands', async () => {
  const { code, stdout } = await mbflow(['--help'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^ {2}config /m)
})

test('the help of a command names the options that every command takes', async () => {
  expect((await mbflow(['config', '--help'])).stdout).toContain('--json')
})

test('without a command the help is shown as a usage error', async () => {
  const { code, stdout, stderr } = await mbflow([])
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toMatch(/^Usage: mbflow/)
})

test('an unknown command is a usage error with a guess', async () => {
  expect(await mbflow(['cofnig'])).toEqual({
    code: 2,
    stdout: '',
    stderr: "error: unknown command 'cofnig'\nhint: did you mean config?\n",
  })
})

test('an unknown option is a usage error with a guess', async () => {
  expect(await mbflow(['config', '--jsno'])).toMatchObject({
    code: 2,
    stderr: "error: unknown option '--jsno'\nhint: did you mean --json?\n",
  })
})

test('a superfluous argument is a usage error', async () => {
  expect((await mbflow(['config', 'all'])).code).toBe(2)
})

test('with --json a usage error is one JSON object', async () => {
  const { code, stderr } = await mbflow(['cofnig', '--json'])
  expect(code).toBe(2)
  expect(JSON.parse(stderr)).toEqual({
    error: { code: 'USAGE', message: "unknown command 'cofnig'", hint: 'did you mean config?' },
  })
})

test('config shows what is in effect and where it comes from', async () => {
  const { code, stdout } = await mbflow(['config', '--log-level', 'debug'], { PORT: '8080' })
  expect(code).toBe(0)
  expect(stdout).toMatch(/^PORT +8080 +PORT /m)
  expect(stdout).toMatch(/^LOG_LEVEL +debug +--log-level /m)
  expect(stdout).toMatch(/^MBFLOW_HOST +127\.0\.0\.1 +default /m)
})

test.each([[['config']], [['config', '--json']]])('%j never shows a password', async args => {
  const { stdout } = await mbflow(args, { DATABASE_URL: 'postgres://anna:s3cret@host/db' })
  expect(stdout).toContain('postgres://anna:***@host/db')
  expect(stdout).not.toContain('s3cret')
})

test('config --json is an array of settings', async () => {
  const settings = JSON.parse((await mbflow(['config', '--json'], { PORT: '8080' })).stdout)
  expect(settings).toContainEqual(
    expect.objectContaining({ setting: 'port', value: '8080', source: 'env', name: 'PORT' }),
  )
})

test('an option before the command counts as well', async () => {
  const { stdout } = await mbflow(['--json', 'config'])
  expect(JSON.parse(stdout)).toBeInstanceOf(Array)
})

test('a wrong configuration is refused with all its problems', async () => {
  const { code, stdout, stderr } = await mbflow(['config'], {
    MBFLOW_CONCURENCY: '3',
    MBFLOW_CONCURRENCY: 'abc',
    PORT: '99999',
    DATABASE_URL: 'localhost/db',
  })
  expect([code, stdout]).toEqual([78, ''])
  expect(stderr.split('\n')).toEqual([
    'error: the configuration is wrong',
    '  MBFLOW_CONCURENCY: is not a setting (did you mean MBFLOW_CONCURRENCY?)',
    expect.stringMatching(/^ {2}DATABASE_URL: must be a URL/),
    '  PORT: must be a whole number, 0 to 65535, is "99999"',
    '  MBFLOW_CONCURRENCY: must be a whole number, 1 to 10000, is "abc"',
    'hint: docs/config.md describes every setting',
    '',
  ])
})

test.each([
  ['[1]', 'must be a JSON object'],
  ['{a: 1}', 'is not JSON'],
])('an input of %s is refused before anything is asked', async (input, problem) => {
  const { code, stderr } = await mbflow(['trigger', 'fire', 'a/b', '--input', input])
  expect([code, stderr]).toEqual([1, expect.stringContaining(`error: --input ${problem}`)])
})

test('an empty key would make nothing happen once, and is refused', async () => {
  expect(await mbflow(['trigger', 'fire', 'a/b', '--idempotency-key', ''])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('must not be empty'),
  })
})
