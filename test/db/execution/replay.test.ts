// What executions were, and in what they differ: the replay and the commands that show it.
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { run } from '../../../src/cli/cli.ts'
import { createInterruption } from '../../../src/cli/interruption.ts'
import { findExecution, type ShownExecution } from '../../../src/execution/find.ts'
import { diffExecutions, replayExecution } from '../../../src/execution/replay.ts'
import type { Outcome } from '../../../src/node/node-type.ts'
import { done, hanging, scene } from '../../support/control-scene.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, documentOf, scripted } from '../../support/engine.ts'
import { recorder } from '../../unit/cli/recorder.ts'

const { pool, url } = await createTestDatabase()
const broken: Outcome = { kind: 'failed', error: { code: 'BROKEN', message: 'it broke', retryable: false } }

/** In one notation: instants in a row are written by PostgreSQL, in a replay by us. */
function comparable({ nodes, ...row }: ShownExecution) {
  const instant = (text: string | null): Date | null => (text === null ? null : new Date(text))
  return {
    ...row,
    nodes: nodes.map(node => ({
      ...node,
      started_at: instant(node.started_at),
      completed_at: instant(node.completed_at),
    })),
  }
}

async function mbflow(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const [stdout, stderr] = [recorder(), recorder()]
  const io = { stdin: new PassThrough(), stdout: stdout.stream, stderr: stderr.stream }
  const code = await run(args, { ...io, env: { DATABASE_URL: url }, interruption: createInterruption() })
  return { code, stdout: stdout.text(), stderr: stderr.text() }
}

test('after its last event it is what it is now, and at each stop on the way what it was shown as then', async () => {
  const node = hanging()
  let attempts = 0
  const { engine, id, ask, work, becomes, end } = await scene(
    pool,
    { lines: ['a -> b', 'a -> c', 'b -> d on error', 'c -> d'] },
    async (key, context) => {
      if (key === 'b') return broken
      return key === 'd' && attempts++ === 0 ? node.attempt(context) : { kind: 'completed', output: { by: key } }
    },
  )
  const deps = { pool, catalog: engine.catalog }
  const seen: ShownExecution[] = [await findExecution(pool, id)]
  await work()
  await node.begun
  await ask('pause')
  node.release(broken)
  seen.push(await becomes('failed').then(() => findExecution(pool, id)))
  await ask('retry')
  await engine.ended(id)
  await ask({ verb: 'rerun', node: 'c', input: { changed: true } })
  await engine.ended(id)
  seen.push(await findExecution(pool, id))
  for (const was of seen) {
    const { shown, events } = await replayExecution(deps, { id, at: was.last_sequence })
    expect(comparable(shown)).toEqual(comparable(was))
    expect(events).toHaveLength(was.last_sequence)
  }
  expect(seen[0]?.last_sequence).toBe(0)
  await end()
})

test('an event that there is not yet is refused with the number of the last', async () => {
  const { engine, id, work, end } = await scene(pool, { lines: ['a'] }, async () => done)
  await work()
  const { last_sequence: last } = await engine.ended(id)
  await expect(replayExecution({ pool, catalog: engine.catalog }, { id, at: last + 1 })).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    message: `execution ${id} has no event ${last + 1}: its last is ${last}`,
  })
  await end()
})

test('show --at shows the nodes as they were, and with --events what had happened', async () => {
  const { engine, id, work, end } = await scene(pool, { lines: ['a -> b'] }, async () => done)
  await work()
  await engine.ended(id)
  const started = 3 // workflow_started, wave_started, node_started
  const { stdout } = await mbflow('execution', 'show', id, '--at', String(started), '--events')
  expect(stdout).toMatch(/^as of +event 3 of \d+, /m)
  expect(stdout).toMatch(/^ +0 +a +transform +running +1$/m)
  expect(stdout).not.toMatch(/^ +1 +b /m)
  expect(stdout.match(/^ +\d+ {2}\d{4}-/gm)).toHaveLength(started)
  const json = JSON.parse((await mbflow('execution', 'show', id, '--at', '0', '--json')).stdout)
  expect(json).toMatchObject({ status: 'pending', nodes: [], events: [], as_of: { event: 0 } })
  await end()
})

test.each(['-1', 'two', '1.5'])('show --at %s is a usage error', async at => {
  expect(await mbflow('execution', 'show', '0190', '--at', at)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('must be the number of an event, or 0'),
  })
})

test('two executions, of two versions of a workflow, are compared node by node', async () => {
  const engine = await createTestEngine(pool, {
    nodeTypes: scripted(async ({ log, scope }) =>
      log.bindings().node === 'b' && scope.input === 13 ? broken : { kind: 'completed', output: scope.input },
    ),
  })
  const deps = { pool, catalog: engine.catalog }
  const runner = engine.runner()
  await runner.start()
  const first = await engine.publish({ name: 'orders', ...documentOf(['a -> b']) })
  const [a = '', twin = ''] = await engine.begin(first, [12, 12])
  const second = await engine.publish({ name: 'orders', ...documentOf(['a -> b', 'a -> c']) })
  const [b = ''] = await engine.begin(second, [13])
  for (const id of [a, twin, b]) await engine.ended(id)

  expect(await diffExecutions(deps, [a, twin])).toMatchObject({ same: true, diverged: null })
  expect(await diffExecutions(deps, [a, b])).toMatchObject({
    workflow: 'orders',
    a: { version: 1, status: 'completed' },
    b: { version: 2, status: 'failed' },
    diverged: { node: 'a', wave: 0, because: 'input' },
  })
  const { code, stdout } = await mbflow('execution', 'diff', a, b)
  expect(code).toBe(0)
  expect(stdout).toMatch(/^They went apart at "a" \(wave 0\), which was given something else\.$/m)
  expect(stdout).toMatch(/^ +1 +b +completed +failed .+ input, status, error, output$/m)
  expect(stdout).toMatch(/^b: status +"completed" +"failed"$/m)
  expect(stdout).toMatch(/^ +1 +c +– +completed /m)

  const [other = ''] = await engine.begin(await engine.publish({ name: 'invoices', ...documentOf(['a']) }), [1])
  await engine.ended(other)
  await expect(diffExecutions(deps, [a, other])).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    message: `${a} is an execution of "orders", ${other} of "invoices"`,
  })
  await runner.stop()
  await engine.stop()
})
