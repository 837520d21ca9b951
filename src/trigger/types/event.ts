// Fires when something is told: by POST /api/v1/events, by the SQL function emit_event, or by an execution that ended.
// What is told waits in the inbox (src/inbox) until a scheduler has disposed of it.
import { checkEventConfig } from '../event-check.ts'
import { type EventConfig, eventConfigSchema } from '../event-config.ts'
import { defineTriggerType } from '../trigger-type.ts'

export const event = defineTriggerType<EventConfig>({
  type: 'event',
  summary: 'Fires when an event is received whose type it names.',
  configSchema: eventConfigSchema,
  needsOneOf: ['event', 'any_of', 'all_of'],
  carries: ['event', 'events'],
  check: checkEventConfig,
})
