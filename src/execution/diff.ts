// In what two executions of a workflow differ: what they were given, what became of them, and node by node in the order of
// the waves what each of them made of what. Pure; nodes are matched by their keys, so that versions may differ.
import type { Json, JsonObject } from '../base/json.ts'
import { type Difference, differences } from '../base/json-diff.ts'
import type { Plan, PlanNode } from '../workflow/waves.ts'
import type { ShownExecution, ShownNode } from './listing-store.ts'

export interface Compared {
  readonly shown: ShownExecution
  readonly plan: Plan
}

/** A place in which they differ: its path begins with `what`. */
export interface Differing extends Difference {
  readonly what: 'definition' | 'input' | 'status' | 'attempts' | 'error' | 'output'
}

/** Null where one of them has no such thing. */
export interface Pair<T> {
  readonly a: T | null
  readonly b: T | null
}

export interface NodeDiff {
  readonly key: string
  readonly wave: Pair<number>
  readonly status: Pair<string>
  readonly attempts: Pair<number>
  readonly took_ms: Pair<number>
  /** Times are none. */
  readonly differences: readonly Differing[]
}

export interface ExecutionSummary {
  readonly id: string
  readonly version: number
  readonly status: string
  readonly created_at: Date
  readonly took_ms: number | null
}

export interface ExecutionDiff {
  readonly workflow: string
  readonly a: ExecutionSummary
  readonly b: ExecutionSummary
  /** Whether they differ in nothing but times. */
  readonly same: boolean
  /** Null when every node ended the same way. */
  readonly diverged: Divergence | null
  readonly differences: readonly Differing[]
  /** Every node of either, in the order of the waves. */
  readonly nodes: readonly NodeDiff[]
}

/** The first node, in the order of the waves, that ended otherwise, and what else differs about it. */
export interface Divergence {
  readonly node: string
  readonly wave: number
  readonly because: 'definition' | 'input' | 'nothing'
}

export function compareExecutions(a: Compared, b: Compared): ExecutionDiff {
  const found = [
    ...differing('input', a.shown.input, b.shown.input),
    ...differing('status', a.shown.status, b.shown.status),
    ...differing('error', a.shown.error, b.shown.error),
    ...differing('output', a.shown.output, b.shown.output),
  ]
  const nodes = keysByWave(a, b).map(key => compareNodes(key, placeOf(a, key), placeOf(b, key)))
  return {
    workflow: a.shown.workflow,
    a: summaryOf(a.shown),
    b: summaryOf(b.shown),
    same: found.length === 0 && nodes.every(node => node.differences.length === 0),
    diverged: divergenceOf(nodes),
    differences: found,
    nodes,
  }
}

/** A node of one of them. */
interface Place {
  readonly plan: Plan
  readonly node: PlanNode | undefined
  /** Undefined when it has not begun. */
  readonly shown: ShownNode | undefined
}

function placeOf({ shown, plan }: Compared, key: string): Place {
  return { plan, node: plan.nodes[plan.index.get(key) ?? -1], shown: shown.nodes.find(one => one.key === key) }
}

function keysByWave(a: Compared, b: Compared): string[] {
  const nodes = [...a.plan.nodes, ...b.plan.nodes].sort((one, other) => one.wave - other.wave)
  return [...new Set(nodes.map(({ key }) => key))]
}

function compareNodes(key: string, a: Place, b: Place): NodeDiff {
  const pair = <T>(of: (place: Place) => T | null): Pair<T> => ({ a: of(a), b: of(b) })
  const status = pair(({ node, shown }) => shown?.status ?? (node === undefined ? null : 'pending'))
  const attempts = pair(({ shown }) => (shown?.started_at ? shown.retry_count + 1 : null))
  return {
    key,
    wave: pair(({ node }) => node?.wave ?? null),
    status,
    attempts,
    took_ms: pair(({ shown }) => tookMs(shown)),
    differences: [
      ...differing('definition', definitionOf(a), definitionOf(b)),
      ...differing('input', a.shown?.input, b.shown?.input),
      ...differing('status', status.a, status.b),
      ...differing('attempts', attempts.a, attempts.b),
      ...differing('error', a.shown?.error, b.shown?.error),
      ...differing('output', a.shown?.output, b.shown?.output),
    ],
  }
}

/** What of a version decides whether the node runs, and what it does. */
function definitionOf({ plan, node }: Place): Json | undefined {
  if (node === undefined) return undefined
  const after = node.incoming.map(({ source, condition }) => [plan.nodes[source]?.key, condition])
  return { type: node.type, config: node.config, ...(node.policy as JsonObject), after: Object.fromEntries(after) }
}

/** In a row there is no difference between null and nothing. */
function differing(what: Differing['what'], a: Json | undefined, b: Json | undefined): Differing[] {
  return differences(a ?? undefined, b ?? undefined, what).map(one => ({ what, ...one }))
}

function divergenceOf(nodes: readonly NodeDiff[]): Divergence | null {
  const apart = nodes.find(node => node.differences.some(({ what }) => ['status', 'error', 'output'].includes(what)))
  if (apart === undefined) return null
  const because = (['definition', 'input'] as const).find(cause => apart.differences.some(({ what }) => what === cause))
  return { node: apart.key, wave: apart.wave.a ?? apart.wave.b ?? 0, because: because ?? 'nothing' }
}

function summaryOf({ id, version, status, created_at, ...times }: ShownExecution): ExecutionSummary {
  return { id, version, status, created_at, took_ms: tookMs(times) }
}

type Instant = Date | string | null

function tookMs(one: { readonly started_at: Instant; readonly completed_at: Instant } | undefined): number | null {
  if (!one?.started_at || !one.completed_at) return null
  return new Date(one.completed_at).getTime() - new Date(one.started_at).getTime()
}
