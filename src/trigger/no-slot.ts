// Why an instant is no slot of a rule: what in its config keeps the rule from naming it. Found by asking the rule without
// that part, so that the answer is the schedule's own.
import { formatDuration } from '../base/duration.ts'
import type { JsonObject } from '../base/json.ts'
import { scheduleOf } from './check.ts'
import { shiftOf } from './schedule-policy.ts'
import type { Trigger } from './trigger.ts'
import type { Instant } from './trigger-type.ts'

export interface NoSlot {
  readonly reason: 'bounds' | 'spread' | 'dst_gap' | 'dst_overlap' | 'not_named'
  readonly text: string
}

/** Of an instant that the rule does not name. */
export function whyNoSlot(trigger: Trigger, instant: Instant): NoSlot {
  const { config, type } = trigger
  const wouldName = (changed: JsonObject): boolean =>
    scheduleOf({ ...trigger, config: changed })?.next(instant - 1) === instant
  const { start_at, end_at, ...unbounded } = config
  if (wouldName(unbounded)) {
    const bounds = [
      ...(start_at === undefined ? [] : [`start_at ${String(start_at)}`]),
      ...(end_at === undefined ? [] : [`end_at ${String(end_at)}`]),
    ]
    return { reason: 'bounds', text: `outside of ${bounds.join(' and ')} there are no slots` }
  }
  const { spread: _, ...unmoved } = config
  const shift = shiftOf(config, trigger.id)
  if (shift > 0 && wouldName(unmoved)) {
    const moved = new Date(instant + shift).toISOString()
    return { reason: 'spread', text: `spread moves the slot of this time by ${formatDuration(shift)}, to ${moved}` }
  }
  if (type === 'cron') {
    const { dst } = config as { dst?: JsonObject }
    if (wouldName({ ...config, dst: { ...dst, overlap: 'both' } }))
      return { reason: 'dst_overlap', text: 'the second time the clock shows it does not count (dst.overlap: first)' }
    if (wouldName({ ...config, dst: { ...dst, gap: 'next_valid' } }))
      return { reason: 'dst_gap', text: 'what the clocks skip is not made up for (dst.gap: skip)' }
  }
  return { reason: 'not_named', text: 'the rule does not name it' }
}
