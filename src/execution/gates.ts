// What an execution has to get through before anything of it runs, if its workflow says so: a limit, for its place among
// those under way, and then a rate, for its time. Pure. Both are counted by a key, and whoever does not get through waits
// in the line of the key, or is skipped.
import type { Workflow } from '../workflow/workflow.ts'
import type { ExecutionState } from './state.ts'

/** `parkedReason` of those who wait is the name of the gate. */
export const gates = {
  limit: { waits: 'execution_limited', opens: 'execution_admitted', key: 'limitKey' },
  rate: { waits: 'execution_throttled', opens: 'execution_passed', key: 'rateKey' },
} as const
export type Gate = keyof typeof gates

/** The gate it is at, and the expression that yields its key, if not the workflow alone is counted. */
export function gateAhead(
  { settings: { concurrency, rate } }: Pick<Workflow, 'settings'>,
  { limitKey, rateKey }: Pick<ExecutionState, 'limitKey' | 'rateKey'>,
): { readonly gate: Gate; readonly setting: string; readonly expression: string | undefined } | undefined {
  if (concurrency !== undefined && limitKey === undefined)
    return { gate: 'limit', setting: 'settings.concurrency.key', expression: concurrency.key }
  if (rate !== undefined && rateKey === undefined)
    return { gate: 'rate', setting: 'settings.rate.key', expression: rate.key }
  return undefined
}

/** How things stand at a gate for one key. */
export interface AtGate {
  readonly key: string
  /** How many may get through now. */
  readonly room: number
  /** How many wait; of more than MOST_COUNTED so many. */
  readonly waiting: number
  readonly beyond: 'waits' | 'skipped'
  /** Why somebody is skipped. */
  readonly why: string
}

/** Executions in a line that are counted. */
export const MOST_COUNTED = 1_000

export type Verdict = 'admitted' | AtGate['beyond']

/** What becomes of so many executions that come, one after the other. Those that wait already come first. */
export function judgeArrivals({ room, waiting, beyond }: AtGate, count: number): Verdict[] {
  return Array.from({ length: count }, (_, i) => {
    if (room > 0 && waiting > 0) return 'waits'
    return i < room ? 'admitted' : beyond
  })
}
