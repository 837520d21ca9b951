// What a fire hands to the execution it starts: `trigger`, which every expression of the run sees, and the input. What of
// a trigger's `input` holds templates is its mapping: evaluated over `trigger`, `vars` and `execution` when the run begins
// (execution/mapping.ts), because a fire is a short transaction that waits for nothing.
import { Type } from 'typebox'
import type { Problem } from '../base/errors.ts'
import { writeInstant } from '../base/instant.ts'
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts'
import { referencesIn } from '../expression/expression.ts'
import { checkTemplates, hasTemplates, isOneTemplate, templateExpressions } from '../expression/template.ts'
import { unknownWord } from '../workflow/validate-graph.ts'
import type { Instant } from './trigger-type.ts'

export const inputSchema = Type.Union(
  [
    Type.Record(Type.String(), Type.Unknown()),
    Type.Refine(
      Type.String(),
      text => typeof text !== 'string' || isOneTemplate(text),
      text => `must be an object, or one template such as "{{ trigger.body }}", is ${JSON.stringify(text)}`,
    ),
  ],
  { description: 'The input of the executions it starts; what stands in {{ }} is evaluated over the fire.' },
)

/** What a fire has beside its slot. */
export interface Carried {
  /** What its type says it carries, such as `body`. */
  readonly fields?: JsonObject
  /** Of a fire by hand: what was given as input, and the priority of its execution. */
  readonly given?: JsonObject
  readonly priority?: number
  /** Of an event: the workflows whose ends led to it, for these are not to run because of it. */
  readonly chain?: readonly string[]
}

/** Fields of `trigger` that every fire has, and those of one by hand. */
const COMMON = ['id', 'key', 'name', 'type', 'fire_key', 'fired_at', 'slot', 'request']

interface Named {
  readonly id: string
  readonly key: string
  readonly name: string
  readonly type: string
}

interface Fired {
  readonly fireKey: string
  readonly slot: Instant | undefined
  readonly now: Date
  readonly carried: Carried
}

/** What expressions see as `trigger`. */
export function triggerData({ id, key, name, type }: Named, { fireKey, slot, now, carried }: Fired): JsonObject {
  return {
    id,
    key,
    name,
    type,
    fire_key: fireKey,
    fired_at: writeInstant(now),
    slot: slot === undefined ? null : writeInstant(slot),
    ...carried.fields,
    ...(carried.chain && { chain: carried.chain }),
    ...(carried.given && { request: { input: carried.given } }),
  }
}

export interface FireInput {
  /** What is known when it fires. */
  readonly input: Json
  /** What is evaluated when the run begins: fields beside those of `input`, or all of it. */
  readonly mapping: JsonObject | string | null
}

/** The input of a fire of a trigger with this checked config. What is given by hand replaces fields, unevaluated. */
export function inputOf(config: JsonObject, { fields = {}, given = {} }: Carried): FireInput {
  const { input: rule } = config
  if (typeof rule === 'string')
    return Object.keys(given).length > 0 ? { input: given, mapping: null } : { input: {}, mapping: rule }
  if (!isJsonObject(rule)) return { input: { ...fields, ...given }, mapping: null }
  const open = Object.entries(rule).filter(([key, value]) => !Object.hasOwn(given, key) && hasTemplates(value))
  if (open.length === 0) return { input: { ...rule, ...given }, mapping: null }
  const literal = Object.entries(rule).filter(([, value]) => !hasTemplates(value))
  return { input: { ...Object.fromEntries(literal), ...given }, mapping: Object.fromEntries(open) }
}

/** What is wrong with the templates of an `input` that fits its schema. `carries` are the fields of its type's fires. */
export function checkInput(input: Json, carries: readonly string[], path: string): Problem[] {
  const known = [...COMMON, ...carries]
  const unknown = templateExpressions(input, path).flatMap(({ path: at, expression }): Problem[] => {
    const references = referencesIn(expression)
    const names = references === 'all' ? 'all' : references.get('trigger')
    if (names === undefined || names === 'all') return []
    return [...names]
      .filter(name => !known.includes(name))
      .map(name => ({ path: at, ...unknownWord('field of trigger', name, known) }))
  })
  return [...checkTemplates(input, path), ...unknown]
}
