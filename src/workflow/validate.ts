// Decides whether a document can become a version, and says everything that is wrong with it at once: each problem with
// the path of what is wrong, in the form the document has. What checks cannot be made because of an earlier problem wait.
import { parseDuration } from '../base/duration.ts'
import type { Problem } from '../base/errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts'
import { checkStorable } from '../base/json-limits.ts'
import { nearMiss } from '../base/near-miss.ts'
import { checkSchema, childPath } from '../base/schema.ts'
import { checkTemplates, hasTemplates } from '../expression/template.ts'
import type { NodeType } from '../node/node-type.ts'
import { DocumentForm, fromForm } from './form.ts'
import { checkCompensations } from './validate-compensation.ts'
import { checkCounts } from './validate-counts.ts'
import { checkRate, countingKeys } from './validate-gates.ts'
import { checkGraph, expressionProblems, type Part, unknownWord } from './validate-graph.ts'
import { checkNames } from './validate-names.ts'
import { checkRegions } from './validate-regions.ts'
import type { WorkflowDocument } from './workflow.ts'

export interface ValidateDeps {
  readonly nodeTypes: ReadonlyMap<string, NodeType>
  /** Problems of a trigger's type and config; triggers are of a higher slice. `path` is the trigger's own. */
  readonly checkTrigger: (type: string, config: JsonObject, path: string) => Problem[]
}

export interface Validation {
  /** There when nothing is wrong. */
  readonly document?: WorkflowDocument
  readonly problems: readonly Problem[]
}

export function validateWorkflow(raw: unknown, deps: ValidateDeps): Validation {
  const unstorable = checkStorable(raw)
  if (unstorable !== null) return { problems: [{ path: '', message: unstorable }] }
  const nodes = partsOf(raw, 'nodes')
  const edges = partsOf(raw, 'edges')
  const triggers = partsOf(raw, 'triggers')
  const { variables, settings } = isJsonObject(raw) ? raw : {}
  const keys = countingKeys(settings)
  const problems = [
    ...checkSchema(DocumentForm, raw, ''),
    ...keys.flatMap(({ expression, path }) => expressionProblems(expression, path)),
    ...checkRate(settings),
    ...checkHandler(raw),
    ...duplicateKeys(nodes),
    ...nodes.flatMap(node => checkNode(node, deps)),
    ...checkGraph(nodes, edges, deps.nodeTypes),
    ...checkCompensations(nodes, edges),
    ...checkCounts({ nodes, edges, settings }),
    ...checkRegions(nodes, edges),
    ...checkNames({ nodes, edges, triggers, variables, keys }, deps.nodeTypes),
    ...duplicateKeys(triggers),
    ...triggers.flatMap(({ value: { type, config = {} }, path }) =>
      typeof type === 'string' && isJsonObject(config) ? deps.checkTrigger(type, config, path) : [],
    ),
  ]
  return problems.length === 0 ? { document: fromForm(raw as DocumentForm), problems } : { problems }
}

function partsOf(raw: unknown, field: string): Part[] {
  const list = isJsonObject(raw) ? raw[field] : undefined
  if (!Array.isArray(list)) return []
  return list.flatMap((value, i) => (isJsonObject(value) ? [{ path: childPath(field, i), value }] : []))
}

function duplicateKeys(parts: readonly Part[]): Problem[] {
  const owners = new Map<Json, Part>()
  return parts.flatMap(part => {
    const { key } = part.value
    const owner = typeof key === 'string' ? owners.get(key) : undefined
    if (owner)
      return [{ path: `${part.path}.key`, message: `${JSON.stringify(key)} is the key of ${owner.path} already` }]
    if (key !== undefined) owners.set(key, part)
    return []
  })
}

