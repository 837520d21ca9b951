// A trigger: the standing rule "when X, run W". Its config holds the fields of its type beside the policies every type
// has, written here. Fire keys name what makes a fire unique; their prefixes keep senders from naming a slot.
import { type Static, Type } from 'typebox'
import { parseDuration } from '../base/duration.ts'
import type { JsonObject } from '../base/json.ts'
import { DurationText } from '../base/schema.ts'
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

/** The most late slots `fire_all` may fire. */
const MOST_CATCH_UP_FIRES = 1_000

const misfireFields = Type.Object(
  {
    policy: Type.Optional(
      Type.Union([Type.Literal('skip'), Type.Literal('fire_once'), Type.Literal('fire_all')], {
        default: 'fire_once',
        description: 'What becomes of late slots: none fires, only the last fires, all fire.',
      }),
    ),
    threshold: Type.Optional(
      DurationText({
        default: '60s',
        description: 'A slot disposed of later than this is late; until then it always fires.',
      }),
    ),
    catch_up_window: Type.Optional(
      DurationText({ default: '24h', description: 'Late slots older than this never fire.' }),
    ),
    max: Type.Optional(
      Type.Integer({
        default: MOST_CATCH_UP_FIRES,
        minimum: 1,
        maximum: MOST_CATCH_UP_FIRES,
        description: 'With fire_all, the most late slots that fire: the latest ones.',
      }),
    ),
  },
  { additionalProperties: false, description: 'What becomes of slots that were not disposed of in time.' },
)
type MisfireConfig = Static<typeof misfireFields>

const misfireSchema = Type.Refine(
  misfireFields,
  config => config?.max === undefined || config.policy === 'fire_all',
  () => 'has max, which counts only with policy: fire_all',
)

const overlapSchema = Type.Union([Type.Literal('allow'), Type.Literal('skip')], {
  default: 'allow',
  description: 'What becomes of a fire while an execution of the same trigger is not over.',
})

/** Policies of every type. */
export const commonPolicies = {
  overlap: Type.Optional(overlapSchema),
  input: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), { default: {}, description: 'The input of the executions it starts.' }),
  ),
}

/** Policies of the types with a schedule. */
export const schedulePolicies = { misfire: Type.Optional(misfireSchema) }

export type OverlapPolicy = Static<typeof overlapSchema>

export interface MisfirePolicy {
  readonly policy: 'skip' | 'fire_once' | 'fire_all'
  readonly thresholdMs: number
  readonly catchUpWindowMs: number
  readonly max: number
}

/** The policies of a checked config, with their defaults. */
export function overlapPolicy(config: JsonObject): OverlapPolicy {
  return (config as { overlap?: OverlapPolicy }).overlap ?? 'allow'
}

export function misfirePolicy(config: JsonObject): MisfirePolicy {
  const given = (config as { misfire?: MisfireConfig }).misfire ?? {}
  return {
    policy: given.policy ?? 'fire_once',
    thresholdMs: parseDuration(given.threshold ?? '60s'),
    catchUpWindowMs: parseDuration(given.catch_up_window ?? '24h'),
    max: given.max ?? MOST_CATCH_UP_FIRES,
  }
}

export function inputOf(config: JsonObject): JsonObject {
  return (config as { input?: JsonObject }).input ?? {}
}

/** The fire key of a slot. */
export function slotKey(slot: Instant): string {
  return `slot:${new Date(slot).toISOString()}`
}

/** The fire key of a request; `scope` is who asks, so that two senders cannot collide. */
export function requestKey(scope: string, key: string): string {
  return `req:${scope}:${key}`
}
