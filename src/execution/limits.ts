// What limits the executions of a workflow, and who of them may go on. Pure. A limit belongs to the name of a workflow, or
// to the name and the value of a key; executions under the same one are told by the same text, `executions.limit_key`.
import type { Json } from '../base/json.ts'
import type { WorkflowSettings } from '../workflow/workflow.ts'
import type { AtGate } from './gates.ts'

const LONGEST_VALUE = 256

/** The name alone, or the name and the value as JSON: `orders`, `orders/"acme"`. No name has a `/`. */
export function limitKeyOf(
  workflow: string,
  value: Json | undefined,
): { readonly key: string } | { readonly problem: string } {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
    const found =
      value === undefined ? 'nothing' : value === null ? 'null' : Array.isArray(value) ? 'a list' : 'an object'
    return { problem: `it must yield a text, a number or a boolean, and yields ${found}` }
  }
  const text = JSON.stringify(value)
  if (text.length > LONGEST_VALUE)
    return { problem: `it yields ${text.length} characters, and at most ${LONGEST_VALUE} are allowed` }
  return { key: `${workflow}/${text}` }
}

/** How things stand under a limit. */
export interface Standing {
  readonly key: string
  /** Executions that have their place. */
  readonly holding: number
  /** Executions that wait for one; of more than MOST_COUNTED so many. */
  readonly waiting: number
  /** Of the version that counts: the active one, else the newest. */
  readonly settings: WorkflowSettings
}

/** How many more executions may have a place. */
export function roomUnder({ holding, settings: { concurrency } }: Standing): number {
  return concurrency === undefined ? Number.POSITIVE_INFINITY : Math.max(0, concurrency.max - holding)
}

/** How many executions are to be cancelled, the oldest first, because newer ones came. */
export function tooMany({ holding, waiting, settings: { concurrency } }: Standing): number {
  return concurrency?.on_limit === 'cancel_oldest' ? Math.max(0, holding + waiting - concurrency.max) : 0
}

export function placesAt(standing: Standing): AtGate {
  const { key, waiting, settings } = standing
  const { max, on_limit } = settings.concurrency ?? {}
  const why = `${max} of ${key} are under way, and on_limit is skip`
  return { key, waiting, room: roomUnder(standing), beyond: on_limit === 'skip' ? 'skipped' : 'waits', why }
}
