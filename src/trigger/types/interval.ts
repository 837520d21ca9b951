// Every so often, counted from an anchor: anchor, anchor + every, anchor + 2·every … No drift, and the same slots after
// any restart.
import { type Static, Type } from 'typebox'
import { parseDuration } from '../../base/duration.ts'
import { DurationText } from '../../base/schema.ts'
import { defineTriggerType, type Instant, type Schedule } from '../trigger-type.ts'

const configSchema = Type.Object(
  {
    every: DurationText({ min: '1s', description: 'The time between two slots, such as 30s, 5m or 1h30m.' }),
    anchor: Type.Optional(
      Type.Refine(
        Type.String({
          description: 'The first slot, from which all are counted; the creation of the trigger unless given.',
        }),
        text => typeof text !== 'string' || parseInstant(text) !== undefined,
        text =>
          `${JSON.stringify(text)} is not an instant; write it with its offset from UTC, such as 2026-11-22T16:30:00Z`,
      ),
    ),
  },
  { additionalProperties: false },
)

export const interval = defineTriggerType<Static<typeof configSchema>>({
  type: 'interval',
  summary: 'Fires at even distances from an anchor.',
  configSchema,
  schedule({ every, anchor }, context) {
    const start = anchor === undefined ? context.anchor : parseInstant(anchor)
    if (start === undefined) throw new Error(`the anchor ${JSON.stringify(anchor)} is not an instant`)
    return everyFrom(start, parseDuration(every))
  },
})

function everyFrom(anchor: Instant, every: number): Schedule {
  return {
    next: after => (after < anchor ? anchor : anchor + (Math.floor((after - anchor) / every) + 1) * every),
  }
}

const INSTANT = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/

/** An ISO 8601 instant with its offset; undefined for anything else, such as a 30 February. */
function parseInstant(text: string): Instant | undefined {
  const [, date] = INSTANT.exec(text) ?? []
  const instant = Date.parse(text)
  if (date === undefined || Number.isNaN(instant)) return undefined
  return new Date(`${date}T00:00:00Z`).toISOString().startsWith(date) ? instant : undefined
}
