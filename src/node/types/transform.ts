// Makes a new value of what came before: by an expression, by a template, or, with neither, its input as it is.
// An expression that finds nothing fails: a missing value is a mistake more often than a wish, and who wishes can say so.
import { type Static, Type } from 'typebox'
import { excerpt } from '../../base/errors.ts'
import type { Json } from '../../base/json.ts'
import { whatIsMissing } from '../../expression/missing.ts'
import { defineNodeType, failed } from '../node-type.ts'

const configSchema = Type.Object(
  {
    expression: Type.Optional(Type.String({ minLength: 1, description: 'Its value becomes the output.' })),
    template: Type.Optional(
      Type.Unknown({
        description: 'Becomes the output once every `{{ }}` in it is replaced. Not together with `expression`.',
      }),
    ),
  },
  { additionalProperties: false },
)

export const transform = defineNodeType<Static<typeof configSchema>>({
  type: 'transform',
  summary: 'Makes a new value with an expression or a template; with neither it passes its input on.',
  configSchema,
  expressions: ['expression'],
  pure: true,

  check: config =>
    'expression' in config && 'template' in config
      ? [{ path: 'template', message: 'cannot stand beside expression', hint: 'keep one of the two' }]
      : [],

  async execute(config, { evaluate, scope }) {
    if (config.template !== undefined) return { kind: 'completed', output: config.template as Json }
    if (config.expression === undefined) return { kind: 'completed', output: scope.input }
    const output = await evaluate(config.expression)
    if (output !== undefined) return { kind: 'completed', output }
    const wish = 'write `… ?? null` if that is fine, or `[…]` for a list that may be empty'
    const why = whatIsMissing(config.expression, scope)
    const found = `found nothing${why === undefined ? '' : ` (${why})`}`
    return failed('TRANSFORM_EMPTY', `the expression ${excerpt(config.expression, 100)} ${found}: ${wish}`)
  },
})
