// The policies of the types with a schedule: what becomes of late slots, between which instants there are any, how often
// it fires, when it must not, and how far its slots are moved so that not all triggers fire at once.
import { type Static, Type } from 'typebox'
import { parseDuration } from '../base/duration.ts'
import type { Problem } from '../base/errors.ts'
import { InstantText, parseInstant } from '../base/instant.ts'
import type { JsonObject } from '../base/json.ts'
import { childPath, DurationText } from '../base/schema.ts'
import { CalendarForm, CalendarName, checkCalendar } from './calendar.ts'
import { between, delayed } from './schedule.ts'
import { spreadOf } from './spread.ts'
import type { Instant, Schedule } from './trigger-type.ts'

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

const misfireSchema = Type.Refine(
  misfireFields,
  config => config?.max === undefined || config.policy === 'fire_all',
  () => 'has max, which counts only with policy: fire_all',
)

export interface MisfirePolicy {
  readonly policy: 'skip' | 'fire_once' | 'fire_all'
  readonly thresholdMs: number
  readonly catchUpWindowMs: number
  readonly max: number
}

export const schedulePolicies = {
  misfire: Type.Optional(misfireSchema),
  start_at: Type.Optional(InstantText('There are no slots before this instant.')),
  end_at: Type.Optional(InstantText('There are no slots from this instant on.')),
  max_fires: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1_000_000_000, description: 'How many slots fire in all.' }),
  ),
  exclude: Type.Optional(
    Type.Array(Type.Union([CalendarName, CalendarForm]), {
      minItems: 1,
      maxItems: 100,
      description: 'Calendars on which nothing fires: names of shared ones, or calendars themselves.',
    }),
  ),
  spread: Type.Optional(
    DurationText({
      max: '1d',
      default: '0s',
      description: "Moves every slot by up to this much, the same for each: the trigger's own share.",
    }),
  ),
}
const policiesSchema = Type.Object(schedulePolicies)
type SchedulePolicies = Static<typeof policiesSchema>

const policiesOf = (config: JsonObject): SchedulePolicies => config as SchedulePolicies

/** Of a checked config, with its defaults. */
export function misfirePolicy(config: JsonObject): MisfirePolicy {
  const { policy = 'fire_once', threshold = '60s', catch_up_window = '24h', max } = policiesOf(config).misfire ?? {}
  return {
    policy,
    thresholdMs: parseDuration(threshold),
    catchUpWindowMs: parseDuration(catch_up_window),
    max: max ?? MOST_CATCH_UP_FIRES,
  }
}

/** How many slots it may fire in all. */
export function maxFires(config: JsonObject): number {
  return policiesOf(config).max_fires ?? Number.POSITIVE_INFINITY
}

/** What the schema cannot say, of fields that fit it; paths are relative to the config. */
export function checkSchedulePolicies(config: JsonObject): Problem[] {
  const { start_at, end_at, exclude = [] } = policiesOf(config)
  const problems = exclude.flatMap((one, i) => {
    const path = childPath('exclude', i)
    if (typeof one === 'string') return []
    return checkCalendar(one).map(found => ({ ...found, path: found.path === '' ? path : `${path}.${found.path}` }))
  })
  if (start_at !== undefined && end_at !== undefined && instantOf(start_at) >= instantOf(end_at))
    problems.push({ path: 'end_at', message: `${end_at} is not after start_at, ${start_at}` })
  return problems
}

/** The slots that a rule's policies leave of its schedule. Bounds judge a slot before it is moved. */
export function applyPolicies(schedule: Schedule, config: JsonObject, triggerId: string): Schedule {
  const { start_at, end_at } = policiesOf(config)
  const from = start_at === undefined ? Number.NEGATIVE_INFINITY : instantOf(start_at)
  const until = end_at === undefined ? Number.POSITIVE_INFINITY : instantOf(end_at)
  const shift = shiftOf(config, triggerId)
  const bounded = start_at === undefined && end_at === undefined ? schedule : between(schedule, { from, until })
  return shift === 0 ? bounded : delayed(bounded, shift)
}

/** Milliseconds by which the trigger's slots are moved. */
export function shiftOf(config: JsonObject, triggerId: string): number {
  const { spread } = policiesOf(config)
  return spread === undefined ? 0 : spreadOf(triggerId, parseDuration(spread))
}

function instantOf(text: string): Instant {
  const instant = parseInstant(text)
  if (instant === undefined) throw new Error(`${JSON.stringify(text)} is not an instant`)
  return instant
}
