// Two clocks. The process clock paces timers, timeouts and back-off; it is never compared between processes. The
// database clock decides everything that is: due, lease, order. `createDatabaseClock` is the process's estimate of it,
// corrected each time a statement returns the database's own instant; in between it follows the monotonic clock, so that
// a wall clock that is wrong or jumps changes nothing. It serves ids and back-off targets, never due-ness.

export interface Clock {
  /** Wall clock of this process, epoch milliseconds. */
  now(): number
  /** Milliseconds that never go back; only differences mean something. */
  monotonic(): number
  /** Resolves after `ms`, or at once when `signal` aborts; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise(resolve => {
      if (signal?.aborted) return resolve()
      const done = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, Math.min(Math.max(ms, 0), 2 ** 31 - 1))
      signal?.addEventListener('abort', done, { once: true })
    }),
}

export interface DatabaseClock {
  /** Estimated database time, epoch milliseconds. */
  now(): number
  /** Called with an instant the database just reported; `askedAt`, monotonic, is no later than that instant. */
  observe(databaseNow: Date, askedAt?: number): void
}

export function createDatabaseClock(clock: Clock): DatabaseClock {
  let ahead = clock.now() - clock.monotonic()
  return {
    now: () => Math.round(clock.monotonic() + ahead),
    observe(databaseNow, askedAt) {
      // The instant lies between question and answer. An estimate that agrees is kept: answers may be read late.
      const least = databaseNow.getTime() - clock.monotonic()
      const most = databaseNow.getTime() - (askedAt ?? clock.monotonic())
      ahead = Math.min(Math.max(ahead, least), most)
    },
  }
}
