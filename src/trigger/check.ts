// Whether a trigger's type and config, as a document writes them, make a rule; and the rule's schedule once they do.
import { IsObject, type TObject, Type } from 'typebox'
import type { Problem } from '../base/errors.ts'
import { isJsonObject, type JsonObject } from '../base/json.ts'
import { nearMiss } from '../base/near-miss.ts'
import { checkSchema, childPath } from '../base/schema.ts'
import { listWords } from '../base/schema-words.ts'
import { checkInput } from './input.ts'
import { triggerTypes } from './registry.ts'
import { applyPolicies, checkSchedulePolicies, schedulePolicies } from './schedule-policy.ts'
import { checkStartPolicies } from './start-policy.ts'
import { commonPolicies, type Trigger } from './trigger.ts'
import type { Schedule, TriggerType } from './trigger-type.ts'

/** Everything wrong with the type and the config of the trigger that stands at `path`. */
export function checkTrigger(type: string, config: unknown, path: string): Problem[] {
  const found = triggerTypes.get(type)
  if (!found) return [unknownType(type, childPath(path, 'type'))]
  const schema = fullSchema(found)
  const at = childPath(path, 'config')
  const problems = checkSchema(schema, config, at)
  if (!isJsonObject(config)) return problems
  // What lies beyond the schema is checked on the fields that fit it, so that all that is wrong is reported at once.
  const fields = Object.entries(config).filter(([key, value]) => {
    const field = schema.properties[key]
    return field !== undefined && checkSchema(field, value, key).length === 0
  })
  const sound: JsonObject = Object.fromEntries(fields)
  const beyond = [
    ...(found.check?.(sound) ?? []),
    ...checkStartPolicies(sound),
    ...(found.schedule ? checkSchedulePolicies(sound) : []),
    ...checkInput(sound.input ?? null, found.carries ?? [], 'input'),
  ]
  problems.push(...missing(found, config, at), ...beyond.map(one => ({ ...one, path: `${at}.${one.path}` })))
  return problems.length === 0 ? withoutSlots(found, config, at) : problems
}

function missing({ needsOneOf = [] }: TriggerType, config: JsonObject, path: string): Problem[] {
  if (needsOneOf.length === 0 || needsOneOf.some(field => config[field] !== undefined)) return []
  return [{ path, message: `needs ${listWords(needsOneOf)}` }]
}

/** Before any instant a config can name. */
const EARLIEST = Date.parse('0000-01-01T00:00Z')

/** Reports a schedule of which the bounds leave nothing. */
function withoutSlots({ type, schedule }: TriggerType, config: JsonObject, path: string): Problem[] {
  const slots = schedule && scheduleOf({ id: 'any trigger', type, config, anchorAt: new Date(EARLIEST) })
  if (slots?.next(EARLIEST - 1) !== null) return []
  return [{ path, message: 'has no slot between start_at and end_at' }]
}

/** The slots of a checked trigger, whether excluded or not; null for a type without a schedule. */
export function scheduleOf({
  id,
  type,
  config,
  anchorAt,
}: Pick<Trigger, 'id' | 'type' | 'config' | 'anchorAt'>): Schedule | null {
  const schedule = triggerTypes.get(type)?.schedule?.(config, { triggerId: id, anchor: anchorAt.getTime() })
  return schedule === undefined ? null : applyPolicies(schedule, config, id)
}

/** The schema of a type's whole config: its own fields and the policies. */
function fullSchema({ configSchema, schedule, type }: TriggerType): TObject {
  if (!IsObject(configSchema)) throw new Error(`the config schema of trigger type ${type} is not an object`)
  const policies = schedule ? { ...schedulePolicies, ...commonPolicies } : commonPolicies
  return Type.Object({ ...configSchema.properties, ...policies }, { additionalProperties: false })
}

function unknownType(type: string, path: string): Problem {
  const known = [...triggerTypes.keys()]
  const meant = nearMiss(type, known)
  return {
    path,
    message: `${JSON.stringify(type)} is not a known trigger type`,
    hint: meant ? `did you mean "${meant}"?` : `known types: ${known.join(', ')}`,
  }
}
