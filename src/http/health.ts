// Whether this process can do its work. Alive (`/healthz`) is that it answers at all; ready (`/readyz`) is that every
// check passes within a deadline, so that a database that hangs makes an answer, not a hanging probe.
import type { Clock } from '../base/clock.ts'
import { formatDuration } from '../base/duration.ts'
import { messageOf } from '../base/errors.ts'

export interface Readiness {
  readonly ready: boolean
  /** By check: `ok`, or what is wrong. */
  readonly checks: Readonly<Record<string, string>>
}

export interface Health {
  ready(): Promise<Readiness>
}

/** Resolves to what is wrong, or to nothing; whatever it throws is wrong too. */
export type Check = () => Promise<string | undefined>

const DEADLINE_MS = 3_000

export function createHealth(checks: Readonly<Record<string, Check>>, clock: Clock): Health {
  async function run(check: Check): Promise<string> {
    const answered = new AbortController()
    const late = clock.sleep(DEADLINE_MS, answered.signal).then(() => `no answer within ${formatDuration(DEADLINE_MS)}`)
    try {
      return (await Promise.race([check(), late])) ?? 'ok'
    } catch (error) {
      return messageOf(error)
    } finally {
      answered.abort()
    }
  }

  return {
    async ready() {
      const entries = Object.entries(checks)
      const results = await Promise.all(entries.map(async ([name, check]) => [name, await run(check)] as const))
      return { ready: results.every(([, result]) => result === 'ok'), checks: Object.fromEntries(results) }
    },
  }
}
