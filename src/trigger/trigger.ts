// A trigger: the standing rule "when X, run W". Its config holds the fields of its type beside its policies: those every
// type has (here and in start-policy.ts), and those of the types with a schedule (schedule-policy.ts). Fire keys name what
// makes a fire unique; their prefixes keep senders from naming a slot.
import { Type } from 'typebox'
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
  readonly pauseNote: string | null
  readonly lastTriggeredAt: Date | null
}

/** Policies of every type. */
export const commonPolicies = {
  ...startPolicies,
  input: Type.Optional(inputSchema),
}

/** The fire key of a slot. */
export function slotKey(slot: Instant): string {
  return `slot:${new Date(slot).toISOString()}`
}

/** The fire key of a request; `scope` is who asks, so that two senders cannot collide. */
export function requestKey(scope: string, key: string): string {
  return `req:${scope}:${key}`
}
