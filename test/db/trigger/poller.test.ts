import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Logger, silentLogger } from '../../../src/base/log.ts'
import { sql } from '../../../src/db/sql.ts'
import { type Disposal, fire } from '../../../src/trigger/fire.ts'
import { createPoller, tick } from '../../../src/trigger/poller.ts'
import { slotKey } from '../../../src/trigger/trigger.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, type TestEngine } from '../../support/engine.ts'
import { createTestTriggers, type TestTriggers } from '../../support/triggers.ts'

/** Anchored in the past, so that moving the cursor back makes slots owed. */
const everySecond = { every: '1s', anchor: '2026-01-01T00:00:00Z' }

let engine: TestEngine
let triggers: TestTriggers

beforeAll(async () => {
  engine = await createTestEngine((await createTestDatabase()).pool)
  triggers = await createTestTriggers(engine)
})
afterAll(() => engine.stop())

/** Ticks until nothing is due. */
async function catchUp(): Promise<void> {
  while ((await tick(triggers.poller)).claimed > 0) {}
}

test('a due slot becomes one execution with its job, its ledger row, and the cursor behind it', async () => {
  const trigger = await triggers.create('interval', { ...everySecond, every: '1h', input: { who: 'you' } })
  await triggers.makeOverdue([trigger.id], 3_600_000)
  const { fired } = await tick(triggers.poller)

  const [line] = await triggers.ledger(trigger.id)
  expect(line).toMatchObject({ disposition: 'fired', slots: 1, execution: fired[0]?.executionId })
  expect(line?.key).toBe(slotKey(line?.from?.getTime() ?? 0))
  const [execution] = await engine.pool.rows<Record<string, unknown>>(sql('test.execution')`
    select e.input_data, e.scheduled_for, e.fire_key, e.trigger_data, t.last_triggered_at is not null as marked,
      (select count(*) from pgboss.job j where j.id = e.id) as jobs
    from public.executions e join public.triggers t on t.id = e.trigger_id where e.id = ${line?.execution}`)
  expect(execution).toMatchObject({
    input_data: { who: 'you' },
    scheduled_for: line?.from,
    fire_key: line?.key,
    marked: true,
    jobs: 1,
  })
  expect(execution?.trigger_data).toMatchObject({ key: trigger.key, type: 'interval', slot: line?.from?.toISOString() })
  expect((await triggers.cursor(trigger.id))?.getTime()).toBe((line?.from?.getTime() ?? 0) + 3_600_000)
})

test('four pollers at once fire every owed slot once', async () => {
  const made = await Promise.all(Array.from({ length: 60 }, () => triggers.create('interval', everySecond)))
  const ids = made.map(trigger => trigger.id)
  await triggers.makeOverdue(ids, 20_000)
  await Promise.all([catchUp(), catchUp(), catchUp(), catchUp()])
  for (const id of ids) {
    const ledger = await triggers.ledger(id)
    const slots = ledger.map(line => line.from?.getTime() ?? 0)
    const first = slots[0] ?? 0
    expect(slots.length).toBeGreaterThanOrEqual(21)
    expect(slots).toEqual(slots.map((_, i) => first + i * 1000))
    expect(await triggers.countExecutions(id)).toBe(ledger.length)
  }
  expect(await engine.violations()).toEqual([])
})

test('two fires of one slot at the same instant start one execution, even without the lock of the trigger', async () => {
  const trigger = await triggers.create('manual', {})
  const now = new Date()
  const slot = Math.floor(now.getTime() / 1000) * 1000
  const disposal: Disposal = {
    trigger,
    fireKey: slotKey(slot),
    disposition: 'fired',
    reason: null,
    slots: { from: slot, until: slot, count: 1 },
  }
  const results = await Promise.all(
    Array.from({ length: 8 }, () =>
      engine.pool.transaction(tx => fire(tx, triggers.arm, { disposals: [disposal], now })),
    ),
  )
  expect(results.flatMap(({ fired }) => fired)).toHaveLength(1)
  expect(await triggers.countExecutions(trigger.id)).toBe(1)
  expect(await triggers.ledger(trigger.id)).toHaveLength(1)
})

test('a fire that is rolled back leaves no execution, no job and no ledger row', async () => {
  const trigger = await triggers.create('manual', {})
  const disposal: Disposal = {
    trigger,
    fireKey: 'req:test:1',
    disposition: 'fired',
    reason: null,
    slots: null,
  }
  const failing = engine.pool.transaction(async tx => {
    await fire(tx, triggers.arm, { disposals: [disposal], now: new Date() })
    throw new Error('the process thinks better of it')
  })
  await expect(failing).rejects.toThrow('thinks better')
  expect(await triggers.countExecutions(trigger.id)).toBe(0)
  expect(await triggers.ledger(trigger.id)).toEqual([])
})

