// Evaluates in child processes what this process must not.
//
// 1. A process evaluates one expression at a time, so only the one that hung dies with it; the others wait for the next.
// 2. Nothing waits without bound: neither in number, nor in time, nor for a process that does not answer.
// 3. Only what the expression names of the scope leaves this process.
import { type Clock, systemClock } from '../base/clock.ts'
import type { Json, JsonObject } from '../base/json.ts'
import type { Logger } from '../base/log.ts'
import type { Service } from '../base/service.ts'
import { compile, type Evaluator, ExpressionError, expressionLimits } from './expression.ts'
import { pick } from './references.ts'
import { createPool } from './sandbox-pool.ts'
import type { ProcessAnswer } from './sandbox-process.ts'
import { type SandboxWorker, unavailable } from './sandbox-worker.ts'
import { failureWording } from './wording.ts'

export interface SandboxOptions {
  readonly log: Logger
  readonly clock?: Clock
  /** Processes at most; default 2. */
  readonly size?: number
  /** Milliseconds an evaluation may take before its process is killed; default 1 000. */
  readonly timeoutMs?: number
  /** Evaluations after which a process is replaced; default 10 000. */
  readonly recycleAfter?: number
}

interface Task {
  readonly expression: string
  readonly scope: JsonObject
  readonly since: number
  readonly answer: PromiseWithResolvers<ProcessAnswer>
  /** Whether a process that ended took it along once. */
  lost: boolean
}

const MAX_WAITING = 1000
const MAX_WAIT_MS = 10_000

export function createSandbox(options: SandboxOptions): Evaluator & Service {
  const { log, clock = systemClock, size = 2, timeoutMs = 1000, recycleAfter = 10_000 } = options
  const waiting: Task[] = []
  let running = false
  const pool = createPool({ log, size, timeoutMs, recycleAfter, onFree: dispatch, onNone: rejectWaiting })

  function dispatch(): void {
    while (waiting.length > 0) {
      const worker = pool.take()
      if (worker === undefined) return
      serve(worker, waiting.shift() as Task)
    }
  }

  function serve(worker: SandboxWorker, task: Task): void {
    let request: string
    try {
      if (clock.monotonic() - task.since > MAX_WAIT_MS) throw unavailable(`no evaluator was free for ${MAX_WAIT_MS} ms`)
      request = requestOf(task)
    } catch (error) {
      task.answer.reject(error)
      return pool.giveBack(worker, false)
    }
    worker.ask(request, compile(task.expression).bounded).then(
      answer => {
        task.answer.resolve(answer)
        pool.giveBack(worker, answer.last === true)
      },
      error => {
        pool.giveBack(worker, true)
        lose(task, error)
      },
    )
  }

  /** Evaluating again does no harm, so a process that ended for reasons of its own costs the expression nothing. */
  function lose(task: Task, error: ExpressionError): void {
    log.warn({ evt: 'sandbox.lost', code: error.code }, error.message)
    if (error.code !== 'EXPRESSION_UNAVAILABLE' || task.lost || !running) return task.answer.reject(error)
    task.lost = true
    waiting.unshift(task)
    dispatch()
  }

  function rejectWaiting(error: ExpressionError): void {
    for (const task of waiting.splice(0)) task.answer.reject(error)
  }

  return {
    name: 'expression-sandbox',
    async start() {
      running = true
      pool.open()
    },
    async stop() {
      running = false
      rejectWaiting(unavailable('the evaluator is stopping'))
      await pool.close()
    },
    async evaluate(expression, scope) {
      compile(expression)
      if (!running) throw unavailable('the evaluator is not running')
      if (waiting.length >= MAX_WAITING)
        throw unavailable(`${MAX_WAITING} expressions are waiting for an evaluator already`)
      const task: Task = { expression, scope, since: clock.monotonic(), answer: Promise.withResolvers(), lost: false }
      waiting.push(task)
      dispatch()
      return resultOf(await task.answer.promise, expression)
    },
  }
}

function requestOf({ expression, scope }: Task): string {
  const text = JSON.stringify(pick(scope, compile(expression).references))
  const bytes = Buffer.byteLength(text)
  const { input } = expressionLimits
  if (bytes > input) {
    const message = `the data the expression names is ${bytes} bytes of JSON, at most ${input} are allowed; name less of it`
    throw new ExpressionError('EXPRESSION_TOO_LARGE', message)
  }
  return `{"expression":${JSON.stringify(expression)},"scope":${text}}`
}

function resultOf({ value, error }: ProcessAnswer, expression: string): Json | undefined {
  if (error === undefined) return value as Json | undefined
  if (error.code !== 'EXPRESSION_FAILED') throw new ExpressionError(error.code, error.message)
  const { message, position } = failureWording(error, expression)
  throw new ExpressionError(error.code, message, position)
}
