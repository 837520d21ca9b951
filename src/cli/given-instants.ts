// Instants as options give them. A time without an offset is meant on the clock of the trigger it is asked of.
import { MbflowError } from '../base/errors.ts'
import { instantsNamed, timezoneOf } from '../trigger/local-time.ts'
import type { Trigger } from '../trigger/trigger.ts'

export interface Given {
  /** `--from`. */
  readonly option: string
  readonly text: string
}

/** Two for a local time that comes twice. Throws INPUT_INVALID. */
export function instantsGiven(trigger: Pick<Trigger, 'config'>, { option, text }: Given): number[] {
  const timezone = timezoneOf(trigger)
  const named = instantsNamed(text, timezone)
  if (named === undefined) {
    throw new MbflowError('INPUT_INVALID', `${option} ${text} is not a time`, {
      hint: `write 2026-12-24T18:00Z, or 2026-12-24T18:00 for the clock of ${timezone}`,
    })
  }
  if (named.length === 0) {
    const message = `${option} ${text} never comes: the clocks of ${timezone} pass over it`
    throw new MbflowError('INPUT_INVALID', message, { hint: 'give the instant with its offset from UTC' })
  }
  return named
}

/** The first one. Throws INPUT_INVALID. */
export function instantGiven(trigger: Pick<Trigger, 'config'>, given: Given): number {
  return instantsGiven(trigger, given)[0] ?? 0
}
