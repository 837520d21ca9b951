// Executions under a limit, whose one node runs until the test lets it end; and what lets those go on who wait.
import { systemClock } from '../../src/base/clock.ts'
import type { Json } from '../../src/base/json.ts'
import { silentLogger } from '../../src/base/log.ts'
import type { Pool } from '../../src/db/pool.ts'
import { sql } from '../../src/db/sql.ts'
import { createAdmitter } from '../../src/execution/admit.ts'
import { type Command, type Commanded, control } from '../../src/execution/control.ts'
import { createPacer } from '../../src/execution/pace.ts'
import type { Outcome } from '../../src/node/node-type.ts'
import type { Runner } from '../../src/queue/runner.ts'
import type { WorkflowSettings } from '../../src/workflow/workflow.ts'
import { createTestEngine, documentOf, scripted, type TestEngine } from './engine.ts'

export interface LimitScene {
  readonly engine: TestEngine
  readonly runner: Runner
  /** Publishes a version of a workflow with these settings. */
  publish(settings: WorkflowSettings, more?: { name?: string; lines?: readonly string[] }): Promise<string>
  /** Lets the node of an execution that runs end, or end as soon as it runs. */
  finish(...ids: readonly string[]): void
  /** Inputs of the executions whose node has begun and not ended. */
  runs(): readonly Json[]
  /** Statuses; of those that wait for a limit or a rate, what for. */
  standing(...ids: readonly string[]): Promise<string[]>
  /** Resolves once those executions stand so. */
  becomes(ids: readonly string[], standing: readonly string[]): Promise<void>
  ask(command: Command['verb'], id: string): Promise<Commanded | undefined>
  types(id: string): Promise<string[]>
  /** Looks now for whoever may begin under a rate. */
  pace(): void
  /** Ends it; gives what broke a promise. */
  end(): Promise<unknown[]>
}

const PATIENCE_MS = 20_000

/** `sweep`: how often all lines are looked at; by default never, so that nothing goes on but what somebody was told of. */
export async function limitScene(pool: Pool, { sweep = 3_600_000 } = {}): Promise<LimitScene> {
  const gates = new Map<string, PromiseWithResolvers<Outcome>>()
  const running = new Map<string, Json>()
  const gateOf = (id: string): PromiseWithResolvers<Outcome> => {
    const gate = gates.get(id) ?? Promise.withResolvers<Outcome>()
    gates.set(id, gate)
    return gate
  }
  const nodeTypes = scripted(async ({ log, scope, signal }) => {
    const id = String(log.bindings().executionId)
    running.set(id, scope.input)
    const aborted = Promise.withResolvers<never>()
    signal.addEventListener('abort', () => aborted.reject(signal.reason))
    try {
      return await Promise.race([gateOf(id).promise, aborted.promise])
    } finally {
      running.delete(id)
    }
  })
  const engine: TestEngine = await createTestEngine(
    pool,
    { nodeTypes },
    {
      onEnded: ({ limitKeys }) => admitter.tell(limitKeys),
      onWaiting: (gate, keys) => (gate === 'limit' ? admitter.tell(keys) : pacer.wake()),
    },
  )
  await engine.commands.start()
  const runner = engine.runner()
  const deps = { ...engine.deps, ids: engine.ids }
  const admitter = createAdmitter({ ...deps, log: silentLogger, pollInterval: sweep, onAdmitted: runner.wake })
  const pacer = createPacer({ ...deps, log: silentLogger, pollInterval: sweep, onAdmitted: runner.wake })
  await admitter.start()
  await pacer.start()
  await runner.start()

  async function standing(...ids: readonly string[]): Promise<string[]> {
    const rows = await pool.rows<{ id: string; standing: string }>(sql('test.standing')`
      select id, case when parked_reason in ('limit', 'rate') then parked_reason else status end as standing
      from public.executions where id = any(${ids}::uuid[])`)
    return ids.map(id => rows.find(row => row.id === id)?.standing ?? 'gone')
  }

  return {
    engine,
    runner,
    publish: (settings, { name = 'test', lines = ['a'] } = {}) =>
      engine.publish({ ...documentOf(lines), name, settings }),
    finish(...ids) {
      for (const id of ids) gateOf(id).resolve({ kind: 'completed', output: null })
    },
    runs: () => [...running.values()],
    standing,
    async becomes(ids, wanted) {
      const patience = AbortSignal.timeout(PATIENCE_MS)
      for (;;) {
        const found = await standing(...ids)
        if (found.join() === wanted.join()) return
        if (patience.aborted) throw new Error(`they are ${found}, not ${wanted}`)
        await systemClock.sleep(10)
        await engine.commands.look() // as a notification would make it
      }
    },
    async ask(verb, id) {
      const [answer] = await control(deps, { by: 'test', verb } as Command, [id])
      runner.wake()
      admitter.look()
      await engine.commands.look()
      return answer
    },
    pace: pacer.wake,
    types: async id => (await engine.eventLog.read(id)).map(event => event.body.type),
    async end() {
      await runner.stop()
      await admitter.stop()
      await pacer.stop()
      await engine.commands.stop()
      const violations = await engine.violations()
      await engine.stop()
      return violations
    },
  }
}
