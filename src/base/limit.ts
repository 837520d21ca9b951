/** At most `max` holders at once; the others wait: those of higher priority go first, of one priority who came first. */
export interface Limit {
  /** Runs `work` when there is room. */
  run<T>(work: () => Promise<T>, priority?: number): Promise<T>
}

export function createLimit(max: number): Limit {
  let active = 0
  const waiting: { readonly priority: number; go(): void }[] = []
  return {
    async run(work, priority = 0) {
      if (active >= max) {
        const behind = waiting.findLastIndex(one => one.priority >= priority)
        await new Promise<void>(go => waiting.splice(behind + 1, 0, { priority, go }))
      } else active++
      try {
        return await work()
      } finally {
        // The place goes to the first who waits; only without one does it become free.
        const next = waiting.shift()
        if (next) next.go()
        else active--
      }
    },
  }
}
