// What expressions and templates call by name: a name that nothing has is a mistake that would only show at run time.
import type { Problem } from '../base/errors.ts'
import { isJsonObject, type Json } from '../base/json.ts'
import { childPath } from '../base/schema.ts'
import { referencesIn } from '../expression/expression.ts'
import { secretNamed, templateExpressions } from '../expression/template.ts'
import type { NodeType } from '../node/node-type.ts'
import { type Part, unknownWord } from './validate-graph.ts'

/** What the engine gives to the expressions of every node; conditions on edges also see the output of their source. */
const NODE_NAMES = ['input', 'nodes', 'vars', 'trigger', 'execution']
const EDGE_NAMES = ['output', ...NODE_NAMES]
/** The key of a limit is told before any node runs. */
const LIMIT_NAMES = ['input', 'vars', 'trigger', 'execution']
export const LIMIT_KEY = 'settings.concurrency.key'
/** The input of a trigger is made before there is any. */
const TRIGGER_NAMES = ['trigger', 'vars', 'execution']

const NOT_AS_IT_IS = {
  message: 'a secret can only be inserted as it is: {{ secrets.name }}',
  hint: 'no expression works with its value; auth makes the headers of basic authentication and the like',
}
const NOT_HERE = {
  message: 'secrets cannot be used here',
  hint: 'name them where they leave for another server, such as in url, query, headers, auth and body of an http node',
}

interface Known {
  readonly names: readonly string[]
  readonly nodes: readonly string[]
  readonly variables: readonly string[]
}

export interface Named {
  readonly nodes: readonly Part[]
  readonly edges: readonly Part[]
  readonly triggers: readonly Part[]
  readonly variables: Json | undefined
  readonly limitKey: Json | undefined
}

export function checkNames(
  { nodes, edges, triggers, variables, limitKey }: Named,
  nodeTypes: ReadonlyMap<string, NodeType>,
): Problem[] {
  const keys = nodes.flatMap(({ value: { key } }) => (typeof key === 'string' ? [key] : []))
  const known = { nodes: keys, variables: isJsonObject(variables) ? Object.keys(variables) : [] }
  const ofNodes = nodes.flatMap(node => expressionsOf(node, nodeTypes.get(String(node.value.type))))
  const ofEdges = edges.flatMap(({ path, value: { when } }) =>
    typeof when === 'string' ? [{ path: `${path}.when`, expression: when }] : [],
  )
  const ofTriggers = triggers.flatMap(({ path, value: { config } }) =>
    isJsonObject(config) ? templateExpressions(config.input ?? null, `${path}.config.input`) : [],
  )
  const ofLimit = typeof limitKey === 'string' ? [{ path: LIMIT_KEY, expression: limitKey }] : []
  return [
    ...ofLimit.flatMap(one => unknownNames(one, { ...known, names: LIMIT_NAMES })),
    ...ofNodes.flatMap(one => unknownNames(one, { ...known, names: [...NODE_NAMES, ...(one.names ?? [])] })),
    ...ofEdges.flatMap(one => unknownNames(one, { ...known, names: EDGE_NAMES })),
    ...ofTriggers.flatMap(one => unknownNames(one, { ...known, names: TRIGGER_NAMES })),
  ]
}

interface PlacedExpression {
  readonly path: string
  readonly expression: string
  /** It is a template, and may be `secrets.name`. */
  readonly mayInsertSecret?: boolean | undefined
  /** What it can name beside what every node can. */
  readonly names?: readonly string[] | undefined
}

function expressionsOf({ path, value: { config } }: Part, type: NodeType | undefined): PlacedExpression[] {
  if (type === undefined || !isJsonObject(config)) return []
  const called = type.callback?.(config) === undefined ? [] : ['callback']
  return Object.entries(config).flatMap(([field, value]): PlacedExpression[] => {
    const at = childPath(`${path}.config`, field)
    if (!type.expressions.includes(field)) {
      const mayInsertSecret = type.secrets?.includes(field)
      return templateExpressions(value, at).map(one => ({ ...one, mayInsertSecret, names: called }))
    }
    const names = [...called, ...(type.names ?? [])]
    return typeof value === 'string' ? [{ path: at, expression: value, names }] : []
  })
}

function unknownNames({ path, expression, mayInsertSecret }: PlacedExpression, known: Known): Problem[] {
  const { names, nodes, variables } = known
  const references = referencesIn(expression)
  if (references === 'all') return []
  if (references.has('secrets')) {
    if (mayInsertSecret && secretNamed(expression) !== null) return []
    return [{ path, ...(mayInsertSecret ? NOT_AS_IT_IS : NOT_HERE) }]
  }
  const problems: Problem[] = []
  const report = (what: string, word: string, known: readonly string[]): void => {
    if (!known.includes(word)) problems.push({ path, ...unknownWord(what, word, known) })
  }
  for (const [name, keys] of references) {
    report('name', name, names)
    if (keys === 'all') continue
    if (name === 'nodes') for (const key of keys) report('node', key, nodes)
    if (name === 'vars') for (const key of keys) report('variable', key, variables)
  }
  return problems
}
