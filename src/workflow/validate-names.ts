// What expressions and templates call by name: a name that nothing has is a mistake that would only show at run time.
import type { Problem } from '../base/errors.ts'
import { isJsonObject, type Json } from '../base/json.ts'
import { childPath } from '../base/schema.ts'
import { pathsIn, referencesIn } from '../expression/expression.ts'
import { secretNamed, templateExpressions } from '../expression/template.ts'
import type { NodeType } from '../node/node-type.ts'
import type { Region } from './regions.ts'
import { type Part, unknownWord } from './validate-graph.ts'
import { regionAround, regionsOf, whyUnseen } from './validate-regions.ts'

/** What the engine gives to the expressions of every node; conditions on edges also see the output of their source. */
const NODE_NAMES = ['input', 'nodes', 'vars', 'trigger', 'execution']
const EDGE_NAMES = ['output', ...NODE_NAMES]
/** Between a split and its merge, beside the others. */
const ITEM_NAMES = ['item', 'index']
/** By what executions are counted is told before any node runs. */
const LIMIT_NAMES = ['input', 'vars', 'trigger', 'execution']
/** The input of a trigger is made before there is any. */
const TRIGGER_NAMES = ['trigger', 'vars', 'execution']

/** What there is of each node in `nodes`, and of `execution`: the rest of a path is the data's business. */
const RESULT_FIELDS = ['status', 'output', 'error']
const EXECUTION_FIELDS = ['id', 'workflow', 'version', 'created_at', 'parent_id']

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
  readonly regions: readonly Region[]
}

export interface Named {
  readonly nodes: readonly Part[]
  readonly edges: readonly Part[]
  readonly triggers: readonly Part[]
  readonly variables: Json | undefined
  /** By which executions are counted. */
  readonly keys: readonly { readonly path: string; readonly expression: Json | undefined }[]
}

export function checkNames(
  { nodes, edges, triggers, variables, keys: counting }: Named,
  nodeTypes: ReadonlyMap<string, NodeType>,
): Problem[] {
  const keys = nodes.flatMap(({ value: { key } }) => (typeof key === 'string' ? [key] : []))
  const regions = regionsOf(nodes, edges)
  const known = { nodes: keys, variables: isJsonObject(variables) ? Object.keys(variables) : [], regions }
  const ofNodes = nodes.flatMap(node => expressionsOf(node, nodeTypes.get(String(node.value.type))))
  const ofEdges = edges.flatMap(({ path, value: { when, from } }) =>
    typeof when === 'string' ? [{ path: `${path}.when`, expression: when, owner: String(from) }] : [],
  )
  const withItem = (names: readonly string[], { owner = '' }: PlacedExpression): readonly string[] =>
    regionAround(regions, owner) === undefined ? names : [...names, ...ITEM_NAMES]
  const ofTriggers = triggers.flatMap(({ path, value: { config } }) =>
    isJsonObject(config) ? templateExpressions(config.input ?? null, `${path}.config.input`) : [],
  )
  const ofGates = counting.flatMap(({ path, expression }) =>
    typeof expression === 'string' ? [{ path, expression }] : [],
  )
  return [
    ...ofGates.flatMap(one => unknownNames(one, { ...known, names: LIMIT_NAMES })),
    ...ofNodes.flatMap(one =>
      unknownNames(one, { ...known, names: withItem([...NODE_NAMES, ...(one.names ?? [])], one) }),
    ),
    ...ofEdges.flatMap(one => unknownNames(one, { ...known, names: withItem(EDGE_NAMES, one) })),
    ...ofTriggers.flatMap(one => unknownNames(one, { ...known, names: TRIGGER_NAMES })),
  ]
}

interface PlacedExpression {
  readonly path: string
  readonly expression: string
  /** The node it is evaluated for. */
  readonly owner?: string
  /** It is a template, and may be `secrets.name`. */
  readonly mayInsertSecret?: boolean | undefined
  /** What it can name beside what every node can. */
  readonly names?: readonly string[] | undefined
}

function expressionsOf({ path, value: { key, config } }: Part, type: NodeType | undefined): PlacedExpression[] {
  if (type === undefined || !isJsonObject(config)) return []
  const owner = String(key)
  const called = type.callback?.(config) === undefined ? [] : ['callback']
  return Object.entries(config).flatMap(([field, value]): PlacedExpression[] => {
    const at = childPath(`${path}.config`, field)
    if (!type.expressions.includes(field)) {
      const mayInsertSecret = type.secrets?.includes(field)
      return templateExpressions(value, at).map(one => ({ ...one, owner, mayInsertSecret, names: called }))
    }
    const names = [...called, ...(type.names ?? [])]
    return typeof value === 'string' ? [{ path: at, expression: value, owner, names }] : []
  })
}

function unknownNames({ path, expression, owner, mayInsertSecret }: PlacedExpression, known: Known): Problem[] {
  const { names, nodes, variables, regions } = known
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
    if (name === 'nodes')
      for (const key of keys) {
        report('node', key, nodes)
        const message = whyUnseen(regions, { ...(owner !== undefined && { from: owner }), named: key })
        if (message !== null) problems.push({ path, message, hint: 'what comes after its merge sees what that gives' })
      }
    if (name === 'vars') for (const key of keys) report('variable', key, variables)
  }
  for (const [name, key, field] of pathsIn(expression)) {
    if (name === 'nodes' && typeof field === 'string') report(`field in nodes.${key} called`, field, RESULT_FIELDS)
    if (name === 'execution' && typeof key === 'string') report('field in execution called', key, EXECUTION_FIELDS)
  }
  return [...new Map(problems.map(problem => [problem.message, problem])).values()]
}
