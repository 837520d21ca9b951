// Workflows for tests: from a line of text, or any that has no cycle.
import fc from 'fast-check'
import type { EdgeCondition, Workflow } from '../../../src/workflow/workflow.ts'

/** `workflow('a b c; a c')` has the edges a → b → c and a → c; conditions are named by `source target`. */
export function workflow(text: string, conditions: { readonly [edge: string]: EdgeCondition } = {}): Workflow {
  const paths = text.split(';').map(path => path.trim().split(/\s+/))
  const pairs = paths.flatMap(path => path.slice(1).map((target, i) => [path[i] ?? '', target] as const))
  return workflowOf([...new Set(paths.flat())], pairs, conditions)
}

function workflowOf(
  keys: readonly string[],
  pairs: readonly (readonly [source: string, target: string])[],
  conditions: { readonly [edge: string]: EdgeCondition } = {},
): Workflow {
  return {
    id: 'w',
    name: 'graph',
    version: 1,
    status: 'active',
    description: null,
    variables: {},
    settings: {},
    nodes: keys.map(key => ({ id: `id of ${key}`, key, name: key, type: 'transform', config: {}, policy: {} })),
    edges: pairs.map(([source, target]) => ({
      id: `${source}-${target}`,
      source,
      target,
      condition: conditions[`${source} ${target}`] ?? null,
    })),
  }
}

/** Nodes in any order, edges in any order, never a cycle. */
export function acyclic(maxNodes: number): fc.Arbitrary<Workflow> {
  return fc.integer({ min: 1, max: maxNodes }).chain(count => {
    const keys = Array.from({ length: count }, (_, i) => `n${i}`)
    const forward = keys.flatMap((source, i) => keys.slice(i + 1).map(target => [source, target] as const))
    return fc
      .tuple(
        fc.shuffledSubarray(keys, { minLength: count }),
        fc.shuffledSubarray(forward, { maxLength: Math.min(2 * count, forward.length) }),
      )
      .map(([shuffled, pairs]) => workflowOf(shuffled, pairs))
  })
}
