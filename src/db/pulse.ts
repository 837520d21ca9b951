// One question a second for all that wait for work, instead of one each: how long until there is something to do? What
// is found due is woken, and looks for itself. Nothing is remembered, and those that are woken look anyway now and then,
// so no work can be overlooked for long.
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { createLoop, type Loop } from '../base/service.ts'
import { rowsByKey } from './by-key.ts'
import type { Pool } from './pool.ts'
import { type Fragment, part, sql } from './sql.ts'

/** An expression: milliseconds until there is something to do, not above zero if there is now, null if nothing is known. */
export interface Question {
  readonly dueIn: Fragment
  wake(): void
}

/** What a pulse wakes. */
export interface Pulsed {
  readonly question: Question
}

export interface PulseDeps {
  readonly pool: Pool
  readonly clock: Clock
  readonly log: Logger
  /** Longest pause between two questions, milliseconds. */
  readonly pollInterval: number
}

/** How often those that a pulse wakes look by themselves, milliseconds. */
export const LOOK_ANYWAY_MS = 15_000
/** What is due but cannot be done yet is no reason to ask more often than this. Milliseconds. */
const SHORTEST_MS = 50

export function createPulse({ pool, clock, log, pollInterval }: PulseDeps, pulsed: readonly Pulsed[]): Loop {
  const questions = pulsed.map(({ question }) => question)
  const list = questions.map(({ dueIn }) => dueIn).reduce((before, one) => part`${before}, ${one}`)
  const ask = sql('db.pulse')`select array[${list}]::float8[] as due`
  return createLoop({
    name: 'pulse',
    clock,
    log,
    every: pollInterval,
    async tick() {
      const [row] = await rowsByKey<{ due: readonly (number | null)[] }>(pool, ask)
      const due = row?.due ?? []
      questions.forEach(({ wake }, i) => {
        const ms = due[i]
        if (typeof ms === 'number' && ms <= 0) wake()
      })
      const next = due.filter(ms => typeof ms === 'number' && ms > 0) as number[]
      return next.length === 0 ? undefined : Math.max(SHORTEST_MS, Math.ceil(Math.min(...next)))
    },
  })
}
