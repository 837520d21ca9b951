// What operators ask of executions, against real executions and their races.
import { beforeAll, expect, test } from 'vitest'
import type { Pool } from '../../../src/db/pool.ts'
import { type Command, type Commanded, control, controlIn } from '../../../src/execution/control.ts'
import { findExecution } from '../../../src/execution/find.ts'
import type { NodeContext, Outcome } from '../../../src/node/node-type.ts'
import type { NodePolicy } from '../../../src/workflow/workflow.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, documentOf, scripted, type TestEngine } from '../../support/engine.ts'

const BY = 'test'
const done: Outcome = { kind: 'completed', output: 'done' }
const broken: Outcome = { kind: 'failed', error: { code: 'BROKEN', message: 'it broke', retryable: false } }

let pool: Pool
beforeAll(async () => {
  ;({ pool } = await createTestDatabase())
})

interface Scene {
  readonly engine: TestEngine
  readonly id: string
  /** Asks, and lets the worker hear of it as a notification would. */
  ask(command: Verb | Omit<Command, 'by'>): Promise<Commanded>
  types(): Promise<string[]>
  /** Nodes as `key status`, with what they gave. */
  nodes(): Promise<string[]>
  work(): Promise<void>
  /** Ends it, and proves that no promise was broken. */
  end(): Promise<void>
}
type Verb = 'cancel' | 'pause' | 'resume' | 'retry' | 'redrive'

async function scene(
  lines: readonly string[],
  execute: (key: string, context: NodeContext) => Promise<Outcome>,
  { policies = {}, settings = {} }: { policies?: Record<string, NodePolicy>; settings?: { timeout_ms?: number } } = {},
): Promise<Scene> {
  const engine = await createTestEngine(pool, { nodeTypes: scripted(context => execute(nameOf(context), context)) })
  const [id = ''] = await engine.begin(await engine.publish({ ...documentOf(lines, { policies }), settings }), [
    { n: 1 },
  ])
  const runner = engine.runner()
  return {
    engine,
    id,
    async ask(command) {
      const whole = { by: BY, ...(typeof command === 'string' ? { verb: command } : command) } as Command
      const { value: [answer] = [] } = await control({ ...engine.deps, ids: engine.ids }, whole, [id]).next()
      await engine.commands.look()
      if (answer === undefined) throw new Error('no answer')
      return answer
    },
    types: async () => (await engine.eventLog.read(id)).map(event => event.body.type),
    nodes: async () => (await findExecution(pool, id)).nodes.map(node => `${node.key} ${node.status}`),
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
function hanging() {
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

test('a pending execution is cancelled at once, without a worker, and leaves no job', async () => {
  const { engine, id, ask, nodes, end } = await scene(['a -> b'], async () => done)
  expect(await ask({ verb: 'cancel', reason: 'no longer needed' })).toEqual({
    executionId: id,
    kind: 'done',
    is: 'cancelled',
  })
  const row = await findExecution(pool, id)
  expect(row).toMatchObject({ status: 'cancelled', error: 'EXECUTION_CANCELLED: by test: no longer needed' })
  expect(await nodes()).toEqual(['a skipped', 'b skipped'])
  expect(await engine.queue.live([id])).toEqual(new Set())
  await end()
})

test('a running execution is cancelled: its attempt is aborted and has failed, what had not begun is skipped', async () => {
  const node = hanging()
  const { engine, id, ask, work, nodes, end } = await scene(['a -> b'], (_, context) => node.attempt(context))
  await work()
  await node.begun
  expect(await ask('cancel')).toMatchObject({ kind: 'done', is: 'cancelling' })
  await node.aborted
  expect((await engine.ended(id)).status).toBe('cancelled')
  expect(await nodes()).toEqual(['a failed', 'b skipped'])
  await end()
})

test('a second cancel changes nothing and says so', async () => {
  const { ask, types, end } = await scene(['a'], async () => done)
  await ask('cancel')
  const before = await types()
  expect(await ask('cancel')).toMatchObject({ kind: 'unchanged', why: 'it is cancelled already' })
  expect(await types()).toEqual(before)
  await end()
})

test('a failed execution is retried from the node that failed; what had completed does not run again', async () => {
  const ran: string[] = []
  const { engine, id, ask, work, nodes, end } = await scene(['a -> b', 'b -> c'], async key => {
    ran.push(key)
    return key === 'b' && ran.length === 2 ? broken : done
  })
  await work()
  expect((await engine.ended(id)).status).toBe('failed')
  expect(await ask('retry')).toMatchObject({ kind: 'done', is: 'running' })
  expect((await engine.ended(id)).status).toBe('completed')
  expect(ran).toEqual(['a', 'b', 'b', 'c'])
  expect(await nodes()).toEqual(['a completed', 'b completed', 'c completed'])
  await end()
})

test('within a transaction that fails nothing was asked', async () => {
  const { engine, id, types, end } = await scene(['a'], async () => done)
  const failing = pool.transaction(async tx => {
    await controlIn(
      tx,
      { ...engine.deps, ids: engine.ids },
      { command: { verb: 'cancel', by: BY }, executionIds: [id] },
    )
    throw new Error('the caller thinks better of it')
  })
  await expect(failing).rejects.toThrow('thinks better')
  expect(await types()).toEqual([])
  await end()
})
