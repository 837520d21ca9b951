// The time after a fire in which the next one is skipped. A fire on time counts from its slot: what fires every ten minutes
// does so with a cooldown of ten minutes too, though no two fires are late by the same few milliseconds.
import { misfirePolicy } from './schedule-policy.ts'
import { rests, startPolicy } from './start-policy.ts'
import type { Trigger } from './trigger.ts'
import type { Instant } from './trigger-type.ts'

/** Of a trigger that does not rest. */
export const ALWAYS: Instant = Number.NEGATIVE_INFINITY

export interface Cooldown {
  /** The instant that counts of a fire at `now`. */
  fireInstant(slot: Instant | null, now: Instant): Instant
  /** Until when the trigger rests after a fire that counts from an instant. */
  restsUntil(at: Instant): Instant
}

const NONE: Cooldown = { fireInstant: (_, now) => now, restsUntil: () => ALWAYS }

export function cooldownOf(trigger: Pick<Trigger, 'config'>): Cooldown {
  if (!rests(trigger)) return NONE
  const { cooldownMs } = startPolicy(trigger.config)
  const { thresholdMs } = misfirePolicy(trigger.config)
  return {
    fireInstant: (slot, now) => (slot === null || now - slot > thresholdMs ? now : slot),
    restsUntil: at => at + cooldownMs,
  }
}