/** Whether it is there is seen when it is needed: documents may come in any order. */
function checkHandler(raw: unknown): Problem[] {
  if (!isJsonObject(raw) || !isJsonObject(raw.settings)) return []
  const { on_failure: handler } = raw.settings
  if (typeof handler !== 'string' || handler !== raw.name) return []
  const hint = 'name another one: what has failed does not handle its own failure'
  return [{ path: 'settings.on_failure', message: 'is the workflow itself', hint }]
}

function checkNode({ value, path }: Part, { nodeTypes }: ValidateDeps): Problem[] {
  const { type, config = {}, retry } = value
  const problems = isJsonObject(retry) ? checkRetry(retry, `${path}.retry`) : []
  if (typeof type !== 'string' || type === '') return problems
  const nodeType = nodeTypes.get(type)
  if (!nodeType) problems.push({ path: `${path}.type`, ...unknownType(type, [...nodeTypes.keys()]) })
  else if (isJsonObject(config)) problems.push(...checkConfig(nodeType, config, `${path}.config`))
  return problems
}

function unknownType(type: string, known: readonly string[]): Omit<Problem, 'path'> {
  const problem = unknownWord('node type', type, known)
  const isForeign = type.includes('/') && nearMiss(type, known) === undefined
  return isForeign ? { ...problem, hint: 'name the plug-in that has it: --plugin FILE' } : problem
}

/** What a retry policy has when it names none. */
const DEFAULT_MAX_DELAY = '5m'

function checkRetry(retry: JsonObject, path: string): Problem[] {
  return [...checkPauses(retry, path), ...checkCodes(retry, path)]
}

function checkCodes({ retry_on, give_up_on }: JsonObject, path: string): Problem[] {
  if (!Array.isArray(retry_on) || !Array.isArray(give_up_on)) return []
  const both = give_up_on.flatMap((code, i) => (retry_on.includes(code) ? [{ code, i }] : []))
  return both.map(({ code, i }) => ({ path: `${path}.give_up_on[${i}]`, message: `${code} is in retry_on as well` }))
}

function checkPauses({ delay, max_delay }: JsonObject, path: string): Problem[] {
  const [first, longest] = [durationOf(delay), durationOf(max_delay ?? DEFAULT_MAX_DELAY)]
  if (first === undefined || longest === undefined || first <= longest) return []
  const longestText = max_delay === undefined ? `${DEFAULT_MAX_DELAY}, the default of max_delay` : 'max_delay'
  return [
    { path: `${path}.delay`, message: `must not be longer than ${longestText}, is ${delay}`, hint: 'raise max_delay' },
  ]
}

function durationOf(value: Json | undefined): number | undefined {
  try {
    return typeof value === 'string' ? parseDuration(value) : undefined
  } catch {
    return undefined // the schema says why
  }
}

/** A type's schema is for rendered config: where a string holds a template, nothing is known of its value yet. */
function checkConfig(type: NodeType, config: JsonObject, path: string): Problem[] {
  const { expressions } = type
  const rendered = Object.fromEntries(Object.entries(config).filter(([field]) => !expressions.includes(field)))
  const templated = templatedPaths(rendered, path)
  const problems = checkSchema(type.configSchema, config, path).filter(problem => !templated.has(problem.path))
  const silent = new Set([...templated, ...problems.map(problem => problem.path)])
  for (const problem of type.check?.(config) ?? []) {
    const at = `${path}.${problem.path}`
    if (!silent.has(at)) problems.push({ ...problem, path: at })
  }
  for (const field of expressions) problems.push(...expressionProblems(config[field], childPath(path, field)))
  return [...problems, ...checkTemplates(rendered, path)]
}

function templatedPaths(value: Json, path: string): Set<string> {
  if (typeof value === 'string') return new Set(hasTemplates(value) ? [path] : [])
  if (typeof value !== 'object' || value === null) return new Set()
  const children = Array.isArray(value) ? [...value.entries()] : Object.entries(value)
  return new Set(children.flatMap(([key, child]) => [...templatedPaths(child, childPath(path, key))]))
}
