/** At most `max` holders at once; the others wait: those of higher priority go first, of one priority who came first. */
export interface Limit {
  /** Takes a place: at once, or when the promise resolves. */
  enter(priority?: number): Promise<void> | undefined
  /** Gives a place back. */
  leave(): void
}

export function createLimit(max: number): Limit {
  let active = 0
  const waiting: { readonly priority: number; go(): void }[] = []
  return {
    enter(priority = 0) {
      if (active >= max) {
        const behind = waiting.findLastIndex(one => one.priority >= priority)
        return new Promise(go => waiting.splice(behind + 1, 0, { priority, go }))
      }
      active++
    },
    leave() {
      // The place goes to the first who waits; only without one does it become free.
      const next = waiting.shift()
      if (next) next.go()
      else active--
    },
  }
}
