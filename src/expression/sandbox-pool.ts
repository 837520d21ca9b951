// The processes of the sandbox: started when they are first needed, kept warm, replaced when they end.
import type { Logger } from '../base/log.ts'
import type { ExpressionError } from './expression.ts'
import { type SandboxWorker, startWorker } from './sandbox-worker.ts'

export interface PoolOptions {
  readonly log: Logger
  readonly size: number
  readonly timeoutMs: number
  /** Evaluations after which a process is replaced. */
  readonly recycleAfter: number
  /** A process has become free. */
  onFree(): void
  /** No process could be started, and none is there. */
  onNone(error: ExpressionError): void
}

export interface Pool {
  /** A free process, for one evaluation; none: one may be on its way, `onFree` will tell. */
  take(): SandboxWorker | undefined
  /** Back from `take`; `last` = it is not to be used again. */
  giveBack(worker: SandboxWorker, last: boolean): void
  open(): void
  /** Resolves when no process is left; those at work may finish. */
  close(): Promise<void>
}

export function createPool({ log, size, timeoutMs, recycleAfter, onFree, onNone }: PoolOptions): Pool {
  const workers = new Map<SandboxWorker, { ready: boolean; served: number }>()
  const idle: SandboxWorker[] = []
  let isOpen = false

  function hire(): void {
    const worker = startWorker(timeoutMs)
    const state = { ready: false, served: 0 }
    workers.set(worker, state)
    worker.ready
      .then(() => {
        state.ready = true
        free(worker)
      })
      .catch((error: ExpressionError) => {
        log.error({ evt: 'sandbox.unavailable', err: error }, 'a process for evaluating expressions does not start')
        if (![...workers.values()].some(other => other.ready)) onNone(error)
      })
    void worker.ended.then(() => {
      workers.delete(worker)
      if (idle.includes(worker)) idle.splice(idle.indexOf(worker), 1)
      // Only one that did its work is replaced at once; one that never could would fail again at once.
      if (isOpen && state.served > 0) hire()
    })
  }

  function free(worker: SandboxWorker): void {
    if (!isOpen) return worker.retire()
    idle.push(worker)
    onFree()
  }

  return {
    take() {
      const worker = idle.pop()
      if (worker === undefined && workers.size < size) hire()
      return worker
    },
    giveBack(worker, last) {
      const state = workers.get(worker)
      if (state === undefined) return
      state.served++
      if (last || state.served >= recycleAfter) worker.retire()
      else free(worker)
    },
    open() {
      isOpen = true
    },
    async close() {
      isOpen = false
      for (const worker of idle.splice(0)) worker.retire()
      await Promise.all([...workers.keys()].map(worker => worker.ended))
    },
  }
}
