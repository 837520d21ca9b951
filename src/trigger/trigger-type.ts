// The contract of a trigger type. A time-driven type only yields slots; poller, ledger, misfire, overlap, preview and
// explain come free. A type is one file in `trigger/types/` and one line in `trigger/registry.ts`.
import type { TSchema } from 'typebox'
import type { Problem } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'

/** Epoch milliseconds. Schedule arithmetic is done in these; rows hold Dates. */
export type Instant = number

export interface ScheduleContext {
  readonly triggerId: string
  /** Origin of intervals: the config's own anchor, else the whole second the trigger was created in. */
  readonly anchor: Instant
}

/** The slots of one rule. Pure: the same rule and instant give the same answer everywhere and always. */
export interface Schedule {
  /** The first slot strictly after `after`, or null when there is none. */
  next(after: Instant): Instant | null
}

export interface TriggerType<Config = unknown> {
  /** What documents write as `type`; one of the five the schema admits. */
  readonly type: 'cron' | 'interval' | 'event' | 'webhook' | 'manual'
  readonly summary: string
  /** The type's own fields; the common policies (trigger.ts) are added to them. */
  readonly configSchema: TSchema
  /**
   * What its fires carry: fields of `trigger` beside those of every fire (input.ts), such as `body`. Together they are the
   * input of the executions it starts where the trigger names no `input`.
   */
  readonly carries?: readonly string[]
  /** Fields of which at least one must be there. */
  readonly needsOneOf?: readonly string[]
  /** What the schema of a type cannot say; paths are relative to config, e.g. `schedule`. `input` is among its fields. */
  check?(config: JsonObject): Problem[]
  /** Time-driven types only. Throws for a config that `check` refuses. */
  schedule?(config: Config, context: ScheduleContext): Schedule
  /** The rule in a few words, for lists. */
  describe?(config: Config): string
}

export function defineTriggerType<Config>(definition: TriggerType<Config>): TriggerType {
  return definition as TriggerType
}
