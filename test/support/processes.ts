// Real processes, as a user starts them. Whatever a test starts is gone when the test (or, started outside one, the
// file) ends; each process is ended by its own pid.
import { spawn } from 'node:child_process'
import { afterAll, onTestFinished, TestRunner } from 'vitest'

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Running {
  readonly pid: number
  readonly ended: Promise<Ended>
  /** What it printed so far. */
  stdout(): string
  stderr(): string
  /** The first whole line of either stream that matches; fails when the process ends or `patienceMs` pass without one. */
  line(pattern: RegExp, patienceMs?: number): Promise<string>
  /** Sends a signal, no more. */
  send(signal: NodeJS.Signals): void
  /** Sends a signal and waits for the end. */
  stop(signal: NodeJS.Signals): Promise<Ended>
}

export interface StartOptions {
  readonly cwd?: string
  /** Added to what every process needs; nothing else of the tests' environment reaches it. */
  readonly env?: Readonly<Record<string, string>>
  /** What it reads on standard input; nothing, if absent. */
  readonly input?: string
}

const ROOT = new URL('../../', import.meta.url).pathname
const PATIENCE_MS = 20_000
const running = new Set<() => Promise<void>>()

afterAll(async () => {
  await Promise.all([...running].map(end => end()))
})

/** `mbflow …`, by the Node that runs the tests: the pid is the program's own, not a launcher's. */
export function startMbflow(args: readonly string[], options?: StartOptions): Running {
  return startProcess(process.execPath, [`${ROOT}bin/mbflow`, ...args], options)
}

/** A command of mbflow, to its end. */
export async function runMbflow(
  args: readonly string[],
  options?: StartOptions,
): Promise<Ended & { stdout: string; stderr: string }> {
  const command = startMbflow(args, options)
  return { ...(await command.ended), stdout: command.stdout(), stderr: command.stderr() }
}

export function startProcess(
  command: string,
  args: readonly string[],
  { cwd = ROOT, env = {}, input }: StartOptions = {},
): Running {
  const { PATH = '', HOME = '', TMPDIR = '/tmp' } = process.env
  const child = spawn(command, args, { cwd, env: { PATH, HOME, TMPDIR, ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.on('error', () => {}).end(input) // it may not read what it gets
  const heard = { stdout: '', stderr: '' }
  let end: Ended | undefined
  let news = Promise.withResolvers<void>()
  const tell = (): void => {
    news.resolve()
    news = Promise.withResolvers()
  }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      heard[stream] += text
      tell()
    })
  }
  child.once('error', error => {
    heard.stderr += `${error.message}\n`
  })
  const ended = new Promise<Ended>(resolve => {
    child.once('close', (code, signal) => {
      end = { code, signal }
      resolve(end)
      tell()
    })
  })

  async function line(pattern: RegExp, patienceMs = PATIENCE_MS): Promise<string> {
    const patience = AbortSignal.timeout(patienceMs)
    const over = new Promise<void>(resolve => patience.addEventListener('abort', () => resolve()))
    for (;;) {
      const found = [heard.stdout, heard.stderr]
        .flatMap(text => wholeLines(text, end !== undefined))
        .find(text => pattern.test(text))
      if (found !== undefined) return found
      if (end !== undefined || patience.aborted) {
        const why = end === undefined ? `${patienceMs} ms passed` : `it ended (${end.signal ?? end.code})`
        throw new Error(`${why} without a line like ${pattern}; it said:\n${heard.stdout}${heard.stderr}`)
      }
      await Promise.race([news.promise, over])
    }
  }

  async function stop(signal: NodeJS.Signals): Promise<Ended> {
    if (end === undefined) child.kill(signal)
    return await ended
  }

  const cleanUp = async (): Promise<void> => {
    await stop('SIGKILL')
    running.delete(cleanUp)
  }
  running.add(cleanUp)
  if (TestRunner.getCurrentTest() !== undefined) onTestFinished(cleanUp)

  return {
    pid: child.pid ?? 0,
    ended,
    stdout: () => heard.stdout,
    stderr: () => heard.stderr,
    line,
    send: signal => void child.kill(signal),
    stop,
  }
}

/** A line still being written is none yet. */
function wholeLines(text: string, ended: boolean): string[] {
  const lines = text.split('\n')
  return ended ? lines : lines.slice(0, -1)
}
