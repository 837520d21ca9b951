// Every command line on a page is one the program takes: its commands, arguments and options are read by the real parser,
// which stops before it would run anything.
import { PassThrough } from 'node:stream'
import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { messageOf } from '../../../src/base/errors.ts'
import { createProgram } from '../../../src/cli/cli.ts'
import { createSession } from '../../../src/cli/context.ts'
import { createInterruption } from '../../../src/cli/interruption.ts'
import { normaliseFlags } from '../../../src/cli/migrate.ts'
import { recorder } from '../cli/recorder.ts'
import { commandsOf, readPages, wordsOf } from './pages.ts'

class Reached extends Error {
  readonly command: Command
  constructor(command: Command) {
    super(command.name())
    this.command = command
  }
}

/** What is wrong with a command line, or nothing. */
async function problemOf(line: string): Promise<string | undefined> {
  const [program = '', ...args] = wordsOf(line)
  const argv = program.endsWith('migrate') ? ['migrate', ...args] : args
  const stdin = new PassThrough()
  const [stdout, stderr] = [recorder().stream, recorder().stream]
  const io = { env: {}, stdin, stdout, stderr, interruption: createInterruption() }
  const parser = createProgram(createSession(io).context, io).hook('preAction', (_, command) => {
    throw new Reached(command)
  })
  try {
    await parser.parseAsync(normaliseFlags(argv), { from: 'user' })
    return 'nothing happens'
  } catch (error) {
    if (!(error instanceof Reached)) return argv.includes('--help') ? undefined : messageOf(error)
    return error.command.commands.length > 0 ? `there is no such command of ${error.command.name()}` : undefined
  }
}

const commands = readPages()
  .flatMap(commandsOf)
  .filter(({ text }) => !text.startsWith('npm '))

test('there are commands to examine', () => {
  expect(commands.length).toBeGreaterThan(20)
})

test('every command of a page is one, with options it has', async () => {
  const wrong: string[] = []
  for (const { at, text } of commands) {
    const problem = await problemOf(text)
    if (problem !== undefined) wrong.push(`${at} ${text}: ${problem}`)
  }
  expect(wrong).toEqual([])
})

test.each(['mbflow triger list', 'mbflow trigger list --bogus', 'migrate -command sideways', 'mbflow trigger fire'])(
  '%s would be found',
  async line => {
    expect(await problemOf(line)).toBeDefined()
  },
)
