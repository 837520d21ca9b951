// A loop over keys of which something may wait: those it is told of, and, at every poll, all there are, page by page. What
// it is told is a hint that shortens the wait; a key that nobody told of, or that was told to a process that is gone, is
// found by the next sweep.
import type { Clock } from './clock.ts'
import type { Logger } from './log.ts'
import { createLoop, type Loop } from './service.ts'

export interface KeyedLoop extends Loop {
  /** Something may have changed for these. */
  tell(keys: readonly string[]): void
  /** Something may have changed for any. */
  look(): void
}

export interface Pass {
  /** Whether anything was done. */
  readonly didAny: boolean
  /** Keys to be asked for again: somebody else holds them, or there is more to do than in one go. */
  readonly again: readonly string[]
}

export interface KeyedLoopOptions {
  readonly name: string
  readonly clock: Clock
  readonly log: Logger
  /** Longest pause between two sweeps, milliseconds. */
  readonly every: number
  /** What every key comes after. */
  readonly first: string
  /** Keys after another one, in order, for which there may be something to do. */
  find(page: { after: string; limit: number }): Promise<readonly string[]>
  pass(keys: readonly string[]): Promise<Pass>
}

const BATCH = 200
/** Keys somebody else holds are asked for again after this. Milliseconds. */
const CONTENDED_MS = 20

export function createKeyedLoop({ name, clock, log, every, first, find, pass }: KeyedLoopOptions): KeyedLoop {
  const told = new Set<string>()
  let sweptAt = Number.NEGATIVE_INFINITY
  let after = first
  const nextPage = async (): Promise<readonly string[]> => {
    const found = await find({ after, limit: BATCH })
    after = found.length < BATCH ? first : (found.at(-1) ?? first)
    if (after === first) sweptAt = clock.monotonic()
    return found
  }
  const loop = createLoop({
    name,
    clock,
    log,
    every,
    async tick() {
      const some = [...told].slice(0, BATCH)
      for (const key of some) told.delete(key)
      const isSweepDue = clock.monotonic() - sweptAt >= every
      const keys = isSweepDue ? [...new Set([...some, ...(await nextPage())])] : some
      if (keys.length === 0) return undefined
      const { didAny, again } = await pass(keys)
      for (const key of again) told.add(key)
      if (!didAny && again.length > 0) return CONTENDED_MS
      return told.size > 0 || after !== first ? 0 : undefined
    },
  })
  return {
    ...loop,
    tell(keys) {
      for (const key of keys) told.add(key)
      loop.wake()
    },
    look() {
      sweptAt = Number.NEGATIVE_INFINITY
      loop.wake()
    },
  }
}
