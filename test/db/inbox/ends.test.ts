// Executions that end are events, where somebody listens.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Json, JsonObject } from '../../../src/base/json.ts'
import { createTrigger } from '../../../src/trigger/arm.ts'
import type { Trigger } from '../../../src/trigger/trigger.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, documentOf, type TestEngine } from '../../support/engine.ts'
import { createTestInbox, type TestInbox } from '../../support/events.ts'
import { createTestTriggers, type TestTriggers } from '../../support/triggers.ts'

let engine: TestEngine
let triggers: TestTriggers
let inbox: TestInbox
let runner: ReturnType<TestEngine['runner']>

beforeAll(async () => {
  engine = await createTestEngine((await createTestDatabase()).pool)
  triggers = await createTestTriggers(engine)
  inbox = createTestInbox(engine.pool, triggers)
  await inbox.evaluator.start()
  runner = engine.runner()
  await runner.start()
})
afterAll(async () => {
  await runner.stop()
  await inbox.evaluator.stop()
  await engine.stop()
})

const workflow = (name: string, expression = 'input'): Promise<string> => {
  const { nodes, edges } = documentOf(['a'])
  return engine.publish({ name, nodes: nodes.map(node => ({ ...node, config: { expression } })), edges })
}

function listener(workflowId: string, workflowName: string, config: JsonObject): Promise<Trigger> {
  const key = `on-${workflowName}`
  return engine.pool.transaction(tx =>
    createTrigger(tx, triggers.arm, { workflowId, workflowName, key, name: key, type: 'event', config, enabled: true }),
  )
}

async function run(workflowId: string, input: Json = {}): Promise<string> {
  const [id = ''] = await engine.begin(workflowId, [input])
  await engine.ended(id)
  return id
}

/** Drains, and lets what that started end, until nothing happens any more. */
async function settle(): Promise<void> {
  for (;;) {
    await inbox.drain()
    // One statement: the event of an end is there as soon as the execution is over.
    const { rows } = await engine.pool.executeSql(`
      select id from public.executions where completed_at is null
      union all select null from public.inbound_events where processed_at is null`)
    if (rows.length === 0) return
    for (const { id } of rows as { id: string | null }[]) if (id !== null) await engine.ended(id)
  }
}

const countEvents = async (): Promise<number> =>
  (await engine.pool.executeSql('select from public.inbound_events')).rows.length

test('as long as nobody listens, ends are not told', async () => {
  await triggers.create('event', { event: '**' })
  await run(await workflow('unheard'))
  expect(await countEvents()).toBe(0)
})

test('an end is told to the triggers that name it, with what came out', async () => {
  const first = await workflow('first', '{"total": input.n}')
  const second = await workflow('second')
  const trigger = await listener(second, 'second', {
    event: 'mbflow.execution.completed',
    filter: 'event.data.workflow = "first"',
  })
  const id = await run(first, { n: 7 })
  await settle()
  expect(await inbox.inputs(trigger.id)).toMatchObject([
    {
      event: {
        source: 'mbflow:executions',
        type: 'mbflow.execution.completed',
        subject: 'first',
        data: {
          execution_id: id,
          workflow: 'first',
          version: 1,
          status: 'completed',
          error: null,
          output: { total: 7 },
        },
      },
    },
  ])
})

test('a failure is told with its error', async () => {
  const failing = await workflow('failing', '$error("no")')
  const trigger = await listener(await workflow('alarm'), 'alarm', { event: 'mbflow.*.failed' })
  const id = await run(failing)
  await settle()
  expect(await inbox.inputs(trigger.id)).toMatchObject([
    { event: { data: { execution_id: id, status: 'failed', error: expect.stringContaining('no'), output: null } } },
  ])
})

test('a workflow is not started by its own end, nor by one that it led to', async () => {
  const [ping, pong] = [await workflow('ping'), await workflow('pong')]
  const ours = 'event.data.workflow in ["ping", "pong"]'
  const onPing = await listener(ping, 'ping', { event: 'mbflow.execution.completed', filter: ours })
  const onPong = await listener(pong, 'pong', { event: 'mbflow.execution.completed', filter: ours })
  await run(ping)
  await settle()
  const fates = async ({ id }: Trigger): Promise<string[]> => Object.values(await inbox.fates(id)).sort()
  // The end of ping starts pong; the end of that pong starts nothing.
  expect(await fates(onPong)).toEqual(['fired', 'skipped loop'])
  expect((await fates(onPing)).every(fate => fate === 'skipped loop')).toBe(true)
  expect(await triggers.countExecutions(onPing.id)).toBe(0)
  expect(await engine.violations()).toEqual([])
})

test('a circle through a batch is seen as well', async () => {
  const looped = await workflow('looped')
  const relay = await workflow('relay')
  const config = {
    any_of: [{ type: 'mbflow.**', filter: 'event.data.workflow = "looped"' }, 'outside'],
    batch: { size: 2, within: '1h' },
  }
  await listener(relay, 'relay', config)
  const back = await listener(looped, 'looped', { event: 'mbflow.**', filter: 'event.data.workflow = "relay"' })
  await run(looped)
  await inbox.tell({ type: 'outside' })
  await settle()
  expect(Object.values(await inbox.fates(back.id)).filter(fate => fate === 'fired')).toEqual([])
})
