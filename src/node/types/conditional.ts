// Chooses a way. The output is the input, so that what follows works on the data and not on the verdict; the verdict is
// the branch, which the edges out of the node name: `true` or `false`, or the case the expression gave.
import { type Static, Type } from 'typebox'
import { excerpt } from '../../base/errors.ts'
import type { Json } from '../../base/json.ts'
import { whatIsMissing } from '../../expression/missing.ts'
import { defineNodeType, failed, type Outcome } from '../node-type.ts'

const configSchema = Type.Object(
  {
    expression: Type.String({
      minLength: 1,
      description: 'Gives `true`, `false` or a name: the branch that edges ask for with `branch`.',
    }),
    cases: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        minItems: 1,
        uniqueItems: true,
        description:
          'The names it may give; any other fails the node with `CONDITION_UNKNOWN_CASE`, or takes the default.',
      }),
    ),
    default: Type.Optional(Type.String({ minLength: 1, description: 'The branch for whatever is none of the cases.' })),
  },
  { additionalProperties: false },
)

export const conditional = defineNodeType<Static<typeof configSchema>>({
  type: 'conditional',
  summary: 'Chooses which edges to follow: by true and false, or by the name of a case.',
  configSchema,
  expressions: ['expression'],
  branches: true,
  pure: true,

  check: config =>
    'default' in config && !('cases' in config)
      ? [{ path: 'default', message: 'needs cases: without them every name is a branch', hint: 'list the cases' }]
      : [],

  async execute({ expression, cases, default: otherwise }, { evaluate, scope }) {
    const verdict = await evaluate(expression)
    const why = verdict === undefined ? whatIsMissing(expression, scope) : undefined
    const gave = `${excerpt(expression, 100)} gave ${show(verdict)}${why === undefined ? '' : ` (${why})`}`
    const branch = typeof verdict === 'boolean' ? String(verdict) : verdict
    if (typeof branch !== 'string' || branch === '')
      return failed('CONDITION_NOT_BOOLEAN', `${gave}, not true, false or the name of a case`)
    if (cases === undefined || cases.includes(branch)) return take(branch, scope.input)
    if (otherwise !== undefined) return take(otherwise, scope.input)
    return failed('CONDITION_UNKNOWN_CASE', `${gave}, not one of ${cases.join(', ')}`)
  },
})

function take(branch: string, input: Json): Outcome {
  return { kind: 'completed', output: input, branches: [branch] }
}

function show(verdict: Json | undefined): string {
  return verdict === undefined ? 'nothing' : excerpt(JSON.stringify(verdict), 60)
}
