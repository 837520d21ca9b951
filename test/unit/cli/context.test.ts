import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { createSession } from '../../../src/cli/context.ts'
import { createInterruption } from '../../../src/cli/interruption.ts'
import { recorder } from './recorder.ts'

function session({ isTTY = false, env = {} }: { isTTY?: boolean; env?: Record<string, string> } = {}) {
  const stdin = Object.assign(new PassThrough(), { isTTY })
  const [stdout, stderr] = [recorder(), recorder()]
  const io = { env, stdin, stdout: stdout.stream, stderr: stderr.stream, interruption: createInterruption() }
  return { ...createSession(io), stdin, stderr }
}

test.each([
  ['y', true],
  ['Yes', true],
  ['n', false],
  ['', false],
  ['yesterday', false],
])('the answer %j to a question is %s', async (answer, confirmed) => {
  const { context, stdin } = session({ isTTY: true })
  const asked = context.confirm('Drop it?')
  stdin.write(`${answer}\n`)
  expect(await asked).toBe(confirmed)
})

test('leaving a question is a no', async () => {
  const { context, stdin } = session({ isTTY: true })
  const asked = context.confirm('Drop it?')
  stdin.end()
  expect(await asked).toBe(false)
})

test('without a terminal nothing is confirmed', async () => {
  await expect(session().context.confirm('Drop it?')).rejects.toMatchObject({
    code: 'REFUSED',
    hint: 'without a terminal, confirm with --yes',
  })
})

test('the configuration takes its flags from the options of the command line and leaves the others', () => {
  const { context, begin } = session({ env: { PORT: '8080' } })
  begin({ json: true, logLevel: 'warn', prune: true })
  expect(context.config()).toMatchObject({ port: 8080, logLevel: 'warn' })
})

test('--json makes the output JSON', () => {
  const { context, begin } = session()
  begin({ json: true })
  expect(context.output.json).toBe(true)
})

test('an error of a command that opened no connection is left as it is', async () => {
  const error = new Error('x')
  expect(await session().explain(error)).toBe(error)
})
