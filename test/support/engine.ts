// A worker in the test's process, on a real database: real queue, event log, runner; node types may be scripted.
import { createDatabaseClock, systemClock } from '../../src/base/clock.ts'
import { createIds, type Ids } from '../../src/base/id.ts'
import type { Json } from '../../src/base/json.ts'
import { createLimit } from '../../src/base/limit.ts'
import { silentLogger } from '../../src/base/log.ts'
import { createMetrics } from '../../src/base/metrics.ts'
import type { Pool } from '../../src/db/pool.ts'
import { createEventLog, type EventLog, type EventLogDeps } from '../../src/event/event-log.ts'
import { createAdvance } from '../../src/execution/advance.ts'
import { type ArrivalsDeps, createArrivals } from '../../src/execution/arrive.ts'
import { createCallbacks } from '../../src/execution/callbacks.ts'
import { type Commands, createCommands } from '../../src/execution/commands.ts'
import { findExecution, type ShownExecution } from '../../src/execution/find.ts'
import { createItems } from '../../src/execution/items.ts'
import { type NewExecution, startExecutions } from '../../src/execution/start.ts'
import type { TurnDeps } from '../../src/execution/turn.ts'
import { createEvaluator } from '../../src/expression/evaluator.ts'
import type { NodeContext, NodeType, Outcome } from '../../src/node/node-type.ts'
import { nodeTypes } from '../../src/node/registry.ts'
import { createQueue, type Queue } from '../../src/queue/queue.ts'
import { createRunner, type Runner } from '../../src/queue/runner.ts'
import { type Violation, verify } from '../../src/verify/verify.ts'
import { type Catalog, createCatalog } from '../../src/workflow/catalog.ts'
import { publishWorkflow } from '../../src/workflow/publish.ts'
import type { WorkflowDocument } from '../../src/workflow/workflow.ts'
import { workflowOf } from './plans.ts'

export interface TestEngine {
  readonly pool: Pool
  readonly queue: Queue
  readonly ids: Ids
  readonly eventLog: EventLog
  readonly catalog: Catalog
  readonly deps: TurnDeps
  readonly commands: Commands
  runner(options?: { slots?: number; pool?: string }): Runner
  /** Publishes a workflow and gives the id of its version. */
  publish(document: Partial<WorkflowDocument> & Pick<WorkflowDocument, 'nodes' | 'edges'>): Promise<string>
  /** Starts executions of a version; they wait for a runner. */
  begin(workflowId: string, inputs: readonly Json[], more?: Partial<NewExecution>): Promise<string[]>
  /** Resolves when the execution is over. */
  ended(executionId: string): Promise<ShownExecution>
  /** To be called at the end. */
  stop(): Promise<void>
  /** What breaks a promise; nothing, if all is well. */
  violations(): Promise<Violation[]>
}

const POLL_MS = 10
const PATIENCE_MS = 25_000

export async function createTestEngine(
  pool: Pool,
  overrides: Partial<TurnDeps> = {},
  { onEnded, onWaiting }: Pick<EventLogDeps, 'onEnded'> & Pick<ArrivalsDeps, 'onWaiting'> = {},
): Promise<TestEngine> {
  const queue = createQueue({ pool, log: silentLogger, supervise: false })
  await queue.start()
  const databaseClock = createDatabaseClock(systemClock)
  const ids = createIds(databaseClock.now)
  const metrics = createMetrics()
  const [clock, log] = [systemClock, silentLogger]
  const ground = { pool, queue, ids, clock, databaseClock, metrics, log }
  const eventLog = createEventLog({ ...ground, ...(onEnded && { onEnded }) })
  const catalog = createCatalog(pool)
  const evaluator = createEvaluator({ size: 1, log: silentLogger })
  const commands = createCommands({ pool, clock: systemClock, log: silentLogger })
  const arrivals = createArrivals({ pool, queue, ids, metrics, ...(onWaiting && { onWaiting }) })
  const deps: TurnDeps = {
    pool,
    queue,
    ids,
    eventLog,
    catalog,
    clock: systemClock,
    databaseClock,
    commands,
    arrivals,
    metrics,
    nodeTypes,
    evaluator,
    http: { request: () => Promise.reject(new Error('no network in this test')) },
    secrets: { find: async () => undefined },
    items: createItems({ pool, nodeTypes: overrides.nodeTypes ?? nodeTypes }),
    callbacks: createCallbacks({ pool, origin: Promise.resolve('http://mbflow.test') }),
    log: silentLogger,
    attempts: createLimit(100),
    pools: new Map(),
    drainTimeout: 1_000,
    ...overrides,
  }
  return {
    pool,
    queue,
    ids,
    eventLog,
    catalog,
    deps,
    commands,
    runner: ({ slots = 50, pool: served } = {}) =>
      createRunner({
        queue,
        pool: served,
        slots,
        pollInterval: 50,
        clock: systemClock,
        log: silentLogger,
        work: createAdvance(deps),
      }),
    async publish(document) {
      const whole = { name: 'test', description: null, variables: {}, settings: {}, triggers: [], ...document }
      return (await pool.transaction(tx => publishWorkflow(tx, { ids }, whole))).workflow.id
    },
    async begin(workflowId, inputs, more) {
      const executions = inputs.map(input => ({
        id: ids.next(), workflowId, triggerId: null, scheduledFor: null, fireKey: null, triggerData: {}, input, priority: 0, ...more,
      })) // biome-ignore format: a row
      await pool.transaction(tx => startExecutions(tx, queue, executions))
      return executions.map(execution => execution.id)
    },
    async ended(executionId) {
      for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await systemClock.sleep(POLL_MS)) {
        const found = await findExecution(pool, executionId)
        if (found.completed_at !== null) return found
      }
      throw new Error(`execution ${executionId} is not over: ${JSON.stringify(await findExecution(pool, executionId))}`)
    },
    async stop() {
      await evaluator.stop()
      await queue.stop()
    },
    violations: () => verify({ db: pool, plan: catalog.plan, events: eventLog.read }),
  }
}

/** A document from lines (see plans.ts); every node is of the type `probe` unless it has a config of its own. */
export function documentOf(
  lines: readonly string[],
  options: {
    type?: string
    types?: Readonly<Record<string, string>>
    policies?: Parameters<typeof workflowOf>[1]
  } = {},
): Pick<WorkflowDocument, 'nodes' | 'edges'> {
  const { nodes, edges } = workflowOf(lines, options.policies)
  return {
    nodes: nodes.map(({ id: _, ...node }) => ({
      ...node,
      type: options.types?.[node.key] ?? options.type ?? 'transform',
    })),
    edges: edges.map(({ id: _, ...edge }) => edge),
  }
}

/** Node types whose executor is the test's: every built-in type does what `execute` says; which of them are pure is said too. */
export function scripted(
  execute: (context: NodeContext) => Promise<Outcome>,
  { pure = [] }: { pure?: readonly string[] } = {},
): ReadonlyMap<string, NodeType> {
  return new Map(
    [...nodeTypes].map(([name, { pure: _, ...type }]) => [
      name,
      { ...type, ...(pure.includes(name) ? { pure: true } : {}), execute: (_config, context) => execute(context) },
    ]),
  )
}
