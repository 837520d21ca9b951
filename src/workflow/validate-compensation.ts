// What is wrong with the nodes that undo others: each undoes one, stands outside of the graph, and is not undone itself.
import type { Problem } from '../base/errors.ts'
import { type Part, unknownWord } from './validate-graph.ts'

export function checkCompensations(nodes: readonly Part[], edges: readonly Part[]): Problem[] {
  const undone = nodes.filter(({ value }) => typeof value.compensate === 'string')
  return undone.flatMap(one => {
    const { key, compensate } = one.value
    const problem = (message: string, hint?: string): Problem[] => [
      { path: `${one.path}.compensate`, message, ...(hint !== undefined && { hint }) },
    ]
    const by = nodes.find(({ value }) => value.key === compensate)
    if (by === undefined) {
      const keys = nodes.flatMap(({ value }) => (typeof value.key === 'string' ? [value.key] : []))
      const { message, hint } = unknownWord('node', String(compensate), keys)
      return problem(message, hint)
    }
    if (compensate === key) return problem('is the node itself')
    const first = undone.find(other => other.value.compensate === compensate)
    if (first !== one) return problem(`undoes "${first?.value.key}" already`, 'give each of them a node of its own')
    return checkUndoing(by, edges)
  })
}

function checkUndoing({ path, value }: Part, edges: readonly Part[]): Problem[] {
  const { key, type } = value
  const problems = edges
    .filter(edge => edge.value.from === key || edge.value.to === key)
    .map(edge => ({
      path: edge.path,
      message: `"${key}" undoes another node, and is no part of the graph`,
      hint: 'a node that undoes another runs only for that: no edge leads to it or from it',
    }))
  if (type === 'split')
    problems.push({
      path: `${path}.type`,
      message: 'a split cannot undo another node',
      hint: 'it has no edges, and so no items',
    })
  for (const field of ['compensate', 'join', 'on_error'].filter(name => value[name] !== undefined))
    problems.push({
      path: `${path}.${field}`,
      message: 'means nothing for a node that undoes another',
      hint: 'leave it out: nothing leads to it, nothing follows it, and nothing undoes it',
    })
  return problems
}
