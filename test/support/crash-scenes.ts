// The kinds of runs that daemons are killed in. Their nodes ask a sink that counts.
import type { WorkflowDocument } from '../../src/workflow/workflow.ts'
import { documentOf } from './engine.ts'

type Graph = Pick<WorkflowDocument, 'nodes' | 'edges'>
type Node = WorkflowDocument['nodes'][number]

export interface CrashScene {
  readonly name: string
  readonly ends?: 'failed'
  /** Executions that begin together, with inputs of `n` from 1; one, if absent. */
  readonly together?: number
  /** For a sink there, of a worker that serves the pool `gpu` as well. */
  document(sink: string): Graph
}

/** Every node asks the sink for its own key, unless it is said what it is. */
function asking(
  lines: readonly string[],
  { query = {}, others = {} }: { query?: Record<string, string>; others?: Record<string, Partial<Node>> } = {},
) {
  return (sink: string): Graph => {
    const { nodes, edges } = documentOf(lines)
    return {
      edges,
      nodes: nodes.map(node => {
        const asks = { type: 'http', config: { url: `${sink}/${node.key}${query[node.key] ?? ''}` } }
        const { config, ...other } = others[node.key] ?? {}
        const own = config && { config: { ...config, ...('url' in config ? asks.config : {}) } }
        return { ...node, ...asks, ...other, ...own }
      }),
    }
  }
}

const again = { retry: { max_attempts: 5, backoff: 'constant', delay_ms: 100 } } as const

const EACH = '-{{ input.n }}'

export const crashScenes: readonly CrashScene[] = [
  { name: 'chain', document: asking(['a -> b', 'b -> c']) },
  {
    name: 'diamond',
    document: asking(['a -> b', 'a -> c', 'b -> d', 'c -> d'], { query: { b: '?after=50', c: '?after=250' } }),
  },
  { name: 'retrying', document: asking(['a -> b'], { query: { a: '?failures=2' }, others: { a: { policy: again } } }) },
  {
    name: 'compensated',
    ends: 'failed',
    document: asking(['a -> b', 'b -> c', 'ua', 'ub'], {
      query: { c: '?failures=99', ub: '?failures=1' },
      others: { a: { policy: { compensate: 'ua' } }, b: { policy: { compensate: 'ub' } }, ub: { policy: again } },
    }),
  },
  {
    name: 'of two pools',
    document: asking(['a -> b', 'b -> c'], { others: { b: { policy: { pool: 'gpu' } } } }),
  },
  {
    name: 'split',
    document: asking(['a -> each', 'each -> item', 'item -> all', 'all -> b'], {
      query: { item: '-{{ index }}?after={{ 20 * index }}' },
      others: {
        each: { type: 'split', config: { items: '[5, 6, 7]', max_parallel: 2 } },
        all: { type: 'merge', config: {} },
      },
    }),
  },
  {
    name: 'parked',
    document: asking(['a -> wait', 'wait -> b'], { others: { wait: { type: 'delay', config: { for: '1200ms' } } } }),
  },
  {
    name: 'called back',
    document: asking(['ask -> b'], {
      others: { ask: { type: 'webhook', config: { url: '', secret: 'key', wait_for_callback: { timeout: '1h' } } } },
    }),
  },
  { name: 'sharing jobs', together: 20, document: asking(['a', 'b'], { query: { a: EACH, b: `${EACH}?after=50` } }) },
]
