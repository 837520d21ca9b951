// The life of a long-running part: `start` resolves when it runs, `stop` is idempotent, tolerates a service that never
// started and waits for the pass in flight. A loop repeats one pass (`tick`); a failing pass is logged, counted by the
// caller's log and never ends the loop.
import type { Clock } from './clock.ts'
import type { Logger } from './log.ts'

export interface Service {
  readonly name: string
  start(): Promise<void>
  stop(): Promise<void>
}

export interface Loop extends Service {
  /** Makes the next pass start now (or right after the one in flight). */
  wake(): void
  /** Milliseconds since the last pass that succeeded; infinite before the first. */
  age(): number
}

export interface LoopOptions {
  readonly name: string
  readonly clock: Clock
  readonly log: Logger
  /** Longest time between two passes, milliseconds. */
  readonly every: number
  /** One pass; resolves to how long to sleep at most before the next (milliseconds), or nothing for `every`. */
  tick(): Promise<number | undefined>
}

const MAX_BACKOFF_MS = 5_000

/** Without a reason of its own every call of `abort` makes an exception, with its stack. */
const WOKEN = 'woken'

export function createLoop({ name, clock, log, every, tick }: LoopOptions): Loop {
  let running: Promise<void> | undefined
  let stopping = false
  let awake = new AbortController()
  let lastSuccess = Number.NEGATIVE_INFINITY
  let failures = 0

  async function pass(): Promise<number> {
    try {
      const pause = await tick()
      lastSuccess = clock.monotonic()
      failures = 0
      return Math.min(pause ?? every, every)
    } catch (error) {
      failures++
      // The first, second, fourth, … in a row: an outage is told, not repeated with every pass.
      if (Number.isInteger(Math.log2(failures)))
        log.error({ evt: `${name}.failed`, err: error, failures }, 'pass failed; will try again')
      return Math.min(MAX_BACKOFF_MS, 100 * 2 ** Math.min(failures, 6)) * (0.5 + Math.random() / 2)
    }
  }

  async function run(): Promise<void> {
    while (!stopping) {
      const before = awake
      const pause = await pass()
      if (!stopping && !before.signal.aborted) await clock.sleep(pause, before.signal)
      if (awake.signal.aborted) awake = new AbortController()
    }
  }

  return {
    name,
    async start() {
      if (running) return
      stopping = false
      running = run()
    },
    async stop() {
      stopping = true
      awake.abort()
      await running
      running = undefined
      awake = new AbortController()
    },
    wake: () => awake.abort(WOKEN),
    age: () => clock.monotonic() - lastSuccess,
  }
}
