// The coming slots of a trigger, as people read them: on its clock, with what is remarkable about each.
import { formatDuration } from '../base/duration.ts'
import { scheduleOf } from './check.ts'
import { type Fate, foresee, hasReachedLimit, isUnarmed, MAX_WALK, type Prospect } from './foresee.ts'
import { type Reading, slotClockOf } from './local-time.ts'
import { maxFires, shiftOf } from './schedule-policy.ts'
import { isArmed, outOfService, type Trigger } from './trigger.ts'
import type { Instant } from './trigger-type.ts'

export interface Remark {
  readonly kind: 'dst_gap' | 'dst_overlap' | 'excluded' | 'spread' | 'limit' | 'cooldown' | 'uncounted'
  readonly text: string
}

export interface PreviewedSlot extends Reading {
  readonly slot: Date
  readonly fires: boolean
  readonly remarks: readonly Remark[]
}

/** What holds for all of them. */
export interface PreviewNote {
  readonly kind:
    | 'disabled'
    | 'paused'
    | 'unarmed'
    | 'no_schedule'
    | 'provisional'
    | 'start_at'
    | 'end_at'
    | 'limit'
    | 'ended'
  readonly text: string
}

export interface Preview {
  readonly slots: readonly PreviewedSlot[]
  readonly notes: readonly PreviewNote[]
}

export interface PreviewQuery {
  readonly from: Instant
  readonly count: number
  /** Whether the trigger has yet to get its id. */
  readonly provisional: boolean
}

/** The first `count` slots from an instant on; fewer, with a note that says why, when the schedule ends. */
export function preview(trigger: Trigger, prospect: Prospect, { from, count, provisional }: PreviewQuery): Preview {
  if (scheduleOf(trigger) === null) {
    return { slots: [], notes: [{ kind: 'no_schedule', text: `a trigger of type ${trigger.type} has no slots` }] }
  }
  const clock = slotClockOf(trigger)
  const ofRule = spreadRemarks(trigger)
  const slots: PreviewedSlot[] = []
  for (const { slot, fate } of foresee(trigger, { ...prospect, from })) {
    if (slots.length === count) break
    slots.push({
      slot: new Date(slot),
      ...clock.read(slot),
      fires: fate.kind === 'fires',
      remarks: [...clock.remarks(slot), ...ofRule, ...fateRemarks(trigger, fate)],
    })
  }
  const notes = [
    ...standingNotes(trigger, prospect),
    ...(provisional && dependsOnId(trigger) ? [PROVISIONAL] : []),
    ...startNotes(trigger, from),
    ...(slots.length < count ? [endNote(trigger, prospect)] : []),
  ]
  return { slots, notes }
}

function fateRemarks({ config }: Trigger, fate: Fate): Remark[] {
  if (fate.kind === 'excluded') return [{ kind: 'excluded', text: `excluded by ${fate.by}` }]
  if (fate.kind === 'fires') return []
  if (fate.kind === 'uncounted') return [{ kind: 'uncounted', text: UNCOUNTED }]
  if (fate.kind === 'cooldown') return [{ kind: 'cooldown', text: `skipped: cooldown is ${String(config.cooldown)}` }]
  return [{ kind: 'limit', text: `skipped: max_fires is ${maxFires(config)}; the schedule ends` }]
}

/** What to say of a slot whose fate is `uncounted`. */
export const UNCOUNTED = `over ${MAX_WALK.toLocaleString('en')} slots come before: what max_fires and cooldown make of it is not counted`

function spreadRemarks({ id, config }: Trigger): Remark[] {
  const shift = shiftOf(config, id)
  return shift === 0 ? [] : [{ kind: 'spread', text: `${formatDuration(shift)} later by spread` }]
}

function standingNotes(trigger: Trigger, prospect: Prospect): PreviewNote[] {
  if (!isArmed(trigger)) {
    const { reason, text } = outOfService(trigger)
    return [{ kind: reason, text: `${text}; nothing fires until it is ${reason === 'paused' ? 'resumed' : 'enabled'}` }]
  }
  return isUnarmed(trigger, prospect) ? [{ kind: 'unarmed', text: UNARMED }] : []
}

/** What to say of a trigger that `isUnarmed`. */
export const UNARMED = 'it has no cursor, as after an UPDATE of its row: disable it and enable it again'

const PROVISIONAL: PreviewNote = {
  kind: 'provisional',
  text: 'H and spread depend on the id the trigger gets when it is applied: its slots will be others of the same kind',
}

/** Whether its slots are its own: another trigger with its config has others. */
export function dependsOnId({ config }: Trigger): boolean {
  const { spread, schedule, schedules } = config as { spread?: string; schedule?: unknown; schedules?: unknown }
  return spread !== undefined || /\bH/.test(JSON.stringify([schedule, schedules]))
}

interface Bounds {
  readonly start_at?: string
  readonly end_at?: string
}

function startNotes({ config }: Trigger, from: Instant): PreviewNote[] {
  const { start_at } = config as Bounds
  if (start_at === undefined || Date.parse(start_at) <= from) return []
  return [{ kind: 'start_at', text: `no slots before ${start_at} (start_at)` }]
}

function endNote(trigger: Trigger, prospect: Prospect): PreviewNote {
  const limit = maxFires(trigger.config)
  if (hasReachedLimit(trigger, prospect)) return { kind: 'limit', text: `it has fired ${limit} times, its max_fires` }
  const { end_at } = trigger.config as Bounds
  if (end_at !== undefined) return { kind: 'end_at', text: `no slots from ${end_at} on (end_at)` }
  return { kind: 'ended', text: 'the schedule has no more slots' }
}
