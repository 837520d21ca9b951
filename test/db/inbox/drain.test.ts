import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from '../../../src/db/sql.ts'
import { acceptEvents } from '../../../src/inbox/accept.ts'
import { tick } from '../../../src/inbox/drain.ts'
import { disableTrigger } from '../../../src/trigger/arm.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, type TestEngine } from '../../support/engine.ts'
import { createTestInbox, eventOf, type TestInbox } from '../../support/events.ts'
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

test('an event starts one execution of each trigger that names its type, and is told to it', async () => {
  const exact = await triggers.create('event', { event: 'greeting.sent' })
  const pattern = await triggers.create('event', { event: 'greeting.*' })
  const other = await triggers.create('event', { event: 'greeting.lost' })
  const [id] = await inbox.tell({
    type: 'greeting.sent',
    externalId: 'g1',
    data: { to: 'you' },
    attributes: { subject: 's' },
  })
  await inbox.drain()
  for (const { id: triggerId } of [exact, pattern]) {
    expect(await triggers.ledger(triggerId)).toMatchObject([{ key: `evt:${id}`, disposition: 'fired', reason: null }])
    const event = { id: 'g1', source: '/test', type: 'greeting.sent', subject: 's', data: { to: 'you' } }
    expect(await inbox.inputs(triggerId)).toEqual([{ event }])
  }
  expect(await triggers.ledger(other.id)).toEqual([])
})

test('the same source and id is one event, however often it is taken', async () => {
  const trigger = await triggers.create('event', { event: 'once' })
  const event = eventOf({ type: 'once' })
  const results = await Promise.all(Array.from({ length: 8 }, () => acceptEvents(engine.pool, [event, event])))
  expect(results.flat().filter(({ duplicate }) => !duplicate)).toHaveLength(1)
  await inbox.drain()
  await acceptEvents(engine.pool, [event])
  await inbox.drain()
  expect(await triggers.countExecutions(trigger.id)).toBe(1)
})

test('four drains at once fire every event once', async () => {
  const made = await Promise.all(
    Array.from({ length: 4 }, (_, i) => triggers.create('event', { event: i < 2 ? 'many.*' : `many.${i % 2}` })),
  )
  const events = Array.from({ length: 300 }, (_, i) => ({ type: `many.${i % 2}` }))
  await acceptEvents(engine.pool, events.map(eventOf))
  await Promise.all(Array.from({ length: 4 }, () => inbox.drain()))
  await inbox.drain()
  const counts = await Promise.all(made.map(({ id }) => triggers.countExecutions(id)))
  expect(counts).toEqual([300, 300, 150, 150])
  expect(await engine.violations()).toEqual([])
})

test('a drain that dies before its commit has done nothing, and another one does all of it', async () => {
  const trigger = await triggers.create('event', { event: 'fatal', batch: { size: 2, within: '1h' } })
  await inbox.tell({ type: 'fatal' }, { type: 'fatal' }, { type: 'fatal' })
  const dying = {
    ...inbox.deps,
    pool: {
      ...engine.pool,
      transaction: <T>(work: Parameters<typeof engine.pool.transaction<T>>[0]) =>
        engine.pool.transaction<T>(async tx => {
          await work(tx)
          throw new Error('kill -9')
        }),
    },
  }
  await expect(tick(dying)).rejects.toThrow('kill -9')
  expect(await triggers.ledger(trigger.id)).toEqual([])
  await inbox.drain()
  expect(await triggers.countExecutions(trigger.id)).toBe(1)
  expect(Object.values(await inbox.fates(trigger.id)).sort()).toEqual(['coalesced batch', 'fired'])
})

test('an event that was written earlier and committed later is not lost', async () => {
  const trigger = await triggers.create('event', { event: 'late' })
  const written = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  const slow = engine.pool.transaction(async tx => {
    await tx.rows(sql('test.emitLate')`select public.emit_event('late', '{"n": 1}')`)
    written.resolve()
    await goOn.promise
  })
  await written.promise
  await inbox.tell({ type: 'late', data: { n: 2 } })
  await inbox.drain()
  goOn.resolve()
  await slow
  await inbox.drain()
  const inputs = (await inbox.inputs(trigger.id)) as { event: { data: unknown } }[]
  expect(inputs.map(({ event }) => event.data)).toEqual([{ n: 2 }, { n: 1 }])
})

