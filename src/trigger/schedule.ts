// Schedules made of schedules. Each keeps the laws of slots.ts if its parts do.
import type { Instant, Schedule } from './trigger-type.ts'

/** The slots of all of them; instants that coincide are one slot. */
export function unionOf(schedules: readonly Schedule[]): Schedule {
  const [only] = schedules
  if (only !== undefined && schedules.length === 1) return only
  return {
    next(after) {
      let first: Instant | null = null
      for (const schedule of schedules) {
        const slot = schedule.next(after)
        if (slot !== null && (first === null || slot < first)) first = slot
      }
      return first
    },
  }
}

/** These instants, in any order. */
export function listOf(instants: readonly Instant[]): Schedule {
  const slots = instants.toSorted((a, b) => a - b)
  return { next: after => slots.find(slot => slot > after) ?? null }
}

/** Its slots in [from, until). */
export function between(schedule: Schedule, { from, until }: { from: Instant; until: Instant }): Schedule {
  return {
    next(after) {
      const slot = schedule.next(Math.max(after, from - 1))
      return slot !== null && slot < until ? slot : null
    },
  }
}

/** Its slots, each so much later. */
export function delayed(schedule: Schedule, ms: number): Schedule {
  return {
    next(after) {
      const slot = schedule.next(after - ms)
      return slot === null ? null : slot + ms
    },
  }
}
