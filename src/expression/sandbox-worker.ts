// One sandbox process as its parent sees it: started with every protection Node has, asked one thing at a time, killed
// when it does not answer.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { messageOf } from '../base/errors.ts'
import { ExpressionError, expressionLimits } from './expression.ts'
import type { ProcessAnswer } from './sandbox-process.ts'
import type { RealmLimits } from './sandbox-realm.ts'

export interface SandboxWorker {
  /** Resolves when it takes requests; rejects with an ExpressionError when it ends before that. */
  readonly ready: Promise<void>
  /** Resolves when the process is gone. */
  readonly ended: Promise<void>
  /**
   * One at a time, once ready; `bounded`: it needs no interrupting. Rejects with an ExpressionError; the process is then
   * gone or about to be.
   */
  ask(request: string, bounded: boolean): Promise<ProcessAnswer>
  /** Lets it end when it has answered what it was asked. */
  retire(): void
}

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const PROGRAM = file('./sandbox-process.ts')
const JSONATA = createRequire(import.meta.url).resolve('jsonata')
const READABLE = [PROGRAM, file('./sandbox-realm.ts'), file('./lock-down.ts'), file('../../package.json'), JSONATA]

const HEAP_MB = 64
/** The heap limit lets one huge string pass before it bites, so the memory of the process is watched as well. */
const RESIDENT_MB = 256
const WATCH_MS = 10
const BOOT_MS = 15_000
/** Characters: a result at its limit and the words around it. */
const MAX_ANSWER = expressionLimits.output * 2

/** Without these it does not start: `lockDown` checks that they took effect. */
export function sandboxFlags(readable: readonly string[]): string[] {
  return [
    '--permission', // no files but these, no processes, threads, add-ons, WASI; from Node 25 on no network either
    ...readable.map(path => `--allow-fs-read=${path}`),
    '--disallow-code-generation-from-strings',
    '--disable-proto=delete',
    `--max-old-space-size=${HEAP_MB}`,
    '--no-warnings',
  ]
}

function spawnProcess(timeout: number): ChildProcessWithoutNullStreams {
  const limits: RealmLimits = { timeout, stack: 1000, sequence: 100_000, output: expressionLimits.output, depth: 256 }
  const program = [PROGRAM, JSONATA, JSON.stringify(limits)]
  // Detached: a Ctrl-C meant for the daemon must not end what its drain still needs.
  return spawn(process.execPath, [...sandboxFlags(READABLE), ...program], {
    env: {},
    windowsHide: true,
    detached: true,
  })
}

/**
 * `timeout`: milliseconds after which a process that has not answered is killed. Before that, jsonata stops at half of
 * it, and V8 interrupts what jsonata cannot stop.
 */
export function startWorker(timeout: number): SandboxWorker {
  const interruptAfter = Math.ceil(timeout * 0.6)
  const child = spawnProcess(Math.ceil(timeout * 0.5))
  const ready = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  let pending: PromiseWithResolvers<ProcessAnswer> | undefined
  const complaints = lastWords(child)
  let received = ''
  let timer = setTimeout(kill, BOOT_MS)

  function kill(): void {
    child.kill('SIGKILL')
  }

  function settle(): PromiseWithResolvers<ProcessAnswer> | undefined {
    clearTimeout(timer)
    const settled = pending
    pending = undefined
    return settled
  }

  function fail(error: ExpressionError): void {
    settle()?.reject(error)
    kill()
  }

  function receive(line: string): void {
    if (line === 'ready\n') {
      clearTimeout(timer)
      return ready.resolve()
    }
    const answer = parseAnswer(line)
    if (answer !== null && pending !== undefined) settle()?.resolve(answer)
    else fail(unavailable('the process evaluating the expression said what it was not asked'))
  }

  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    received += part
    if (received.length > MAX_ANSWER) return fail(tooLarge('has too large a result'))
    if (!received.endsWith('\n')) return
    const line = received
    received = ''
    receive(line)
  })
  child.stdin.on('error', () => {}) // `close` tells
  child.on('close', (code, signal) => {
    settle()?.reject(endOf(code, signal))
    ready.reject(
      unavailable(`the process for evaluating expressions does not start (${signal ?? code}): ${complaints()}`),
    )
    ended.resolve()
  })

  return {
    ready: ready.promise,
    ended: ended.promise,
    ask(request, bounded) {
      const asked = Promise.withResolvers<ProcessAnswer>()
      const since = performance.now()
      // An answer that came while this process was busy is still to be read: let that happen before judging.
      const judge = (): void => {
        if (pending === asked)
          fail(new ExpressionError('EXPRESSION_TIMEOUT', `the expression was killed after ${timeout} ms`))
      }
      const watch = (): void => {
        if (residentMb(child.pid) > RESIDENT_MB) return fail(tooLarge(`needs more than ${RESIDENT_MB} MB of memory`))
        const left = timeout - (performance.now() - since)
        if (left <= 0) setImmediate(judge)
        else timer = setTimeout(watch, Math.min(WATCH_MS, left))
      }
      pending = asked
      timer = setTimeout(watch, WATCH_MS)
      child.stdin.write(`${bounded ? 0 : interruptAfter} ${request}\n`)
      return asked.promise
    },
    retire() {
      child.stdin.end()
      if (child.exitCode === null && child.signalCode === null) timer = setTimeout(kill, timeout)
    },
  }
}

/** The end of what it wrote to stderr, or why it could not be started. */
function lastWords(child: ChildProcessWithoutNullStreams): () => string {
  let words = ''
  const add = (text: string): void => {
    words = (words + text).slice(-2000)
  }
  child.stderr.setEncoding('utf8').on('data', add)
  child.on('error', error => add(messageOf(error)))
  return () => words.trim()
}

function parseAnswer(line: string): ProcessAnswer | null {
  try {
    return JSON.parse(line) as ProcessAnswer
  } catch {
    return null
  }
}

/** Linux tells; elsewhere the limit of the heap is the only one. */
function residentMb(pid: number | undefined): number {
  if (process.platform !== 'linux') return 0
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1024
  } catch {
    return 0 // it has just ended
  }
}

/** V8 aborts when its heap is full. */
function endOf(code: number | null, signal: NodeJS.Signals | null): ExpressionError {
  if (signal === 'SIGABRT' || code === 134) return tooLarge(`needs more than ${HEAP_MB} MB of memory`)
  return unavailable(`the process evaluating the expression ended (${signal ?? `exit code ${code}`})`)
}

function tooLarge(message: string): ExpressionError {
  return new ExpressionError('EXPRESSION_TOO_LARGE', `the expression ${message}`)
}

export function unavailable(message: string): ExpressionError {
  return new ExpressionError('EXPRESSION_UNAVAILABLE', message)
}
