// Makes a list, and an execution of what lies between it and its merge for each of the items. Whose executions those are,
// how many of them are open at once and what becomes of the node meanwhile is the engine's to see to.
import { type Static, Type } from 'typebox'
import { excerpt } from '../../base/errors.ts'
import type { Json } from '../../base/json.ts'
import { hasTemplates } from '../../expression/template.ts'
import { defineNodeType, failed } from '../node-type.ts'

const MAX_ITEMS = 10_000
const MAX_PARALLEL = 1_000
const DEFAULT_PARALLEL = 100

const configSchema = Type.Object(
  {
    items: Type.Union([Type.String({ minLength: 1 }), Type.Array(Type.Unknown(), { maxItems: MAX_ITEMS })], {
      description: 'Gives the list; or the list itself.',
    }),
    max_parallel: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_PARALLEL,
        default: DEFAULT_PARALLEL,
        description: 'How many items may be under way at once.',
      }),
    ),
    on_item_error: Type.Optional(
      Type.Enum(['fail', 'collect'], {
        default: 'fail',
        description:
          'What an item that fails does. `fail`: no more begin, those under way are cancelled, and the node fails. `collect`: the others go on, and the list says of each what became of it.',
      }),
    ),
  },
  { additionalProperties: false },
)

export const split = defineNodeType<Static<typeof configSchema>>({
  type: 'split',
  summary: 'Runs the nodes up to its merge once for each item of a list.',
  configSchema,
  expressions: ['items'],
  pure: true,

  check({ items }) {
    if (!Array.isArray(items) || !hasTemplates(items)) return []
    return [
      {
        path: 'items',
        message: 'is a list that holds templates, which stay as they are here',
        hint: 'write an expression that gives the list: "[input.first, input.second]"',
      },
    ]
  },

  async execute({ items, max_parallel = DEFAULT_PARALLEL, on_item_error = 'fail' }, { evaluate }) {
    const list = typeof items === 'string' ? await evaluate(items) : (items as Json)
    if (!Array.isArray(list)) {
      const gave = `${excerpt(String(items), 100)} gave ${list === undefined ? 'nothing' : excerpt(JSON.stringify(list), 60)}`
      return failed(
        'SPLIT_NOT_A_LIST',
        `${gave}, not a list; in square brackets one is a list of one, nothing an empty one`,
      )
    }
    if (list.length > MAX_ITEMS)
      return failed('SPLIT_TOO_MANY_ITEMS', `there are ${list.length} items, at most ${MAX_ITEMS} are allowed`)
    if (list.length === 0) return { kind: 'completed', output: [] }
    return { kind: 'split', items: list, maxParallel: max_parallel, onItemError: on_item_error }
  },
})
