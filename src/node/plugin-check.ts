// Decides whether what a plug-in exports is a node type that documents can use and the engine can run. Whether it also
// keeps the contract is found out by running it: `npm run test:plugin`.
import { Compile } from 'typebox/schema'
import { messageOf } from '../base/errors.ts'
import { isJsonObject } from '../base/json.ts'
import { nearMiss } from '../base/near-miss.ts'
import type { NodeType } from './node-type.ts'

export interface PluginProblem {
  readonly message: string
  readonly hint: string
}

/** Every field of a definition, and what it must be. */
const FIELDS: Readonly<Record<keyof NodeType, { readonly form: string; fits(value: unknown): boolean }>> = {
  type: {
    form: 'vendor/name in lower-case letters, digits, _ and -',
    fits: value => typeof value === 'string' && /^[a-z0-9_-]+\/[a-z0-9_-]+$/.test(value),
  },
  summary: { form: 'one sentence', fits: value => typeof value === 'string' && value.trim() !== '' },
  configSchema: { form: 'Type.Object({ … }, { additionalProperties: false })', fits: isClosedObject },
  expressions: { form: 'a list of fields of its config', fits: isWords },
  secrets: { form: 'a list of fields of its config', fits: value => value === undefined || isWords(value) },
  names: { form: 'a list of names', fits: value => value === undefined || isWords(value) },
  branches: { form: 'true, or absent', fits: isFlag },
  pure: { form: 'true, or absent', fits: isFlag },
  callback: { form: 'a function, or absent', fits: value => value === undefined || typeof value === 'function' },
  check: { form: 'a function, or absent', fits: value => value === undefined || typeof value === 'function' },
  execute: { form: 'a function', fits: value => typeof value === 'function' },
}

/** Whether an export is meant to be a node type; a module may export other things beside. */
export function isCandidate(value: unknown): value is object {
  return typeof value === 'object' && value !== null && ('execute' in value || 'configSchema' in value)
}

/** The first thing wrong with a definition; undefined when nothing is. */
export function pluginProblem(definition: object): PluginProblem | undefined {
  const given = definition as { readonly [field: string]: unknown }
  for (const [field, { form, fits }] of Object.entries(FIELDS)) {
    if (!fits(given[field]))
      return { message: `its \`${field}\` is ${shown(given[field])}`, hint: `it must be ${form}` }
  }
  const stranger = Object.keys(given).find(field => !(field in FIELDS))
  if (stranger !== undefined) {
    const meant = nearMiss(stranger, Object.keys(FIELDS))
    const hint = meant === undefined ? `there are: ${Object.keys(FIELDS).join(', ')}` : `did you mean \`${meant}\`?`
    return { message: `a node type has no \`${stranger}\``, hint }
  }
  return schemaProblem(definition as NodeType)
}

function schemaProblem({ configSchema, expressions, secrets = [] }: NodeType): PluginProblem | undefined {
  try {
    Compile(configSchema)
  } catch (error) {
    return {
      message: `its \`configSchema\` is no schema: ${messageOf(error)}`,
      hint: 'make it with Type of mbflow/plugin',
    }
  }
  const { properties } = configSchema as unknown as { readonly properties: object }
  const unknown = [...expressions, ...secrets].find(field => !Object.hasOwn(properties, field))
  if (unknown === undefined) return undefined
  return {
    message: `its \`expressions\` or \`secrets\` name "${unknown}", which its \`configSchema\` does not have`,
    hint: `it has: ${Object.keys(properties).join(', ') || 'no field'}`,
  }
}

function isClosedObject(value: unknown): boolean {
  return (
    isJsonObject(value) &&
    value.type === 'object' &&
    isJsonObject(value.properties) &&
    value.additionalProperties === false
  )
}

function isWords(value: unknown): boolean {
  return Array.isArray(value) && value.every(word => typeof word === 'string')
}

function isFlag(value: unknown): boolean {
  return value === undefined || value === true
}

function shown(value: unknown): string {
  if (value === undefined) return 'missing'
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return JSON.stringify(value)
  return typeof value === 'function'
    ? 'a function'
    : Array.isArray(value)
      ? 'a list of something else'
      : 'something else'
}
