// Makes one value of the outputs of the predecessors whose edges were taken, in the order the document names the edges.
// What was skipped is not there; whether the node waits for any or for all of them is its join rule, not its config. A
// merge that closes a split does the same with what the items gave.
import { type Static, Type } from 'typebox'
import { isJsonObject, type Json, type JsonObject } from '../../base/json.ts'
import { defineNodeType, failed, type Outcome, type TakenInput } from '../node-type.ts'

const ways = {
  by_node: 'an object with each output under the key of its node',
  object: 'one object with the fields of all, of equal fields the last',
  deep: 'the same, but equal fields that are objects are merged themselves, and lists replaced',
  concat: 'one list, in which lists are joined and other values appended',
  list: 'a list with the output of each',
  first: 'the output of the first',
} as const

const configSchema = Type.Object(
  {
    combine: Type.Optional(
      Type.Enum(Object.keys(ways) as (keyof typeof ways)[], {
        description: `How the outputs become one: ${Object.entries(ways)
          .map(([way, meaning]) => `\`${way}\` ${meaning}`)
          .join('; ')}. Without it \`by_node\`, and \`list\` where the items of a split come together.`,
      }),
    ),
  },
  { additionalProperties: false },
)

export const merge = defineNodeType<Static<typeof configSchema>>({
  type: 'merge',
  summary: 'Joins the outputs of its predecessors, or of the items of a split, into one value.',
  configSchema,
  expressions: [],
  pure: true,

  async execute({ combine }, { taken: predecessors, items }) {
    const taken = items?.map((output, index): TakenInput => ({ key: `item ${index}`, output })) ?? predecessors
    switch (combine ?? (items === undefined ? 'by_node' : 'list')) {
      case 'by_node':
        return completed(Object.fromEntries(taken.map(({ key, output }) => [key, output])))
      case 'object':
        return mergeObjects(taken, (merged, next) => ({ ...merged, ...next }))
      case 'deep':
        return mergeObjects(taken, mergeDeep)
      case 'concat':
        return completed(taken.flatMap(({ output }) => output))
      case 'list':
        return completed(taken.map(({ output }) => output))
      case 'first':
        return taken[0]
          ? completed(taken[0].output)
          : failed('MERGE_EMPTY', `there is no first: ${items === undefined ? 'no predecessor was taken' : 'no items'}`)
    }
  },
})

function completed(output: Json): Outcome {
  return { kind: 'completed', output }
}

function mergeObjects(
  taken: readonly TakenInput[],
  join: (merged: JsonObject, next: JsonObject) => JsonObject,
): Outcome {
  const odd = taken.filter(({ output }) => !isJsonObject(output)).map(({ key }) => `"${key}"`)
  if (odd.length > 0)
    return failed('MERGE_NOT_OBJECT', `only objects can be merged, but the output of ${odd.join(', ')} is none`)
  return completed(taken.map(({ output }) => output as JsonObject).reduce(join, {}))
}

function mergeDeep(merged: JsonObject, next: JsonObject): JsonObject {
  const fields = Object.entries(next).map(([field, value]) => {
    const before = Object.hasOwn(merged, field) ? merged[field] : undefined
    return [field, isJsonObject(before) && isJsonObject(value) ? mergeDeep(before, value) : value]
  })
  return { ...merged, ...Object.fromEntries(fields) }
}
