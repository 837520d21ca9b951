// Stops what should not go on: fails unless a condition holds, and passes its input on if it does.
import { type Static, Type } from 'typebox'
import { defineNodeType, failed } from '../../../src/node/node-type.ts'

const configSchema = Type.Object(
  {
    condition: Type.String({ minLength: 1, description: 'JSONata that must give true.' }),
    message: Type.Optional(Type.String({ minLength: 1, description: 'What the failure says.' })),
  },
  { additionalProperties: false },
)

export const assert = defineNodeType<Static<typeof configSchema>>({
  type: 'acme/assert',
  summary: 'Fails unless its condition is true; passes its input on.',
  configSchema,
  expressions: ['condition'],

  async execute({ condition, message }, { evaluate, scope }) {
    if ((await evaluate(condition)) === true) return { kind: 'completed', output: scope.input }
    return failed('ASSERTION_FAILED', message ?? `the condition ${condition} does not hold`)
  },
})
