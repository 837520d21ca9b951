// Coalesces requests: while flushes are in flight the next batch gathers, without artificial delay, so load makes batches
// larger, not slower. Invariants:
// 1. Of one key at most one request is in flight, and its requests are served in order.
// 2. A batch holds no more than a maximum in number and in size; a request larger than that makes a batch of its own.
// 3. At most `lanes` flushes are in flight: the database works on one while another is being written or committed.

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
  /** Flushes in flight at once. */
  readonly lanes: number
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
  let lanes = 0
  const inFlight = new Set<string>()

  function nextBatch(): Waiting<Request, Result>[] {
    const batch: Waiting<Request, Result>[] = []
    const rest: Waiting<Request, Result>[] = []
    const passedOver = new Set<string>()
    let size = 0
    for (const one of waiting) {
      const key = options.keyOf(one.request)
      const fits = batch.length === 0 || (batch.length < options.maxBatch && size + one.size <= options.maxSize)
      if (fits && !inFlight.has(key) && !passedOver.has(key)) {
        batch.push(one)
        inFlight.add(key)
        size += one.size
      } else {
        rest.push(one)
        passedOver.add(key)
      }
    }
    waiting = rest
    return batch
  }

  async function serve(batch: readonly Waiting<Request, Result>[]): Promise<void> {
    const deferred: Waiting<Request, Result>[] = []
    try {
      const results = await options.flush(batch.map(one => one.request))
      batch.forEach((one, i) => {
        const result = results[i] as FlushResult<Result>
        if (result === again) deferred.push(one)
        else if (result instanceof Refused) one.reject(result.error)
        else one.resolve(result)
      })
    } catch (error) {
      for (const one of batch) one.reject(error)
    }
    for (const one of batch) inFlight.delete(options.keyOf(one.request))
    waiting = [...deferred, ...waiting]
  }

  async function runLane(): Promise<void> {
    // In a microtask of its own, so that everything decided in this one shares the first batch.
    await Promise.resolve()
    for (let batch = nextBatch(); batch.length > 0; batch = nextBatch()) await serve(batch)
    lanes--
  }

  return {
    add: request =>
      new Promise((resolve, reject) => {
        waiting.push({ request, size: options.sizeOf(request), resolve, reject })
        if (lanes === options.lanes) return
        lanes++
        void runLane()
      }),
  }
}
