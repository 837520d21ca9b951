// Every so often, counted from an anchor: anchor, anchor + every, anchor + 2·every … No drift, and the same slots after
// any restart.
import { type Static, Type } from 'typebox'
import { parseDuration } from '../../base/duration.ts'
import { InstantText, parseInstant } from '../../base/instant.ts'
import { DurationText } from '../../base/schema.ts'
import { defineTriggerType, type Instant, type Schedule } from '../trigger-type.ts'

const configSchema = Type.Object(
  {
    every: DurationText({ min: '1s', description: 'The time between two slots, such as 30s, 5m or 1h30m.' }),
    anchor: Type.Optional(
      InstantText('The first slot, from which all are counted; the creation of the trigger unless given.'),
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
  describe: ({ every }) => `every ${every}`,
})

function everyFrom(anchor: Instant, every: number): Schedule {
  return {
    next: after => (after < anchor ? anchor : anchor + (Math.floor((after - anchor) / every) + 1) * every),
  }
}
