import { Type } from 'typebox'
import { checkInputSchema } from '../given.ts'
import { defineTriggerType } from '../trigger-type.ts'

export const manual = defineTriggerType({
  type: 'manual',
  summary: 'Fires when somebody asks for it, and only then.',
  configSchema: Type.Object(
    {
      input_schema: Type.Optional(
        Type.Record(Type.String(), Type.Unknown(), {
          description: 'The JSON Schema of an object: what is given as input when it is fired must fit it.',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  check: checkInputSchema,
})
