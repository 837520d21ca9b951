// The transcripts of the README, command by command: what they show is what the program says. Ids, instants, durations and
// ports may differ; `…` stands for what is left out.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { type Running, startMbflow } from '../support/processes.ts'
import { readPage, wordsOf } from '../unit/docs/pages.ts'
import { makeFolder } from './embedded-folder.ts'

const README = readPage('README.md')
const START = 'npm start'

interface Step {
  readonly command: string
  readonly lines: readonly string[]
}

const steps = README.blocks
  .filter(({ info }) => info === 'console')
  .flatMap(({ text }) => text.split(/^\$ /m).slice(1))
  .map((step): Step => {
    const [command = '', ...lines] = step.split('\n')
    return { command, lines: lines.filter(line => line.trim() !== '' && line !== '…') }
  })

const folder = await makeFolder()
const env = { MBFLOW_DATA_DIR: folder.dataDir, PORT: '0', LOG_LEVEL: 'warn' }
afterAll(() => folder.remove())

for (const { text } of README.blocks.filter(({ info }) => info === 'yaml')) {
  const [, name = ''] = /^name: (.+)$/m.exec(text) ?? []
  writeFileSync(join(folder.root, `${name}.yaml`), text)
}

/** The ids of this run, by those of the page. */
const ids = new Map<string, string>()

test('the README begins with the start of a daemon', () => {
  expect(steps[0]?.command).toBe(START)
})

test('the transcripts of the README are what the program says', { timeout: 120_000 }, async () => {
  const started: Running[] = []
  for (const { command, lines } of steps) {
    const args = command === START ? ['start', '--examples'] : wordsOf(withRealIds(command)).slice(1)
    const running = startMbflow(args, { env, cwd: folder.root })
    if (command === START) started.push(running)
    await Promise.all(lines.map(line => running.line(new RegExp(`^${patternOf(line)}$`), 30_000)))
    for (const line of lines) await remember(line, running)
    if (command === START) continue
    // What follows something until it is interrupted.
    if (/ watch$/.test(command)) running.send('SIGINT')
    expect([command, await running.ended]).toEqual([command, { code: 0, signal: null }])
  }
  for (const daemon of started) expect(await daemon.stop('SIGINT')).toEqual({ code: 0, signal: null })
})

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g
const PARTS: readonly (readonly [shown: RegExp, pattern: string])[] = [
  [UUID, '[0-9a-f-]{36}'],
  [/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z'],
  [/\b(now|never|in (\d+[dhms] ?)+|(\d+[dhms] ?)+ ago)/g, '(now|never|in (\\d+[dhms] ?)+|(\\d+[dhms] ?)+ ago)'],
  [/\b\d+m?s\b/g, '(\\d+m?s|\\d+m \\d+s)'],
  [/127\.0\.0\.1:\d+/g, '127\\.0\\.0\\.1:\\d+'],
  [/\/home\/ada\/\S+/g, '\\S+'],
  [/ +/g, ' +'],
]

/** Matches the line, and any that differs from it only in what differs from run to run. */
function patternOf(line: string): string {
  const [part] = PARTS.map(([shown, pattern]) => ({ pattern, found: [...line.matchAll(shown)][0] }))
    .flatMap(({ pattern, found }) => (found === undefined ? [] : [{ pattern, at: found.index, text: found[0] }]))
    .sort((a, b) => a.at - b.at || b.text.length - a.text.length)
  if (part === undefined) return exactly(line)
  return exactly(line.slice(0, part.at)) + part.pattern + patternOf(line.slice(part.at + part.text.length))
}

function exactly(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}

async function remember(line: string, running: Running): Promise<void> {
  const shown = line.match(UUID) ?? []
  if (shown.length === 0) return
  const real = (await running.line(new RegExp(`^${patternOf(line)}$`))).match(UUID) ?? []
  shown.forEach((id, i) => {
    ids.set(id, real[i] ?? '')
  })
}

/** An id of the page, or the beginning of one, becomes that of this run. */
function withRealIds(command: string): string {
  return command.replace(/\b[0-9a-f]{8}-[0-9a-f-]+\b/g, shown => {
    const [, real = shown] = [...ids].find(([id]) => id.startsWith(shown)) ?? []
    return real
  })
}
