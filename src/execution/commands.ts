// Tells the turns of this process what was asked of their executions from elsewhere. A notification makes it look at
// once; behind it is a poll, so that a lost one costs seconds, and behind that the fence of the turn's next append.
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { createLoop, type Loop } from '../base/service.ts'
import type { Pool } from '../db/pool.ts'
import { latestSequences } from './store.ts'

export interface Commands extends Loop {
  /** `hear` gets the latest sequence of the execution whenever there is a look. The function returned ends that. */
  attend(executionId: string, hear: (sequence: number) => void): () => void
  /** Looks once. */
  look(): Promise<void>
}

const LOOK_MS = 5_000

export function createCommands({ pool, clock, log }: { pool: Pool; clock: Clock; log: Logger }): Commands {
  const attending = new Map<string, (sequence: number) => void>()

  async function look(): Promise<void> {
    if (attending.size === 0) return
    for (const { id, lastSequence } of await latestSequences(pool, [...attending.keys()]))
      attending.get(id)?.(lastSequence)
  }

  const loop = createLoop({
    name: 'commands',
    clock,
    log,
    every: LOOK_MS,
    async tick() {
      await look()
      return undefined
    },
  })

  return {
    ...loop,
    look,
    attend(executionId, hear) {
      attending.set(executionId, hear)
      return () => {
        if (attending.get(executionId) === hear) attending.delete(executionId)
      }
    },
  }
}
