// Waits. Nothing of it is left in a process meanwhile: when its time has come is written beside the execution.
import { type Static, Type } from 'typebox'
import { parseDuration } from '../../base/duration.ts'
import { InstantText, parseInstant } from '../../base/instant.ts'
import { DurationText } from '../../base/schema.ts'
import { defineNodeType } from '../node-type.ts'

const configSchema = Type.Object(
  {
    for: Type.Optional(
      DurationText({
        description: 'How long to wait, from the start of the node: `90s`, `1h30m`, `400d`; a hundred years at most.',
      }),
    ),
    until: Type.Optional(
      InstantText(
        'What to wait for, with its offset from UTC: `2027-01-01T08:00:00+01:00`. One that has passed is not waited for.',
      ),
    ),
  },
  { additionalProperties: false },
)

export const delay = defineNodeType<Static<typeof configSchema>>({
  type: 'delay',
  summary: 'Waits for a time, or until an instant; then passes its input on.',
  configSchema,
  expressions: [],
  pure: true,

  check(config) {
    const given = Object.keys(config).filter(field => field === 'for' || field === 'until')
    if (given.length === 1) return []
    if (given.length === 0)
      return [{ path: 'for', message: 'is missing, and so is until', hint: 'give one of the two' }]
    return [{ path: 'until', message: 'cannot stand beside for', hint: 'keep one of the two' }]
  },

  async execute({ for: duration = '0s', until }) {
    const instant = until === undefined ? undefined : parseInstant(until)
    return { kind: 'parked', until: instant === undefined ? parseDuration(duration) : new Date(instant).toISOString() }
  },
})
