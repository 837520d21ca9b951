// The config of the event trigger: which events it wants, and what becomes of several that belong together.
import { createHash } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { parseDuration } from '../base/duration.ts'
import type { JsonObject } from '../base/json.ts'
import { DurationText } from '../base/schema.ts'
import { patternProblem } from './event-pattern.ts'

const strict = { additionalProperties: false }

const Pattern = (description: string) =>
  Type.Refine(
    Type.String({ description }),
    text => typeof text !== 'string' || patternProblem(text) === null,
    text => `${JSON.stringify(text)} ${patternProblem(String(text))}`,
  )

const filter = Type.Optional(Type.String({ description: 'JSONata that must be true of the event for it to count.' }))

const Selector = Type.Union([
  Pattern('A type of event, or a pattern of types.'),
  Type.Object({ type: Pattern('A type of event, or a pattern of types.'), filter }, strict),
])

export const eventConfigSchema = Type.Object(
  {
    event: Type.Optional(
      Pattern('The type of event that fires, or a pattern of types: order.paid, order.*, order.**.'),
    ),
    any_of: Type.Optional(
      Type.Array(Selector, { minItems: 1, maxItems: 20, description: 'Several types, of which any fires.' }),
    ),
    all_of: Type.Optional(
      Type.Array(Selector, { minItems: 2, maxItems: 10, description: 'Several types, which fire together.' }),
    ),
    filter,
    group_by: Type.Optional(
      Type.String({ description: 'JSONata whose value says which events belong together. All of them unless given.' }),
    ),
    within: Type.Optional(
      DurationText({
        min: '1s',
        max: '30d',
        description: 'How far apart the events of all_of may be; how long any_of stays quiet after it has fired.',
      }),
    ),
    debounce: Type.Optional(
      Type.Object(
        {
          quiet: DurationText({ min: '1s', max: '1d', description: 'Fires once no event has come for so long.' }),
          max_wait: Type.Optional(
            DurationText({ min: '1s', max: '30d', description: 'Fires at the latest so long after the first event.' }),
          ),
        },
        { ...strict, description: 'Fires with the last of several events.' },
      ),
    ),
    throttle: Type.Optional(
      Type.Object(
        {
          max: Type.Integer({ minimum: 1, maximum: 1_000, description: 'The most fires within any span of per.' }),
          per: DurationText({ min: '1s', max: '1d', description: 'The span they are counted in.' }),
        },
        { ...strict, description: 'Fires no more often than so.' },
      ),
    ),
    batch: Type.Optional(
      Type.Object(
        {
          size: Type.Integer({ minimum: 2, maximum: 1_000, description: 'Fires with so many events.' }),
          within: DurationText({
            min: '1s',
            max: '1d',
            description: 'Fires with fewer so long after the first of them.',
          }),
        },
        { ...strict, description: 'Fires with several events together.' },
      ),
    ),
  },
  strict,
)

export type EventConfig = Static<typeof eventConfigSchema>

export interface EventSelector {
  readonly pattern: string
  /** All of them must be true. */
  readonly filters: readonly string[]
}

/** What becomes of events that belong together. Milliseconds. */
export type Gathering =
  | { readonly kind: 'debounce'; readonly quiet: number; readonly maxWait: number }
  | { readonly kind: 'throttle'; readonly max: number; readonly per: number }
  | { readonly kind: 'batch'; readonly size: number; readonly within: number }
  /** any_of with a window. */
  | { readonly kind: 'first'; readonly within: number }
  /** all_of; the name tells its selectors from others. */
  | { readonly kind: 'all'; readonly parts: number; readonly within: number; readonly name: string }

export interface EventRule {
  readonly selectors: readonly EventSelector[]
  readonly groupBy: string | null
  /** Null: every event fires by itself. */
  readonly gathering: Gathering | null
}

/** Of a config that was found sound. */
export function eventRuleOf(config: JsonObject): EventRule {
  const { event, any_of, all_of, filter: common, group_by } = config as EventConfig
  const wanted = all_of ?? any_of ?? (event === undefined ? [] : [event])
  const selectors = wanted.map(one => {
    const { type, filter: own } = typeof one === 'string' ? { type: one, filter: undefined } : one
    return { pattern: type, filters: [common, own].filter(text => text !== undefined) }
  })
  return { selectors, groupBy: group_by ?? null, gathering: gatheringOf(config as EventConfig) }
}

function gatheringOf({ debounce, throttle, batch, all_of, within }: EventConfig): Gathering | null {
  if (debounce) {
    const maxWait = debounce.max_wait === undefined ? Number.POSITIVE_INFINITY : parseDuration(debounce.max_wait)
    return { kind: 'debounce', quiet: parseDuration(debounce.quiet), maxWait }
  }
  if (throttle) return { kind: 'throttle', max: throttle.max, per: parseDuration(throttle.per) }
  if (batch) return { kind: 'batch', size: batch.size, within: parseDuration(batch.within) }
  if (within === undefined) return null
  if (all_of === undefined) return { kind: 'first', within: parseDuration(within) }
  const name = createHash('sha256').update(JSON.stringify(all_of)).digest('hex').slice(0, 16)
  return { kind: 'all', parts: all_of.length, within: parseDuration(within), name }
}
