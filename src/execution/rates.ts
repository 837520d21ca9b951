// How often executions of a workflow may begin. Pure. A rate is a bucket of tokens for each of its keys: it holds `burst`,
// one comes in every `period / limit`, and who begins takes one. So in no stretch of time t do more than
// burst + limit * t / period begin, and nobody waits while there is a token. Of two transactions that take tokens the
// later may have begun before the other: it counts by its own instant, at which fewer had come in.
import type { WorkflowSettings } from '../workflow/workflow.ts'
import type { AtGate } from './gates.ts'

/** A bucket, and who waits for its tokens. */
export interface Bucket {
  readonly key: string
  /** Tokens that were missing when it was last looked at; parts of one, too. */
  readonly missing: number
  /** Milliseconds since then; below zero for who began before. */
  readonly elapsed: number
  readonly waiting: number
  /** Of the version that counts: the active one, else the newest. */
  readonly settings: WorkflowSettings
}

type Level = Pick<Bucket, 'missing' | 'elapsed' | 'settings'>

/** What is lost of an instant by its rounding to microseconds, milliseconds. */
const ROUNDING_MS = 0.002

/** How many may begin now; without a rate, no end of them. */
export function tokensIn({ missing, elapsed, settings: { rate } }: Level): number {
  if (rate === undefined) return Number.POSITIVE_INFINITY
  const { step, burst } = paceOf(rate)
  return Math.max(0, Math.floor(burst - missingNow({ missing, elapsed: elapsed + ROUNDING_MS }, { step, burst })))
}

/** A bucket as it is kept. */
export interface Kept {
  /** Tokens missing at the instant it was last looked at, or now, whichever is later. */
  readonly missing: number
  /** Milliseconds from then until it is full. */
  readonly fullIn: number
  /** Milliseconds from now until it has a token. */
  readonly tokenIn: number
}

/** Once so many have begun. */
export function afterTaking({ missing, elapsed, settings: { rate } }: Level, taken: number): Kept {
  if (rate === undefined) return { missing: 0, fullIn: 0, tokenIn: 0 }
  const { step, burst } = paceOf(rate)
  const after = missingNow({ missing, elapsed: Math.max(0, elapsed) }, { step, burst }) + taken
  const tokenIn = Math.max(0, (after - (burst - 1)) * step) + Math.max(0, -elapsed)
  return { missing: after, fullIn: after * step, tokenIn }
}

interface Pace {
  /** Milliseconds from token to token. */
  readonly step: number
  readonly burst: number
}

function paceOf({ period_ms, limit, burst = limit }: NonNullable<WorkflowSettings['rate']>): Pace {
  return { step: period_ms / limit, burst }
}

/** No bucket is more than empty, though a version with a larger one may have filled and emptied it. */
function missingNow({ missing, elapsed }: { missing: number; elapsed: number }, { step, burst }: Pace): number {
  return Math.max(0, Math.min(missing, burst) - elapsed / step)
}

export function timesAt(bucket: Bucket): AtGate {
  const { key, waiting, settings } = bucket
  const why = `as many of ${key} have begun as its rate allows, and on_limit is skip`
  return {
    key,
    waiting,
    room: tokensIn(bucket),
    beyond: settings.rate?.on_limit === 'skip' ? 'skipped' : 'waits',
    why,
  }
}