test('a disabled trigger does not see what is drained meanwhile', async () => {
  const trigger = await triggers.create('event', { event: 'unheard' })
  await disableTrigger(triggers.arm, trigger.id)
  await inbox.tell({ type: 'unheard' })
  await inbox.drain()
  expect(await triggers.ledger(trigger.id)).toEqual([])
})

test('with overlap skip the second of two events is skipped, and the ledger says why', async () => {
  const trigger = await triggers.create('event', { event: 'busy', overlap: 'skip' })
  await inbox.tell({ type: 'busy', externalId: 'b1' }, { type: 'busy', externalId: 'b2' })
  await inbox.drain()
  expect(await inbox.fates(trigger.id)).toEqual({ b1: 'fired', b2: 'skipped overlap' })
})

test('a filter picks among the events of a type', async () => {
  const trigger = await triggers.create('event', { event: 'paid', filter: '$number(event.data.total) > 100' })
  await inbox.tell(
    { type: 'paid', externalId: 'p1', data: { total: '99' } },
    { type: 'paid', externalId: 'p2', data: { total: '101' } },
  )
  await inbox.drain()
  expect(await inbox.fates(trigger.id)).toEqual({ p2: 'fired' })
})

test('an event that a filter cannot judge is skipped by that trigger, with what went wrong, and fires the others', async () => {
  const trigger = await triggers.create('event', { event: 'odd', filter: '$number(event.data.total) > 100' })
  const other = await triggers.create('event', { event: 'odd' })
  const [id] = await inbox.tell({ type: 'odd', externalId: 'o1', data: { total: 'a lot' } })
  await inbox.drain()
  expect(await inbox.fates(trigger.id)).toEqual({ o1: 'skipped expression' })
  expect(await inbox.fates(other.id)).toEqual({ o1: 'fired' })
  const [row] = await engine.pool.rows(sql('test.faults')`select faults from public.inbound_events where id = ${id}`)
  expect(row).toEqual({
    faults: [{ trigger: `fired/${trigger.key}`, message: expect.stringMatching(/^EXPRESSION_FAILED: /) }],
  })
})

test('a trigger whose rule cannot be read is disarmed with its error, and the others fire', async () => {
  const [broken, sound] = [
    await triggers.create('event', { event: 'rule', batch: { size: 2, within: '1h' } }),
    await triggers.create('event', { event: 'rule' }),
  ]
  const config = { event: 'rule', batch: { size: 2, within: 'soon' } }
  await engine.pool.run(sql('test.break')`update public.triggers set config = ${config} where id = ${broken.id}`)
  await inbox.tell({ type: 'rule' })
  await inbox.drain()
  expect(await triggers.countExecutions(sound.id)).toBe(1)
  const [row] = await engine.pool.rows(
    sql('test.disarmed')`select paused_by, pause_note as note from public.triggers where id = ${broken.id}`,
  )
  expect(row).toEqual({ paused_by: 'mbflow', note: expect.stringContaining('soon') })
})

test('an event that cannot be processed stays behind alone', async () => {
  const trigger = await triggers.create('event', { event: 'poison' })
  await engine.pool.executeSql(`
    create function public.refuse_poison() returns trigger language plpgsql as $$
    begin raise exception 'poison' using errcode = '22023'; end $$;
    create trigger refuse_poison before insert on public.executions for each row
      when (new.input_data::text like '%deadly%') execute function public.refuse_poison()`)
  const events = Array.from({ length: 9 }, (_, i) => ({ type: 'poison', data: i === 4 ? 'deadly' : 'sound' }))
  const ids = await inbox.tell(...events)
  await expect(inbox.drain()).rejects.toThrow('poison')
  expect(await triggers.countExecutions(trigger.id)).toBe(8)
  await engine.pool.executeSql('drop trigger refuse_poison on public.executions')
  await inbox.drain()
  expect(await triggers.countExecutions(trigger.id)).toBe(9)
  expect(await triggers.ledger(trigger.id)).toHaveLength(ids.length)
})
