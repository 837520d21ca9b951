import { Type } from 'typebox'
import { defineTriggerType } from '../trigger-type.ts'

export const manual = defineTriggerType({
  type: 'manual',
  summary: 'Fires when somebody asks for it, and only then.',
  configSchema: Type.Object({}, { additionalProperties: false }),
})
