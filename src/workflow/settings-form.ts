// The settings of a workflow in the form documents have, and the way to the words of the domain and back.
import { type Static, Type } from 'typebox'
import { formatDuration, parseDuration } from '../base/duration.ts'
import { DurationText } from '../base/schema.ts'
import { MOST_URGENT } from './priority.ts'
import type { RateLimit, WorkflowSettings } from './workflow.ts'

const strict = { additionalProperties: false }

export const priorityForm = (description: string) =>
  Type.Integer({ minimum: -MOST_URGENT, maximum: MOST_URGENT, description })

const ConcurrencyForm = Type.Object(
  {
    max: Type.Integer({ minimum: 1, maximum: 10_000, description: 'How many executions may be under way at once' }),
    key: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'Expression over input, vars, trigger, execution: each of its values has a limit of its own',
      }),
    ),
    on_limit: Type.Optional(
      Type.Enum(['queue', 'skip', 'cancel_oldest'], {
        default: 'queue',
        description: 'What becomes of one more: it waits, it is skipped, or the oldest is cancelled for it',
      }),
    ),
  },
  strict,
)

const RateForm = Type.Object(
  {
    limit: Type.Integer({ minimum: 1, maximum: 10_000, description: 'How many executions may begin in every period' }),
    period: DurationText({
      min: '1s',
      max: '30d',
      description: 'The time in which so many come in, one after the other',
    }),
    burst: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10_000, description: 'How many may begin at once; default: the limit' }),
    ),
    key: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'Expression over input, vars, trigger, execution: each of its values has a rate of its own',
      }),
    ),
    on_limit: Type.Optional(
      Type.Enum(['queue', 'skip'], {
        default: 'queue',
        description: 'What becomes of one more: it waits for its time, or it is skipped',
      }),
    ),
  },
  strict,
)

const ErrorStrategyForm = Type.Union(
  [
    Type.Enum(['fail_fast', 'continue']),
    Type.Object(
      { require_n: Type.Integer({ minimum: 1, description: 'Of the nodes no edge leaves, how many must complete' }) },
      strict,
    ),
  ],
  { default: 'fail_fast', description: 'What a failure that nothing handles does to the rest of the execution' },
)

export const SettingsForm = Type.Object(
  {
    timeout: Type.Optional(
      DurationText({ min: '1ms', max: '30d', description: 'How long an execution may take; default: no limit' }),
    ),
    priority: Type.Optional(
      priorityForm(
        'How urgent its executions are: higher comes first, unless a trigger or a request says otherwise; default: 0',
      ),
    ),
    concurrency: Type.Optional(ConcurrencyForm),
    rate: Type.Optional(RateForm),
    error_strategy: Type.Optional(ErrorStrategyForm),
    on_failure: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 255,
        description: 'Name of the workflow to start when an execution failed',
      }),
    ),
    strict: Type.Optional(
      Type.Boolean({ default: false, description: 'Whether a path in an expression that is not there is an error' }),
    ),
  },
  strict,
)
export type SettingsForm = Static<typeof SettingsForm>

/** Of a form that was checked. */
export function settingsOfForm({ timeout, rate, ...settings }: SettingsForm): WorkflowSettings {
  return {
    ...(timeout !== undefined && { timeout_ms: parseDuration(timeout) }),
    ...(rate !== undefined && { rate: rateOfForm(rate) }),
    ...settings,
  }
}

function rateOfForm({ period, ...rate }: Static<typeof RateForm>): RateLimit {
  return { ...rate, period_ms: parseDuration(period) }
}

export function formOfSettings({ timeout_ms, rate, ...settings }: WorkflowSettings): SettingsForm {
  return {
    ...(timeout_ms !== undefined && { timeout: formatDuration(timeout_ms) }),
    ...(rate !== undefined && { rate: formOfRate(rate) }),
    ...settings,
  }
}

function formOfRate({ period_ms, ...rate }: RateLimit): Static<typeof RateForm> {
  return { ...rate, period: formatDuration(period_ms) }
}
