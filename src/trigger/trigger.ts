// A trigger: the standing rule "when X, run W". Its config holds the fields of its type beside the policies every type
// has, written here; those of the types with a schedule are in schedule-policy.ts. Fire keys name what makes a fire unique; their prefixes keep senders from naming a slot.
import { type Static, Type } from 'typebox'
import type { JsonObject } from '../base/json.ts'
import { inputSchema } from './input.ts'
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

const overlapSchema = Type.Union([Type.Literal('allow'), Type.Literal('skip')], {
  default: 'allow',
  description: 'What becomes of a fire while an execution of the same trigger is not over.',
})

/** Policies of every type. */
export const commonPolicies = {
  overlap: Type.Optional(overlapSchema),
  input: Type.Optional(inputSchema),
}

export type OverlapPolicy = Static<typeof overlapSchema>

/** The policies of a checked config, with their defaults. */
export function overlapPolicy(config: JsonObject): OverlapPolicy {
  return (config as { overlap?: OverlapPolicy }).overlap ?? 'allow'
}

/** The fire key of a slot. */
export function slotKey(slot: Instant): string {
  return `slot:${new Date(slot).toISOString()}`
}

/** The fire key of a request; `scope` is who asks, so that two senders cannot collide. */
export function requestKey(scope: string, key: string): string {
  return `req:${scope}:${key}`
}
