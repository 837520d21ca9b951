// What an answer of a language model may be described as: providers take the schema of an object, with the keywords of
// base/json-schema.ts.
import type { Problem } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { checkJsonSchema } from '../base/json-schema.ts'
import { childPath } from '../base/schema.ts'

/** What is wrong with the schema of an answer; `path` is its own. */
export function checkAnswerSchema(schema: JsonObject, path: string): Problem[] {
  if (schema.type !== 'object')
    return [
      {
        path: childPath(path, 'type'),
        message: 'must be object: providers answer with nothing else',
        hint: 'put a list or a text into a property',
      },
    ]
  return checkJsonSchema(schema, path)
}
