// One execution under a scripted worker, what is asked of it, and the proof at its end that no promise was broken.
import { expect } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { Pool } from '../../src/db/pool.ts'
import { type Command, type Commanded, control } from '../../src/execution/control.ts'
import { findExecution } from '../../src/execution/find.ts'
import type { NewExecution } from '../../src/execution/start.ts'
import type { NodeContext, Outcome } from '../../src/node/node-type.ts'
import type { NodePolicy, WorkflowSettings } from '../../src/workflow/workflow.ts'
import { createTestEngine, documentOf, scripted, type TestEngine } from './engine.ts'

export const done: Outcome = { kind: 'completed', output: 'done' }
const BY = 'test'

type Verb = 'cancel' | 'pause' | 'resume' | 'retry' | 'redrive'

export interface Scene {
  readonly engine: TestEngine
  readonly id: string
  /** Asks, and no worker hears of it before its next append. */
  quietly(command: Verb | Record<string, unknown>): Promise<Commanded>
  /** Asks, and lets the worker hear of it as a notification would. */
  ask(command: Verb | Record<string, unknown>): Promise<Commanded>
  types(): Promise<string[]>
  /** `key status`, in the order of their waves. */
  nodes(): Promise<string[]>
  /** Resolves to the first of these statuses that it has. */
  becomes(...statuses: string[]): Promise<string>
  work(): Promise<void>
  /** Ends it, and proves that no promise was broken. */
  end(): Promise<void>
}

export interface Setting {
  readonly lines: readonly string[]
  /** Of nodes that are no transforms. */
  readonly types?: Readonly<Record<string, string>>
  readonly policies?: Record<string, NodePolicy>
  readonly settings?: WorkflowSettings
  /** Of the execution's row. */
  readonly row?: Partial<NewExecution>
}

export async function scene(
  pool: Pool,
  { lines, types = {}, policies = {}, settings = {}, row = {} }: Setting,
  execute: (key: string, context: NodeContext) => Promise<Outcome>,
): Promise<Scene> {
  const engine = await createTestEngine(pool, { nodeTypes: scripted(context => execute(nameOf(context), context)) })
  const version = await engine.publish({ ...documentOf(lines, { types, policies }), settings })
  const [id = ''] = await engine.begin(version, [{ n: 1 }], row)
  const runner = engine.runner()
  const quietly = async (command: Verb | Record<string, unknown>): Promise<Commanded> => {
    const whole = { by: BY, ...(typeof command === 'string' ? { verb: command } : command) } as Command
    const [answer] = await control({ ...engine.deps, ids: engine.ids }, whole, [id])
    if (answer === undefined) throw new Error('no answer')
    return answer
  }
  return {
    engine,
    id,
    quietly,
    async ask(command) {
      const answer = await quietly(command)
      runner.wake()
      await engine.commands.look()
      return answer
    },
    types: async () => (await engine.eventLog.read(id)).map(event => event.body.type),
    nodes: async () => (await findExecution(pool, id)).nodes.map(node => `${node.key} ${node.status}`),
    async becomes(...statuses) {
      for (const patience = AbortSignal.timeout(20_000); ; await systemClock.sleep(10)) {
        const row = await findExecution(pool, id)
        if (statuses.includes(row.status)) return row.status
        if (patience.aborted) throw new Error(`it is ${row.status}, not ${statuses}`)
      }
    },
    work: () => runner.start(),
    async end() {
      await runner.stop()
      expect(await engine.violations()).toEqual([])
      await engine.stop()
    },
  }
}

function nameOf({ log }: NodeContext): string {
  return String(log.bindings().node)
}

/** Hangs until it is let go or aborted; tells when it began. */
export function hanging() {
  const begun = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<Outcome>()
  const aborted = Promise.withResolvers<number>()
  return {
    begun: begun.promise,
    release: gate.resolve,
    aborted: aborted.promise,
    attempt({ signal }: NodeContext): Promise<Outcome> {
      begun.resolve()
      signal.addEventListener('abort', () => {
        aborted.resolve(performance.now())
        gate.reject(signal.reason)
      })
      return gate.promise
    },
  }
}
