// The attempts of one turn: those that run, and the outcomes of those that ended and are not appended yet.
import type { Limit } from '../base/limit.ts'
import type { Metrics } from '../base/metrics.ts'
import { DEFAULT_POOL } from '../base/pool-name.ts'
import type { Plan, PlanNode } from '../workflow/waves.ts'
import { type AttemptResult, attempt } from './attempt.ts'
import type { AttemptDeps } from './context.ts'
import type { Surroundings } from './item.ts'
import { createScopes } from './scope.ts'
import { type ExecutionState, isAtWork, type Mapped, nodeOf, underWay } from './state.ts'
import type { ExecutionRow } from './store.ts'

/** An execution as a turn begins. */
export interface Loaded {
  readonly row: ExecutionRow
  readonly plan: Plan
  readonly mapped?: Mapped | undefined
  /** Of one that runs for an item of a split. */
  readonly around?: Surroundings | undefined
}

export interface Attempts {
  /** Outcomes not yet appended, by node key, in the order in which they came. */
  readonly ended: Map<string, AttemptResult>
  running(): number
  /** Begins the attempt of every node that runs in `state` and that this process does not run yet, and aborts all others. */
  start(state: ExecutionState): void
  /** The same for the pure ones among them; resolves when they have ended, or after `time` milliseconds. */
  runPure(state: ExecutionState, time: number): Promise<void>
  abortAll(): void
}

interface Running {
  readonly abort: AbortController
  readonly calledBack: boolean
}

export interface AttemptsDeps extends AttemptDeps {
  /** Node attempts of the whole process. */
  readonly attempts: Limit
  /** Of them, those of nodes of a pool, by its name. */
  readonly pools: ReadonlyMap<string, Limit>
  readonly metrics: Metrics
}

/** `onEnd` is called whenever an attempt has ended. */
export function createAttempts(deps: AttemptsDeps, { row, plan, around }: Loaded, onEnd: () => void): Attempts {
  const scopes = createScopes(plan, row, around)
  const running = new Map<string, Running>()
  const ended = new Map<string, AttemptResult>()

  async function begin(state: ExecutionState, node: PlanNode): Promise<void> {
    const abort = new AbortController()
    const mine = { abort, calledBack: state.nodes[node.index]?.calledBack !== undefined }
    running.get(node.key)?.abort.abort()
    ended.delete(node.key)
    running.set(node.key, mine)
    const scope = scopes.of(state, node)
    const ofPool = deps.pools.get(node.policy.pool ?? DEFAULT_POOL)
    const inPool = ofPool?.enter(row.priority)
    if (inPool !== undefined) await inPool
    const inAll = deps.attempts.enter(row.priority)
    if (inAll !== undefined) await inAll
    try {
      const result = await attempt(deps, { plan, node, executionId: row.id, state, scope, abort })
      deps.metrics.nodeAttempts.inc({ type: node.type, outcome: result.outcome.kind })
      if (running.get(node.key) !== mine) return
      running.delete(node.key)
      ended.set(node.key, result)
    } finally {
      deps.attempts.leave()
      ofPool?.leave()
    }
    onEnd()
  }

  function toBegin(state: ExecutionState): PlanNode[] {
    return nodesAtWork(plan, state).filter(({ key, index }) => {
      const known = running.get(key) ?? ended.get(key)
      // What a node was called back with takes the place of the attempt that may still run.
      return known === undefined || (state.nodes[index]?.calledBack !== undefined && !known.calledBack)
    })
  }

  /** Drops attempts of nodes that ended without them, when the execution failed or was cancelled. */
  function forget(state: ExecutionState): void {
    const isGone = (key: string): boolean => !isAtWork(nodeOf(state, plan.index.get(key) ?? -1))
    for (const [key, { abort }] of running) {
      if (!isGone(key)) continue
      abort.abort()
      running.delete(key)
    }
    for (const key of ended.keys()) if (isGone(key)) ended.delete(key)
  }

  return {
    ended,
    running: () => running.size,
    start(state) {
      forget(state)
      for (const node of toBegin(state)) void begin(state, node)
    },
    async runPure(state, time) {
      const pure = toBegin(state).filter(({ type }) => deps.nodeTypes.get(type)?.pure === true)
      let open = pure.length
      if (open === 0) return
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, time)
        const end = (): void => {
          if (--open > 0) return
          clearTimeout(timer)
          resolve()
        }
        for (const node of pure) void begin(state, node).then(end)
      })
    },
    abortAll() {
      for (const { abort } of running.values()) abort.abort()
    },
  }
}

function nodesAtWork(plan: Plan, state: ExecutionState): PlanNode[] {
  const nodes: PlanNode[] = []
  for (const index of underWay(plan, state)) {
    const [node, at] = [plan.nodes[index], state.nodes[index]]
    if (node !== undefined && at !== undefined && isAtWork(at)) nodes.push(node)
  }
  return nodes
}
