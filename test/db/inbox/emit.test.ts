// The SQL function emit_event, as applications call it.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, type TestEngine } from '../../support/engine.ts'
import { createTestInbox, type TestInbox } from '../../support/events.ts'
import { createTestTriggers, type TestTriggers } from '../../support/triggers.ts'

let engine: TestEngine
let triggers: TestTriggers
let inbox: TestInbox

beforeAll(async () => {
  engine = await createTestEngine((await createTestDatabase()).pool)
  triggers = await createTestTriggers(engine)
  inbox = createTestInbox(engine.pool, triggers)
  await inbox.evaluator.start()
})
afterAll(async () => {
  await inbox.evaluator.stop()
  await engine.stop()
})

const query = async (text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> =>
  (await engine.pool.executeSql(text, values)).rows as Record<string, unknown>[]

test('an event of a transaction that commits fires', async () => {
  const trigger = await triggers.create('event', { event: 'row.added' })
  await engine.pool.transaction(tx =>
    tx.executeSql("select public.emit_event('row.added', $1, id => 'r1', source => '/app', subject => 'row 1')", [
      '{"n": 1}',
    ]),
  )
  await inbox.drain()
  expect(await inbox.inputs(trigger.id)).toEqual([
    {
      event: {
        id: 'r1',
        source: '/app',
        type: 'row.added',
        subject: 'row 1',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        data: { n: 1 },
      },
    },
  ])
})

test('an event of a transaction that is rolled back never was', async () => {
  const trigger = await triggers.create('event', { event: 'row.lost' })
  const failing = engine.pool.transaction(async tx => {
    await tx.executeSql("select public.emit_event('row.lost', id => 'lost')")
    throw new Error('the application thinks better of it')
  })
  await expect(failing).rejects.toThrow('thinks better')
  await inbox.drain()
  expect(await triggers.ledger(trigger.id)).toEqual([])
  expect(await query("select from public.inbound_events where external_id = 'lost'")).toEqual([])
})

test('the same source and id gives the event there is, and without an id every call is one', async () => {
  const [first, again] = await query(
    "select public.emit_event('twice', id => 'same') as id union all select public.emit_event('twice', '1', id => 'same')",
  )
  expect(again).toEqual(first)
  const [row] = await query("select public.emit_event('anew') <> public.emit_event('anew') as differ")
  expect(row).toEqual({ differ: true })
})

test.each([
  ["null, '{}'", /type and source must be there/],
  ["''", /may be empty/],
  ["'a', id => ''", /may be empty/],
  ["'a', source => ''", /may be empty/],
  ["'mbflow.execution.completed'", /those of MBFlow itself/],
  ["'a', source => 'mbflow:executions'", /those of MBFlow itself/],
  ["repeat('a', 256)", /type has at most 255 bytes/],
  ["'a', id => repeat('a', 513)", /id 512/],
  ["'a', to_jsonb(repeat('a', 262144))", /the data has 262146 bytes as JSON, at most 262144/],
])('emit_event(%s) is refused', async (given, message) => {
  await expect(query(`select public.emit_event(${given})`)).rejects.toThrow(message)
})

test('it does the same under any search_path, and finds nobody else by a name of its own', async () => {
  await engine.pool.transaction(async tx => {
    await tx.executeSql('create temporary table inbound_events (id uuid)')
    await tx.executeSql('set local search_path = pg_temp, public')
    await tx.executeSql("select public.emit_event('searched', id => 'searched')")
    await tx.executeSql('drop table pg_temp.inbound_events')
  })
  expect(await query("select type from public.inbound_events where external_id = 'searched'")).toEqual([
    { type: 'searched' },
  ])
})

test('a role needs no more than the right to call it', async () => {
  const role = `shop_${process.pid}`
  await query(`create role ${role}`)
  try {
    const call = (): Promise<unknown> =>
      engine.pool.transaction(async tx => {
        await tx.executeSql(`set local role ${role}`)
        await tx.executeSql("select public.emit_event('granted', id => 'granted')")
      })
    await expect(call()).rejects.toThrow('permission denied for function emit_event')
    await query(`grant execute on function public.emit_event to ${role}`)
    await call()
    expect(await query("select type from public.inbound_events where external_id = 'granted'")).toEqual([
      { type: 'granted' },
    ])
  } finally {
    await query(`drop owned by ${role}`)
    await query(`drop role ${role}`)
  }
})

test('an event that is nested deeper than an input may be is skipped with the reason, and nothing is stuck', async () => {
  const trigger = await triggers.create('event', { event: 'deep' })
  await query("select public.emit_event('deep', $1::jsonb, id => 'deep')", ['['.repeat(100) + ']'.repeat(100)])
  await inbox.drain()
  expect(await inbox.fates(trigger.id)).toEqual({ deep: 'skipped expression' })
})