test('after a long pause fire_once fires the last late slot and records the others as one run', async () => {
  const trigger = await triggers.create('interval', { ...everySecond, misfire: { threshold: '10s' } })
  await triggers.makeOverdue([trigger.id], 3_600_000)
  await catchUp()
  const ledger = await triggers.ledger(trigger.id)
  const [run, ...fired] = ledger
  expect(run).toMatchObject({ disposition: 'coalesced', reason: 'misfire' })
  expect(run?.slots).toBeGreaterThan(3580)
  expect(fired.every(line => line.disposition === 'fired')).toBe(true)
  expect(ledger.reduce((sum, line) => sum + line.slots, 0)).toBeGreaterThanOrEqual(3601)
})

test('overlap skip starts nothing while an execution of the trigger is open, and says so', async () => {
  const trigger = await triggers.create('interval', { ...everySecond, overlap: 'skip' })
  await triggers.makeOverdue([trigger.id], 5_000)
  await catchUp()
  const ledger = await triggers.ledger(trigger.id)
  expect(ledger.filter(line => line.disposition === 'fired')).toHaveLength(1)
  expect(ledger[1]).toMatchObject({ disposition: 'skipped', reason: 'overlap' })
})

test('a trigger whose slots cannot be computed is disarmed with its error, and the others fire', async () => {
  const [broken, sound] = await Promise.all([
    triggers.create('cron', { schedule: '* * * * *' }),
    triggers.create('interval', everySecond),
  ])
  await engine.pool.run(
    sql(
      'test.break',
    )`update public.triggers set config = '{"schedule": "never"}', spec_version = 2 where id = ${broken.id}`,
  )
  await triggers.makeOverdue([broken.id, sound.id], 1_000)
  await catchUp()
  const [row] = await engine.pool.rows<Record<string, unknown>>(
    sql('test.broken')`select paused_by, pause_note from public.triggers where id = ${broken.id}`,
  )
  expect(row).toMatchObject({ paused_by: 'mbflow', pause_note: expect.stringContaining('disarmed') })
  expect(await triggers.cursor(broken.id)).toBeUndefined()
  expect(await triggers.countExecutions(sound.id)).toBeGreaterThan(0)
})

test('a trigger that somebody else holds is left for the next pass', async () => {
  const trigger = await triggers.create('interval', everySecond)
  await triggers.makeOverdue([trigger.id], 1_000)
  await engine.pool.transaction(async tx => {
    await tx.rows(sql('test.hold')`select pg_advisory_xact_lock(hashtextextended(${trigger.id}, 1))`)
    await tick(triggers.poller)
    expect(await triggers.countExecutions(trigger.id)).toBe(0)
  })
  await catchUp()
  expect(await triggers.countExecutions(trigger.id)).toBeGreaterThan(0)
})

test('a pass looks at a bounded number of slots, what is on time first, and the next passes go on', async () => {
  const late = await Promise.all(Array.from({ length: 20 }, () => triggers.create('cron', { schedule: '* * * * * *' })))
  const punctual = await triggers.create('interval', everySecond)
  const ids = late.map(trigger => trigger.id)
  await triggers.makeOverdue(ids, 20_000_000)
  await triggers.makeOverdue([punctual.id], 0)
  await tick(triggers.poller)
  expect(await triggers.countExecutions(punctual.id)).toBe(1)
  const [row] = await engine.pool.rows<{ slots: number }>(sql('test.slots')`
    select sum(slot_count)::integer as slots from public.trigger_fires where trigger_id = any(${ids}::uuid[])`)
  expect(row?.slots).toBeLessThanOrEqual(110_000)
  await catchUp()
  for (const id of ids) expect(await triggers.countExecutions(id)).toBeGreaterThan(0)
  expect(await engine.violations()).toEqual([])
})

test('the first pass over many that are due is small, so that what it starts can begin, and the next are larger', async () => {
  await engine.pool.run(sql('test.disableAll')`update public.triggers set enabled = false`)
  await catchUp() // takes their cursors away
  const made = await Promise.all(
    Array.from({ length: 150 }, () => triggers.create('interval', { ...everySecond, every: '1h' })),
  )
  await triggers.makeOverdue(
    made.map(({ id }) => id),
    3_600_000,
  )
  const fired: unknown[] = []
  const twice = Promise.withResolvers<void>()
  const write = (facts: object): void => {
    if ('count' in facts && fired.push(facts.count) === 2) twice.resolve()
  }
  const poller = createPoller({ ...triggers.poller, log: { ...silentLogger, info: write } as Logger })
  await poller.start()
  await twice.promise
  await poller.stop()
  expect(fired.slice(0, 2)).toEqual([50, 100])
})

test('a trigger disabled by an UPDATE of its row fires no more, and its cursor goes', async () => {
  const trigger = await triggers.create('interval', everySecond)
  await triggers.makeOverdue([trigger.id], 1_000)
  await engine.pool.run(sql('test.disable')`update public.triggers set enabled = false where id = ${trigger.id}`)
  await catchUp()
  expect(await triggers.countExecutions(trigger.id)).toBe(0)
  expect(await triggers.cursor(trigger.id)).toBeUndefined()
})
