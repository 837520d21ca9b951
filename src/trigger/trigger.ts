// A trigger: the standing rule "when X, run W". Its config holds the fields of its type beside its policies: those every
// type has (here and in start-policy.ts), and those of the types with a schedule (schedule-policy.ts). Fire keys name what
// makes a fire unique; their prefixes keep senders from naming a slot.
import { Type } from 'typebox'
import { writeInstant } from '../base/instant.ts'
import type { JsonObject } from '../base/json.ts'
import { inputSchema } from './input.ts'
import { startPolicies } from './start-policy.ts'
import type { Instant, TriggerType } from './trigger-type.ts'

export interface Trigger {
  readonly id: string
  /** The workflow version it runs. */
  readonly workflowId: string
  readonly workflowName: string
  /** Names it within its workflow, whatever the version. */
  readonly key: string
  readonly name: string
  readonly type: TriggerType['type']
  readonly config: JsonObject
  readonly enabled: boolean
  readonly specVersion: number
  /** Origin of its intervals, unless config names one. */
  readonly anchorAt: Date
  /** Since when an operator, or the program by itself, holds it; null unless they do. */
  readonly pausedAt: Date | null
  readonly pausedBy: string | null
  readonly pauseNote: string | null
  readonly lastTriggeredAt: Date | null
  /** What the version it runs says; null if it says nothing. */
  readonly workflowPriority: number | null
}

/** Whether it fires: its document says so, and nobody paused it. */
export function isArmed({ enabled, pausedAt }: Pick<Trigger, 'enabled' | 'pausedAt'>): boolean {
  return enabled && pausedAt === null
}

/** Why it is not armed; what holds it, a pause, comes first. */
export function outOfService(trigger: Pick<Trigger, 'pausedAt' | 'pausedBy' | 'pauseNote'>): {
  readonly reason: 'paused' | 'disabled'
  readonly text: string
} {
  const { pausedAt, pausedBy, pauseNote } = trigger
  if (pausedAt === null) return { reason: 'disabled', text: 'disabled' }
  return { reason: 'paused', text: `paused by ${pausedBy}${pauseNote === null ? '' : `: ${pauseNote}`}` }
}

/** Policies of every type. */
export const commonPolicies = {
  ...startPolicies,
  input: Type.Optional(inputSchema),
}

/** The fire key of a slot. */
export function slotKey(slot: Instant): string {
  return `slot:${writeInstant(slot)}`
}

/** Whether the fire key is one of a backfill. */
export function isBackfilled(fireKey: string): boolean {
  return fireKey.startsWith('bf:')
}

/** The fire key of a request; `scope` is who asks, so that two senders cannot collide. */
export function requestKey(scope: string, key: string): string {
  return `req:${scope}:${key}`
}
