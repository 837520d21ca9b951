// How long the attempts of a turn may go on once it is to drain. Its signal stands for the turn, and the time begins when
// it first asks.
import type { Clock } from '../base/clock.ts'

const ends = new WeakMap<AbortSignal, number>()

/** Monotonic instant at which the attempts that still run are cut short. */
export function drainEnds(drain: AbortSignal, { clock, drainTimeout }: { clock: Clock; drainTimeout: number }): number {
  const end = ends.get(drain) ?? clock.monotonic() + drainTimeout
  ends.set(drain, end)
  return end
}
