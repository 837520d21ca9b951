// The workflows that the model runs.
import { planOf } from './plans.ts'

export interface Graph {
  readonly lines: readonly string[]
  /** Keys of the nodes after whose failure the execution goes on. */
  readonly forgiven: readonly string[]
  readonly nodes: readonly { readonly key: string; readonly wave: number }[]
  /** Keys of all that depends on a node. */
  behind(key: string): readonly string[]
}

export const graphs: readonly Graph[] = [
  graph(['a -> b', 'b -> c']),
  graph(['a -> b', 'a -> c', 'b -> d', 'c -> d'], ['c']),
  graph(['a -> c', 'b -> c', 'c -> d']),
  graph(['a -> b', 'a -> c', 'a -> d', 'd -> e'], ['b', 'e']),
]

function graph(lines: readonly string[], forgiven: readonly string[] = []): Graph {
  const { nodes } = planOf(lines)
  const behind = (key: string): string[] => {
    const targets = nodes.find(node => node.key === key)?.outgoing.map(({ target }) => nodes[target]?.key ?? '') ?? []
    return [...new Set(targets.flatMap(target => [target, ...behind(target)]))]
  }
  return { lines, forgiven, behind, nodes: nodes.map(({ key, wave }) => ({ key, wave })) }
}
