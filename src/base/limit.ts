/** At most `max` holders at once; the others wait in order. */
export interface Limit {
  /** Runs `work` when there is room. */
  run<T>(work: () => Promise<T>): Promise<T>
}

export function createLimit(max: number): Limit {
  let active = 0
  const waiting: (() => void)[] = []
  return {
    async run(work) {
      if (active >= max) await new Promise<void>(resolve => waiting.push(resolve))
      else active++
      try {
        return await work()
      } finally {
        // The place goes to the first who waits; only without one does it become free.
        const next = waiting.shift()
        if (next) next()
        else active--
      }
    },
  }
}
