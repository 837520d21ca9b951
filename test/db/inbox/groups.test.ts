import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from '../../../src/db/sql.ts'
import { tick } from '../../../src/inbox/drain.ts'
import { disableTrigger, editTrigger, enableTrigger } from '../../../src/trigger/arm.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, type TestEngine } from '../../support/engine.ts'
import { createTestInbox, type TestInbox, type Told } from '../../support/events.ts'
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

/** Takes events one after the other, each drained before the next, as scattered daemons would. */
async function scattered(...events: readonly Told[]): Promise<void> {
  for (const event of events) {
    await inbox.tell(event)
    await inbox.drain()
  }
}

const idsOf = (input: unknown): string[] => (input as { events: { id: string }[] }).events.map(({ id }) => id)

test('a batch gathers over many passes and fires with all of its events', async () => {
  const trigger = await triggers.create('event', { event: 'batched', batch: { size: 3, within: '1h' } })
  await scattered(...['1', '2', '3', '4'].map(n => ({ type: 'batched', externalId: `b${n}` })))
  expect(await inbox.fates(trigger.id)).toEqual({ b1: 'coalesced batch', b2: 'coalesced batch', b3: 'fired' })
  expect((await inbox.inputs(trigger.id)).map(idsOf)).toEqual([['b1', 'b2', 'b3']])
  await inbox.age(3_600_000)
  await inbox.drain()
  expect(await inbox.fates(trigger.id)).toMatchObject({ b4: 'fired' })
})

test('group_by keeps apart what does not belong together', async () => {
  const trigger = await triggers.create('event', {
    event: 'grouped',
    group_by: 'event.data.account',
    batch: { size: 2, within: '1h' },
  })
  const accounts = ['a', 'b', 1, '1', 'a', 1]
  await inbox.tell(...accounts.map((account, i) => ({ type: 'grouped', externalId: `g${i}`, data: { account } })))
  await inbox.drain()
  expect((await inbox.inputs(trigger.id)).map(idsOf)).toEqual([
    ['g0', 'g4'],
    ['g2', 'g5'],
  ])
})

test('an event that belongs to no group is skipped, and the inbox says why', async () => {
  const trigger = await triggers.create('event', {
    event: 'groupless',
    group_by: 'event.data.account',
    throttle: { max: 1, per: '1h' },
  })
  await inbox.tell({ type: 'groupless', externalId: 'x' })
  await inbox.drain()
  expect(await inbox.fates(trigger.id)).toEqual({ x: 'skipped expression' })
})

test('a debounce fires once it is quiet, with the last event', async () => {
  const trigger = await triggers.create('event', { event: 'edited', debounce: { quiet: '30s' } })
  await scattered({ type: 'edited', externalId: 'd1' }, { type: 'edited', externalId: 'd2' })
  expect(await inbox.fates(trigger.id)).toEqual({ d1: 'coalesced debounce' })
  await inbox.age(31_000)
  await inbox.drain()
  expect(await inbox.fates(trigger.id)).toEqual({ d1: 'coalesced debounce', d2: 'fired' })
})

test('a group is not closed while events of its time still wait', async () => {
  const trigger = await triggers.create('event', { event: 'outage', debounce: { quiet: '30s' } })
  await scattered({ type: 'outage', externalId: 'o1' })
  await inbox.age(10_000)
  // The schedulers are down while these come.
  await inbox.tell({ type: 'outage', externalId: 'o2' })
  await inbox.age(3_600_000)
  await inbox.drain()
  expect(await inbox.fates(trigger.id)).toEqual({ o1: 'coalesced debounce', o2: 'fired' })
})

test('a throttle lets so many fire, and more when its span is over', async () => {
  const trigger = await triggers.create('event', { event: 'many', throttle: { max: 2, per: '1m' } })
  await scattered(...['1', '2', '3'].map(n => ({ type: 'many', externalId: `t${n}` })))
  await inbox.age(60_000)
  await scattered({ type: 'many', externalId: 't4' })
  expect(await inbox.fates(trigger.id)).toEqual({ t1: 'fired', t2: 'fired', t3: 'skipped throttle', t4: 'fired' })
})

test('all_of waits for each of its types, per group, and forgets what finds no partner', async () => {
  const trigger = await triggers.create('event', {
    all_of: ['order.paid', { type: 'order.packed', filter: 'event.data.complete' }],
    within: '1h',
    group_by: 'event.data.order',
  })
  await scattered(
    { type: 'order.paid', externalId: 'paid1', data: { order: 1 } },
    { type: 'order.packed', externalId: 'half', data: { order: 1, complete: false } },
    { type: 'order.paid', externalId: 'paid2', data: { order: 2 } },
    { type: 'order.packed', externalId: 'packed1', data: { order: 1, complete: true } },
  )
  expect((await inbox.inputs(trigger.id)).map(idsOf)).toEqual([['paid1', 'packed1']])
  await inbox.age(3_600_000)
  await inbox.drain()
  expect(await inbox.fates(trigger.id)).toEqual({
    paid1: 'coalesced window',
    packed1: 'fired',
    paid2: 'skipped window',
  })
})

