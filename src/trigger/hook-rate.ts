// How many requests a hook may still take: `max_per_minute` in each minute of the database's clock, over all daemons.
import type { JsonObject } from '../base/json.ts'

const MINUTE_MS = 60_000

export interface Taken {
  readonly minute: Date
  readonly taken: number
}

/** Infinite without a limit. */
export function maxPerMinute(config: JsonObject): number {
  return (config as { max_per_minute?: number }).max_per_minute ?? Number.POSITIVE_INFINITY
}

/** Under the mutex of the trigger, so that no two daemons take the same place. */
export function createAllowance(config: JsonObject, { before, now }: { before: Taken | undefined; now: Date }) {
  const minute = new Date(now.getTime() - (now.getTime() % MINUTE_MS))
  let taken = before?.minute.getTime() === minute.getTime() ? before.taken : 0
  return {
    /** Takes one if there is one left. */
    take(): boolean {
      if (taken >= maxPerMinute(config)) return false
      taken++
      return true
    },
    /** Seconds until there are more. */
    retryAfter: Math.ceil((minute.getTime() + MINUTE_MS - now.getTime()) / 1000),
    state: (): Taken => ({ minute, taken }),
  }
}

export type Allowance = ReturnType<typeof createAllowance>
