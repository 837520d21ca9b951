// The policies about starting an execution beside and after others of the same trigger. Every type has them.
import { type Static, Type } from 'typebox'
import { parseDuration } from '../base/duration.ts'
import type { Problem } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { DurationText } from '../base/schema.ts'
import { listWords } from '../base/schema-words.ts'
import { priorityForm } from '../workflow/settings-form.ts'

/** The most executions at once, and the most fires that wait. */
const MOST_AT_ONCE = 1_000
const MOST_WAITING = 10_000
const USUAL_WAITING = 1_000
const MOST_FAILURES = 1_000

const overlapSchema = Type.Union(
  [
    Type.Literal('allow'),
    Type.Literal('skip'),
    Type.Literal('buffer_one'),
    Type.Literal('buffer_all'),
    Type.Literal('cancel_running'),
  ],
  {
    default: 'allow',
    description:
      'What becomes of a fire while as many executions of the trigger as may be are not over: it starts all the same; it is skipped; one waits; all wait; one waits, and an execution is cancelled for it.',
  },
)

export const startPolicies = {
  overlap: Type.Optional(overlapSchema),
  concurrency: Type.Optional(
    Type.Integer({
      default: 1,
      minimum: 1,
      maximum: MOST_AT_ONCE,
      description: 'How many executions of the trigger may be under way at once; overlap says what becomes of more.',
    }),
  ),
  buffer: Type.Optional(
    Type.Integer({
      default: USUAL_WAITING,
      minimum: 1,
      maximum: MOST_WAITING,
      description: 'With overlap buffer_all, how many fires wait at most; what comes then is skipped.',
    }),
  ),
  cooldown: Type.Optional(
    DurationText({
      min: '1s',
      max: '30d',
      description: 'After a fire, what comes before this time has passed is skipped.',
    }),
  ),
  priority: Type.Optional(
    priorityForm(
      'How urgent the executions it starts are: higher comes first; default: as the settings of the workflow say.',
    ),
  ),
  pause_after_failures: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: MOST_FAILURES,
      description: 'After so many executions in a row that failed, the trigger is paused.',
    }),
  ),
}
const policiesSchema = Type.Object(startPolicies)
type StartPolicies = Static<typeof policiesSchema>

export type OverlapPolicy = Static<typeof overlapSchema>

export interface StartPolicy {
  readonly overlap: OverlapPolicy
  /** Executions that may be under way at once; infinite if nobody counts them. */
  readonly concurrency: number
  /** Fires that may wait for room. */
  readonly buffer: number
  /** Whether executions are cancelled to make room. */
  readonly cancels: boolean
  /** Milliseconds after a fire in which none follows. */
  readonly cooldownMs: number
  /** Executions that fail in a row before it is paused; infinite if nobody counts them. */
  readonly pauseAfter: number
}

/** Of a checked config, with its defaults. */
export function startPolicy(config: JsonObject): StartPolicy {
  const { overlap = 'allow', concurrency = 1, buffer = USUAL_WAITING, ...rest } = config as StartPolicies
  const waiting = { allow: 0, skip: 0, buffer_one: 1, buffer_all: buffer, cancel_running: 1 }
  return {
    overlap,
    concurrency: overlap === 'allow' ? Number.POSITIVE_INFINITY : concurrency,
    buffer: waiting[overlap],
    cancels: overlap === 'cancel_running',
    cooldownMs: rest.cooldown === undefined ? 0 : parseDuration(rest.cooldown),
    pauseAfter: rest.pause_after_failures ?? Number.POSITIVE_INFINITY,
  }
}

/** What the schema cannot say, of fields that fit it; paths are relative to the config. */
export function checkStartPolicies(config: JsonObject): Problem[] {
  const { overlap = 'allow', concurrency, buffer } = config as StartPolicies
  const problems: Problem[] = []
  if (concurrency !== undefined && overlap === 'allow')
    problems.push({
      path: 'concurrency',
      message: 'limits nothing while overlap is allow',
      hint: `say what becomes of a fire beyond it: overlap: ${listWords(['skip', 'buffer_one', 'buffer_all', 'cancel_running'])}`,
    })
  if (buffer !== undefined && overlap !== 'buffer_all')
    problems.push({ path: 'buffer', message: `counts only with overlap: buffer_all, and overlap is ${overlap}` })
  return problems
}

// The poller asks these of every trigger that is due.

interface Ruled {
  readonly config: JsonObject
}

/** Whether open executions matter to what becomes of its fires. */
export function limitsOverlap({ config: { overlap = 'allow' } }: Ruled): boolean {
  return overlap !== 'allow'
}

/** Whether its fires may wait. */
export function buffers({ config: { overlap = 'allow' } }: Ruled): boolean {
  return overlap !== 'allow' && overlap !== 'skip'
}

/** Whether it rests after a fire. */
export function rests({ config: { cooldown } }: Ruled): boolean {
  return cooldown !== undefined
}

/** Whether it is paused once executions fail. */
export function countsFailures({ config: { pause_after_failures } }: Ruled): boolean {
  return pause_after_failures !== undefined
}
