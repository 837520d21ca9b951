// What is wrong with the edges of a document: ends that do not exist, conditions that cannot be, cycles.
import type { Problem } from '../base/errors.ts'
import type { Json, JsonObject } from '../base/json.ts'
import { nearMiss } from '../base/near-miss.ts'
import { checkExpression } from '../expression/expression.ts'
import type { NodeType } from '../node/node-type.ts'
import { MAX_EDGES, MAX_NODES } from './form.ts'
import { countWaves, findCycles, type KeyedEdge } from './waves.ts'

const MAX_WAVES = 100

/** A node, an edge or a trigger as it stands in the document: an object, beyond that no promise. */
export interface Part {
  readonly path: string
  readonly value: JsonObject
}

/** An edge between two nodes that exist. */
interface SoundEdge extends KeyedEdge {
  readonly path: string
}

export function checkGraph(
  nodes: readonly Part[],
  edges: readonly Part[],
  nodeTypes: ReadonlyMap<string, NodeType>,
): Problem[] {
  if (nodes.length > MAX_NODES || edges.length > MAX_EDGES) return [] // said already, and too much to search
  const types = new Map<string, NodeType | undefined>()
  for (const { value } of nodes)
    if (typeof value.key === 'string') types.set(value.key, nodeTypes.get(String(value.type)))
  const sound = edges.flatMap(({ path, value: { from, to } }): SoundEdge[] =>
    typeof from === 'string' && typeof to === 'string' && types.has(from) && types.has(to) && from !== to
      ? [{ path, source: from, target: to }]
      : [],
  )
  return [
    ...edges.flatMap(edge => [...checkEnds(edge, [...types.keys()]), ...checkCondition(edge, types)]),
    ...duplicateEdges(sound),
    ...nodes.flatMap(node => checkRoute(node, edges)),
    ...checkPaths([...types.keys()], sound),
  ]
}

function checkEnds({ path, value: { from, to } }: Part, keys: readonly string[]): Problem[] {
  if (typeof from !== 'string' || typeof to !== 'string') return []
  const problems = Object.entries({ from, to }).flatMap(([end, key]): Problem[] => {
    if (keys.includes(key)) return []
    const { message, hint } = unknownWord('node', key, keys)
    return [{ path: `${path}.${end}`, message: `${message} (the edge ${from} → ${to})`, ...(hint && { hint }) }]
  })
  if (problems.length === 0 && from === to) problems.push({ path, message: `leads from "${from}" back to itself` })
  return problems
}

function checkCondition({ path, value }: Part, types: ReadonlyMap<string, NodeType | undefined>): Problem[] {
  const conditions = ['when', 'branch', 'on'].filter(field => value[field] !== undefined)
  const problems = expressionProblems(value.when, `${path}.when`)
  if (conditions.length > 1)
    problems.push({
      path,
      message: `has ${conditions.length} conditions: ${conditions.join(', ')}`,
      hint: 'keep one of them',
    })
  const source = types.get(String(value.from))
  if (value.branch !== undefined && source && !source.branches)
    problems.push({
      path: `${path}.branch`,
      message: `is never taken: "${value.from}" is a node of type ${source.type}, which takes no branches`,
      hint: 'branches come from conditional nodes; elsewhere write when: <expression>',
    })
  return problems
}

function checkRoute({ path, value: { key, on_error } }: Part, edges: readonly Part[]): Problem[] {
  const isRoute = ({ value: { from, on } }: Part): boolean => from === key && (on === 'error' || on === 'any')
  if (on_error !== 'route' || edges.some(isRoute)) return []
  const hint = 'add an edge with on: error, or leave on_error out'
  return [{ path: `${path}.on_error`, message: `leads nowhere: no edge for errors leaves "${key}"`, hint }]
}

function duplicateEdges(edges: readonly SoundEdge[]): Problem[] {
  const first = new Map<string, SoundEdge>()
  return edges.flatMap(edge => {
    const name = `${edge.source} → ${edge.target}`
    const before = first.get(name)
    if (!before) first.set(name, edge)
    return before
      ? [
          {
            path: edge.path,
            message: `is ${name}, as ${before.path} is already`,
            hint: 'join their conditions in one edge',
          },
        ]
      : []
  })
}

function checkPaths(keys: readonly string[], edges: readonly SoundEdge[]): Problem[] {
  const waves = countWaves(keys, edges)
  if (waves === null)
    return findCycles(keys, edges).map(cycle => {
      const closing = edges.find(({ source, target }) => source === cycle.at(-1) && target === cycle[0])
      return { path: closing?.path ?? 'edges', message: `closes a cycle: ${[...cycle, cycle[0]].join(' → ')}` }
    })
  return waves > MAX_WAVES
    ? [{ path: 'edges', message: `make a path of ${waves} nodes; the limit is ${MAX_WAVES}` }]
    : []
}

export function expressionProblems(expression: Json | undefined, path: string): Problem[] {
  if (typeof expression !== 'string' || expression === '') return [] // the schema says so
  const problem = checkExpression(expression)
  if (!problem) return []
  return [{ path, ...problem, ...(expression.includes('{{') && { hint: 'write the expression alone, without {{ }}' }) }]
}

/** The problem with a word that names nothing that is known. */
export function unknownWord(what: string, word: string, known: readonly string[]): Omit<Problem, 'path'> {
  const meant = nearMiss(word, known)
  return {
    message: `there is no ${what} ${JSON.stringify(word)}`,
    hint: meant === undefined ? `there are: ${known.join(', ') || 'none'}` : `did you mean "${meant}"?`,
  }
}
