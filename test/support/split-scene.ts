// Workflows with splits, on a worker in the test's process: nodes of the type transform do what their documents say, those
// of the type llm what the test says.
import { expect } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { Json } from '../../src/base/json.ts'
import type { KeyedLoop } from '../../src/base/keyed-loop.ts'
import { silentLogger } from '../../src/base/log.ts'
import type { Pool } from '../../src/db/pool.ts'
import { sql } from '../../src/db/sql.ts'
import { createChildren, seeToSplits } from '../../src/execution/children.ts'
import { type Command, type Commanded, control } from '../../src/execution/control.ts'
import type { ShownExecution } from '../../src/execution/find.ts'
import type { NewExecution } from '../../src/execution/start.ts'
import type { NodeContext, NodeType, Outcome } from '../../src/node/node-type.ts'
import { nodeTypes } from '../../src/node/registry.ts'
import type { Runner } from '../../src/queue/runner.ts'
import { validateWorkflow } from '../../src/workflow/validate.ts'
import { createTestEngine, type TestEngine } from './engine.ts'

export interface Item {
  readonly id: string
  readonly index: number
  readonly status: string
  readonly generation: number
}

export interface SplitScene {
  readonly engine: TestEngine
  readonly runner: Runner
  readonly children: KeyedLoop
  /** Begins an execution of the document. */
  begin(input?: Json, row?: Partial<NewExecution>): Promise<string>
  /** Runs one to its end. */
  run(input?: Json, row?: Partial<NewExecution>): Promise<ShownExecution>
  /** What is to be done about its splits, once. */
  see(id: string): Promise<void>
  ask(command: Record<string, unknown> & { verb: Command['verb'] }, id: string): Promise<Commanded>
  items(id: string): Promise<Item[]>
  /** Resolves once `holds` does. */
  until(holds: () => Promise<boolean>): Promise<void>
  types(id: string): Promise<string[]>
  /** Ends it, and proves that no promise was broken. */
  end(): Promise<void>
}

const PATIENCE_MS = 20_000

/** `sees` false: nothing is done about splits but by `see`. */
export async function splitScene(
  pool: Pool,
  document: object,
  { execute, sees = true }: { execute?(context: NodeContext): Promise<Outcome>; sees?: boolean } = {},
): Promise<SplitScene> {
  const types = new Map<string, NodeType>(nodeTypes)
  const llm = nodeTypes.get('llm')
  if (llm !== undefined && execute !== undefined)
    types.set('llm', { ...llm, execute: (_config, context) => execute(context) })
  const whole = { name: 'test', ...document }
  const { document: checked, problems } = validateWorkflow(whole, { nodeTypes: types, checkTrigger: () => [] })
  expect(problems).toEqual([])
  if (checked === undefined) throw new Error('not a document')
  const engine = await createTestEngine(
    pool,
    { nodeTypes: types },
    { onEnded: ({ splitters }) => sees && children.tell(splitters) },
  )
  const deps = { ...engine.deps, ids: engine.ids }
  const runner = engine.runner()
  const children = createChildren({
    ...deps,
    log: silentLogger,
    pollInterval: 3_600_000,
    onOpened: () => runner.wake(),
  })
  const version = await engine.publish(checked)
  await engine.commands.start()
  await runner.start()
  if (sees) await children.start()

  const scene: SplitScene = {
    engine,
    runner,
    children,
    async begin(input = {}, row = {}) {
      const [id = ''] = await engine.begin(version, [input], row)
      runner.wake()
      return id
    },
    run: async (input, row) => engine.ended(await scene.begin(input, row)),
    async see(id) {
      await seeToSplits(deps, [id])
      runner.wake()
    },
    async ask(command, id) {
      const [answer] = await control(deps, { by: 'test', ...command } as Command, [id])
      if (answer === undefined) throw new Error('no answer')
      runner.wake()
      if (sees) children.look()
      await engine.commands.look()
      return answer
    },
    items: id =>
      pool.rows<Item>(sql('test.items')`
        select id, item_index as index, status, generation from public.executions
        where parent_execution_id = ${id} order by generation, item_index`),
    async until(holds) {
      for (const patience = AbortSignal.timeout(PATIENCE_MS); !(await holds()); await systemClock.sleep(5)) {
        await engine.commands.look() // as a notification would make it
        if (patience.aborted) throw new Error('it does not come to that')
      }
    },
    types: async id => (await engine.eventLog.read(id)).map(event => event.body.type),
    async end() {
      await runner.stop()
      await children.stop()
      await engine.commands.stop()
      expect(await engine.violations()).toEqual([])
      await engine.stop()
    },
  }
  return scene
}

/** `each → body → all`, a split and its merge; the body is a transform, or, without a config for it, what the test says. */
export function around(
  config: object,
  { transform, merge = {} }: { transform?: object; merge?: object } = {},
): { nodes: object[]; edges: object[] } {
  const body =
    transform === undefined
      ? { key: 'body', type: 'llm', config: { provider: 'mock', model: 'm', prompt: 'x' } }
      : { key: 'body', type: 'transform', config: transform }
  return {
    nodes: [{ key: 'each', type: 'split', config }, body, { key: 'all', type: 'merge', config: merge }],
    edges: [
      { from: 'each', to: 'body' },
      { from: 'body', to: 'all' },
    ],
  }
}