test('any_of within fires with the first, until the window is over', async () => {
  const trigger = await triggers.create('event', { any_of: ['smoke', 'heat'], within: '5m' })
  await scattered({ type: 'smoke', externalId: 's1' }, { type: 'heat', externalId: 'h1' })
  await inbox.age(300_000)
  await scattered({ type: 'heat', externalId: 'h2' })
  expect(await inbox.fates(trigger.id)).toEqual({ s1: 'fired', h1: 'coalesced window', h2: 'fired' })
})

test('four drains at once gather every event once', async () => {
  const trigger = await triggers.create('event', { event: 'crowd', batch: { size: 7, within: '1h' } })
  await inbox.tell(...Array.from({ length: 210 }, () => ({ type: 'crowd' })))
  await Promise.all(Array.from({ length: 4 }, () => inbox.drain()))
  await inbox.drain()
  expect(await triggers.countExecutions(trigger.id)).toBe(30)
  const ids = (await inbox.inputs(trigger.id)).flatMap(idsOf)
  expect([ids.length, new Set(ids).size]).toEqual([210, 210])
  expect(await engine.violations()).toEqual([])
})

test('what is gathered when the trigger is disabled is skipped at its time, or goes on if the trigger is back', async () => {
  const [gone, back] = [
    await triggers.create('event', { event: 'off', batch: { size: 9, within: '1h' } }),
    await triggers.create('event', { event: 'off', batch: { size: 9, within: '1h' } }),
  ]
  await scattered({ type: 'off', externalId: 'p1' })
  for (const { id } of [gone, back]) await disableTrigger(triggers.arm, id)
  await enableTrigger(triggers.arm, back.id)
  await inbox.age(3_600_000)
  await inbox.drain()
  expect(await inbox.fates(gone.id)).toEqual({ p1: 'skipped paused' })
  expect(await inbox.fates(back.id)).toEqual({ p1: 'fired' })
})

test('a trigger that gathers in another way closes what it had gathered, and one with new numbers goes on', async () => {
  const edit = (id: string, config: Parameters<TestTriggers['create']>[1]) =>
    engine.pool.transaction(tx => editTrigger(tx, triggers.arm, { id, change: { config } }))
  const other = await triggers.create('event', { event: 'turn', batch: { size: 9, within: '1h' } })
  const numbers = await triggers.create('event', { event: 'turn', batch: { size: 9, within: '1h' } })
  await scattered({ type: 'turn', externalId: 'u1' })
  await edit(other.id, { event: 'turn', throttle: { max: 5, per: '1m' } })
  await edit(numbers.id, { event: 'turn', batch: { size: 2, within: '1h' } })
  await scattered({ type: 'turn', externalId: 'u2' })
  expect(await inbox.fates(other.id)).toEqual({ u1: 'fired', u2: 'fired' })
  expect(await inbox.fates(numbers.id)).toEqual({ u1: 'coalesced batch', u2: 'fired' })
})

test('a batch of a rule that takes events one by one by now fires with all of them', async () => {
  const trigger = await triggers.create('event', { event: 'former', batch: { size: 9, within: '1h' } })
  await scattered({ type: 'former', externalId: 'f1' }, { type: 'former', externalId: 'f2' })
  const change = { config: { event: 'former' } }
  await engine.pool.transaction(tx => editTrigger(tx, triggers.arm, { id: trigger.id, change }))
  await inbox.age(3_600_000)
  await inbox.drain()
  expect(await inbox.inputs(trigger.id)).toMatchObject([{ event: { id: 'f2' }, events: [{ id: 'f1' }, { id: 'f2' }] }])
})

test('a group is closed at its time while other events keep coming', async () => {
  const trigger = await triggers.create('event', { event: 'quiet', debounce: { quiet: '30s' } })
  await scattered({ type: 'quiet' })
  await inbox.age(60_000)
  await inbox.tell({ type: 'noise' })
  await tick(inbox.deps)
  expect(await triggers.countExecutions(trigger.id)).toBe(1)
})

test('with buffer_one a batch waits whole for the execution before it', async () => {
  const trigger = await triggers.create('event', {
    event: 'queued',
    batch: { size: 2, within: '1h' },
    overlap: 'buffer_one',
  })
  await inbox.tell(...['1', '2', '3', '4'].map(n => ({ type: 'queued', externalId: `q${n}` })))
  await inbox.drain()
  expect(await inbox.fates(trigger.id)).toMatchObject({ q2: 'fired', q3: 'coalesced batch', q4: 'buffered' })
})

test('groups and members of a trigger that is removed go with it', async () => {
  const trigger = await triggers.create('event', { event: 'removed', batch: { size: 9, within: '1h' } })
  await scattered({ type: 'removed' })
  await engine.pool.run(sql('test.remove')`delete from public.triggers where id = ${trigger.id}`)
  const [row] = await engine.pool.rows(sql('test.left')`
    select (select count(*) from public.event_groups where trigger_id = ${trigger.id}) as groups,
      (select count(*) from public.event_group_members where trigger_id = ${trigger.id}) as members`)
  expect(row).toEqual({ groups: 0, members: 0 })
})
