// Whether what is given when a trigger is fired by hand is what its `input_schema` asks for.
import type { Problem } from '../base/errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts'
import { checkJsonSchema, isTooLargeFor } from '../base/json-schema.ts'
import { checkSchema, childPath } from '../base/schema.ts'
import { hasTemplates } from '../expression/template.ts'

/** What is wrong with an `input_schema`, and with the trigger's own `input` beside it. */
export function checkInputSchema({ input_schema: schema, input = {} }: JsonObject): Problem[] {
  if (!isJsonObject(schema)) return []
  if (schema.type !== 'object')
    return [{ path: 'input_schema.type', message: 'must be object: an input is one', hint: 'type: object' }]
  const problems = checkJsonSchema(schema, 'input_schema')
  // What the trigger does not give itself may be given when it is fired.
  return problems.length > 0 ? problems : misfits({ ...schema, required: [] }, input, {})
}

/** What is wrong with the input given to a trigger with this checked config. */
export function checkGiven({ input_schema: schema, input = {} }: JsonObject, given: JsonObject): Problem[] {
  const isMade = typeof input === 'string' && Object.keys(given).length === 0
  return isJsonObject(schema) && !isMade ? misfits(schema, input, given) : []
}

/** What is given counts with the fields of the trigger's own input that it does not replace. */
function misfits(schema: JsonObject, own: Json, given: JsonObject): Problem[] {
  const fields = isJsonObject(own) ? own : {}
  const input: JsonObject = { ...fields, ...given }
  if (isTooLargeFor(schema, input))
    return [{ path: 'input', message: 'has too many values to be checked against input_schema' }]
  // Of templates nothing is known before the run begins.
  const open = Object.keys(fields).filter(key => !Object.hasOwn(given, key) && hasTemplates(fields[key] ?? null))
  const isOpen = (path: string): boolean => open.some(key => isWithin(path, childPath('input', key)))
  return checkSchema(schema, input, 'input').filter(({ path }) => !isOpen(path))
}

function isWithin(path: string, parent: string): boolean {
  return path.startsWith(parent) && ['', '.', '['].includes(path.charAt(parent.length))
}
