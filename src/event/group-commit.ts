// Coalesces requests: while one flush is in flight the next batch gathers, without artificial delay, so load makes
// batches larger, not slower. A batch holds at most one request per key, so that requests of one key stay in order, and no
// more than a maximum in number and in size, except that a request larger than that makes a batch of its own.

export interface GroupCommit<Request, Result> {
  add(request: Request): Promise<Result>
}

export interface GroupCommitOptions<Request, Result> {
  keyOf(request: Request): string
  sizeOf(request: Request): number
  /** Results in the order of the batch. A rejection fails the whole batch. */
  flush(batch: readonly Request[]): Promise<readonly FlushResult<Result>[]>
  readonly maxBatch: number
  readonly maxSize: number
}

/** Result of a request that could not be served in this batch and waits for the next. */
export const again = Symbol('again')

/** Result of a request that fails alone. */
export class Refused {
  readonly error: unknown
  constructor(error: unknown) {
    this.error = error
  }
}

export type FlushResult<Result> = Result | typeof again | Refused

interface Waiting<Request, Result> {
  readonly request: Request
  readonly size: number
  resolve(result: Result): void
  reject(error: unknown): void
}

export function createGroupCommit<Request, Result>(
  options: GroupCommitOptions<Request, Result>,
): GroupCommit<Request, Result> {
  let waiting: Waiting<Request, Result>[] = []
  let isRunning = false

  function nextBatch(): Waiting<Request, Result>[] {
    const keys = new Set<string>()
    const batch: Waiting<Request, Result>[] = []
    const rest: Waiting<Request, Result>[] = []
    let size = 0
    for (const one of waiting) {
      const key = options.keyOf(one.request)
      const fits = batch.length === 0 || (batch.length < options.maxBatch && size + one.size <= options.maxSize)
      if (fits && !keys.has(key)) {
        batch.push(one)
        size += one.size
      } else rest.push(one)
      keys.add(key)
    }
    waiting = rest
    return batch
  }

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      const batch = nextBatch()
      try {
        const results = await options.flush(batch.map(one => one.request))
        const deferred: Waiting<Request, Result>[] = []
        batch.forEach((one, i) => {
          const result = results[i] as FlushResult<Result>
          if (result === again) deferred.push(one)
          else if (result instanceof Refused) one.reject(result.error)
          else one.resolve(result)
        })
        waiting = [...deferred, ...waiting]
      } catch (error) {
        for (const one of batch) one.reject(error)
      }
    }
    isRunning = false
  }

  return {
    add: request =>
      new Promise((resolve, reject) => {
        waiting.push({ request, size: options.sizeOf(request), resolve, reject })
        // Started in a microtask of its own, so that everything decided in this one shares the first batch.
        if (!isRunning) void Promise.resolve().then(run)
        isRunning = true
      }),
  }
}
