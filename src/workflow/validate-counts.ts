// Counts that the graph of a document cannot come to: a node that waits for more edges than lead to it would never run.
import type { Problem } from '../base/errors.ts'
import { isJsonObject, type Json } from '../base/json.ts'
import type { Part } from './validate-graph.ts'

export interface Counted {
  readonly nodes: readonly Part[]
  readonly edges: readonly Part[]
  readonly settings: Json | undefined
}

export function checkCounts({ nodes, edges, settings }: Counted): Problem[] {
  const problems = nodes.flatMap(({ path, value: { key, join } }): Problem[] => {
    const wanted = isJsonObject(join) ? join.n_of : undefined
    const there = edges.filter(edge => edge.value.to === key).length
    if (typeof wanted !== 'number' || wanted <= there) return []
    const message = `can never be: ${there} edges lead to the node, not ${wanted}`
    return [{ path: `${path}.join.n_of`, message, ...(there > 0 && { hint: `join: all stands for ${there}` }) }]
  })
  const strategy = isJsonObject(settings) ? settings.error_strategy : undefined
  const required = isJsonObject(strategy) ? strategy.require_n : undefined
  const last = nodes.filter(({ value: { key } }) => edges.every(edge => edge.value.from !== key))
  if (typeof required === 'number' && required > last.length) {
    const message = `can never be: ${last.length} nodes have no edge out of them, not ${required}`
    const keys = last.map(({ value: { key } }) => key).join(', ')
    problems.push({ path: 'settings.error_strategy.require_n', message, hint: `it counts ${keys}` })
  }
  return problems
}
