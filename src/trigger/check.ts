// Whether a trigger's type and config, as a document writes them, make a rule; and the rule's schedule once they do.
import { IsObject, type TObject, Type } from 'typebox'
import type { Problem } from '../base/errors.ts'
import { isJsonObject } from '../base/json.ts'
import { nearMiss } from '../base/near-miss.ts'
import { checkSchema, childPath } from '../base/schema.ts'
import { triggerTypes } from './registry.ts'
import { commonPolicies, schedulePolicies, type Trigger } from './trigger.ts'
import type { Schedule, TriggerType } from './trigger-type.ts'

/** Everything wrong with the type and the config of the trigger that stands at `path`. */
export function checkTrigger(type: string, config: unknown, path: string): Problem[] {
  const found = triggerTypes.get(type)
  if (!found) return [unknownType(type, childPath(path, 'type'))]
  const schema = fullSchema(found)
  const at = childPath(path, 'config')
  const problems = checkSchema(schema, config, at)
  if (!isJsonObject(config) || !found.check) return problems
  // The type's own check sees only fields that fit the schema, so that it can report what is wrong beyond it at once.
  const sound = Object.entries(config).filter(([key, value]) => {
    const field = schema.properties[key]
    return field !== undefined && checkSchema(field, value, key).length === 0
  })
  return [
    ...problems,
    ...found.check(Object.fromEntries(sound)).map(problem => ({ ...problem, path: `${at}.${problem.path}` })),
  ]
}

/** The slots of a checked trigger; null for a type without a schedule. */
export function scheduleOf({
  id,
  type,
  config,
  anchorAt,
}: Pick<Trigger, 'id' | 'type' | 'config' | 'anchorAt'>): Schedule | null {
  return triggerTypes.get(type)?.schedule?.(config, { triggerId: id, anchor: anchorAt.getTime() }) ?? null
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
