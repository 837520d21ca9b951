// From verdicts to rows of the ledger: every event gets one of each trigger that wants it. Of events that fire together
// the last one bears the execution, and the others are coalesced into it.
import type { JsonObject } from '../base/json.ts'
import { disposeRequest, type Standing } from '../trigger/dispose.ts'
import type { Disposal } from '../trigger/fire.ts'
import { isArmed, type Trigger } from '../trigger/trigger.ts'
import type { Instant } from '../trigger/trigger-type.ts'
import { type InboundEvent, shownEvent } from './cloud-event.ts'
import type { Member, Verdict } from './gather.ts'

/** An event that fires, and the workflows whose ends led to it. */
export interface FiringEvent extends InboundEvent {
  readonly chain: readonly string[]
}

export interface Verdicts {
  readonly trigger: Trigger
  readonly verdicts: readonly Verdict[]
  /** All that fire. */
  readonly events: ReadonlyMap<string, FiringEvent>
  readonly standing: Standing
  readonly now: Instant
}

export function disposalsOf({ trigger, verdicts, events, standing, now }: Verdicts): Disposal[] {
  let present = standing
  return verdicts.flatMap(verdict => {
    if (verdict.kind !== 'fire') {
      const { kind, member, reason } = verdict
      return [unfired(trigger, member.eventId, { disposition: kind === 'skip' ? 'skipped' : 'coalesced', reason })]
    }
    const { members } = verdict
    if (!isArmed(trigger) || trigger.type !== 'event') return skipAll(trigger, members, 'paused')
    const { disposition, reason, standing: after } = disposeRequest(trigger, present, now)
    present = after
    if (reason !== null) return skipAll(trigger, members, reason)
    return together(trigger, members, { events, disposition })
  })
}

function eventKey(eventId: string): string {
  return `evt:${eventId}`
}

/** A row without an execution. */
export function unfired(
  trigger: Trigger,
  eventId: string,
  fate: { readonly disposition: 'skipped' | 'coalesced'; readonly reason: Disposal['reason'] },
): Disposal {
  return { trigger, fireKey: eventKey(eventId), ...fate, slots: null }
}

function skipAll(trigger: Trigger, members: readonly Member[], reason: Disposal['reason']): Disposal[] {
  return members.map(({ eventId }) => unfired(trigger, eventId, { disposition: 'skipped', reason }))
}

interface Start {
  readonly events: ReadonlyMap<string, FiringEvent>
  readonly disposition: Disposal['disposition']
}

/** The last one fires, or waits for room, for all of them. */
function together(trigger: Trigger, members: readonly Member[], { events, disposition }: Start): Disposal[] {
  const given = members.map(({ eventId }) => {
    const event = events.get(eventId)
    if (event === undefined) throw new Error(`event ${eventId} fires, but is not there`)
    return event
  })
  const [last] = members.slice(-1)
  const [stands] = given.slice(-1)
  if (last === undefined || stands === undefined) return []
  const { all_of, batch } = trigger.config
  const isList = all_of !== undefined || batch !== undefined
  // Several events of a trigger that takes them one by one are a batch of its rule before.
  const fields: JsonObject = {
    ...(!isList && { event: shownEvent(stands) }),
    ...((isList || given.length > 1) && { events: given.map(shownEvent) }),
  }
  const chain = [...new Set(given.flatMap(event => event.chain))]
  const reason = all_of === undefined ? 'batch' : 'window'
  return [
    ...members.slice(0, -1).map(({ eventId }) => unfired(trigger, eventId, { disposition: 'coalesced', reason })),
    {
      trigger,
      fireKey: eventKey(last.eventId),
      disposition,
      reason: null,
      slots: null,
      carried: { fields, ...(chain.length > 0 && { chain }) },
    },
  ]
}
