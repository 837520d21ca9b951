import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from '../../../src/db/sql.ts'
import { disableTrigger, editTrigger, enableTrigger, removeTriggers } from '../../../src/trigger/arm.ts'
import { fireManually } from '../../../src/trigger/fire-manually.ts'
import { tick } from '../../../src/trigger/poller.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, type TestEngine } from '../../support/engine.ts'
import { createTestTriggers, type TestTriggers } from '../../support/triggers.ts'

const everySecond = { every: '1s', anchor: '2026-01-01T00:00:00Z' }

let engine: TestEngine
let triggers: TestTriggers

beforeAll(async () => {
  engine = await createTestEngine((await createTestDatabase()).pool)
  triggers = await createTestTriggers(engine)
})
afterAll(() => engine.stop())

async function specs(id: string): Promise<unknown[]> {
  return engine.pool.rows(sql('test.specs')`
    select spec_version as version, enabled, config from public.trigger_specs where trigger_id = ${id} order by spec_version`)
}

test('a new time trigger has its first spec and a cursor at its first slot after now', async () => {
  const trigger = await triggers.create('cron', { schedule: '0 * * * *' })
  expect(await specs(trigger.id)).toEqual([{ version: 1, enabled: true, config: { schedule: '0 * * * *' } }])
  const cursor = (await triggers.cursor(trigger.id))?.getTime() ?? 0
  expect(cursor).toBeGreaterThan(Date.now() - 60_000)
  expect(cursor % 3_600_000).toBe(0)
})

test('a trigger without a schedule has no cursor', async () => {
  expect(await triggers.cursor((await triggers.create('manual', {})).id)).toBeUndefined()
})

test('disabling disposes of what was owed and drops the cursor', async () => {
  const trigger = await triggers.create('interval', everySecond)
  await triggers.makeOverdue([trigger.id], 3_000)
  await disableTrigger(triggers.arm, trigger.id)
  const fired = await triggers.countExecutions(trigger.id)
  expect(fired).toBeGreaterThanOrEqual(4)
  expect(await triggers.cursor(trigger.id)).toBeUndefined()
  await tick(triggers.poller)
  expect(await triggers.countExecutions(trigger.id)).toBe(fired)
})

test('enabling goes on with the next slot: what was missed meanwhile is not made up for', async () => {
  const trigger = await triggers.create('interval', everySecond)
  await disableTrigger(triggers.arm, trigger.id)
  await enableTrigger(triggers.arm, trigger.id)
  const cursor = (await triggers.cursor(trigger.id))?.getTime() ?? 0
  expect(cursor).toBeGreaterThan(Date.now() - 5_000)
  expect(await specs(trigger.id)).toMatchObject([
    { version: 1 },
    { version: 2, enabled: false },
    { version: 3, enabled: true },
  ])
})

test('an edit disposes of the old slots under the old rule and moves the cursor to the new one', async () => {
  const trigger = await triggers.create('interval', everySecond)
  await triggers.makeOverdue([trigger.id], 2_000)
  const change = { config: { schedule: '0 0 1 1 *' }, type: 'cron' as const }
  await engine.pool.transaction(tx => editTrigger(tx, triggers.arm, { id: trigger.id, change }))
  const ledger = await triggers.ledger(trigger.id)
  expect(ledger.length).toBeGreaterThanOrEqual(3)
  expect((await triggers.cursor(trigger.id))?.toISOString()).toMatch(/-01-01T00:00:00.000Z$/)
  expect(await engine.violations()).toEqual([])
})

test('an edit that changes nothing makes no new spec, whatever the order of its fields', async () => {
  const trigger = await triggers.create('interval', everySecond)
  const config = { anchor: everySecond.anchor, every: everySecond.every }
  await engine.pool.transaction(tx => editTrigger(tx, triggers.arm, { id: trigger.id, change: { config } }))
  expect(await specs(trigger.id)).toHaveLength(1)
})

test('edits, pauses and pollers at the same time leave no slot undisposed and none disposed of twice', async () => {
  const trigger = await triggers.create('interval', everySecond)
  await triggers.makeOverdue([trigger.id], 60_000)
  const poll = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) await tick(triggers.poller)
  }
  const toggle = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) {
      await disableTrigger(triggers.arm, trigger.id)
      await enableTrigger(triggers.arm, trigger.id)
    }
  }
  await Promise.all([poll(), poll(), toggle(), toggle()])
  const ledger = await triggers.ledger(trigger.id)
  const slots = ledger.map(line => line.from?.getTime() ?? 0)
  expect(new Set(slots).size).toBe(slots.length)
  expect(slots.slice(0, 61)).toEqual(slots.slice(0, 61).map((_, i) => (slots[0] ?? 0) + i * 1000))
  expect(await engine.violations()).toEqual([])
})

test('an edit that had to wait for the trigger owes nothing again that was fired meanwhile', async () => {
  const trigger = await triggers.create('interval', everySecond)
  await engine.pool.transaction(async tx => {
    // The transaction begins before a slot that the poller then fires.
    const alive = sql('test.alive')`select now()`
    await tx.rows(alive)
    while ((await tick(triggers.poller)).fired.length === 0) await tx.rows(alive)
    await editTrigger(tx, triggers.arm, { id: trigger.id, change: { config: { ...everySecond, input: { n: 1 } } } })
  })
  expect(await engine.violations()).toEqual([])
})

test('a removed trigger leaves its executions and its ledger behind', async () => {
  const trigger = await triggers.create('interval', everySecond)
  await triggers.makeOverdue([trigger.id], 1_000)
  await engine.pool.transaction(tx => removeTriggers(tx, triggers.arm, [trigger.id]))
  expect(await triggers.countExecutions(trigger.id)).toBeGreaterThan(0)
  expect((await triggers.ledger(trigger.id)).length).toBeGreaterThan(0)
})

test('a manual fire starts an execution with the merged input, once per key', async () => {
  const trigger = await triggers.create('manual', { input: { a: 1, b: 1 } })
  const request = { triggerId: trigger.id, input: { b: 2 }, scope: 'test', key: 'k' }
  const [first, second] = [await fireManually(triggers.arm, request), await fireManually(triggers.arm, request)]
  expect([first.repeated, second.repeated]).toEqual([false, true])
  expect(second.executionId).toBe(first.executionId)
  const [row] = await engine.pool.rows(
    sql('test.input')`select input_data, fire_key from public.executions where id = ${first.executionId}`,
  )
  expect(row).toEqual({ input_data: { a: 1, b: 2 }, fire_key: 'req:test:k' })
})

test('a disabled trigger refuses to be fired', async () => {
  const trigger = await triggers.create('manual', {})
  await disableTrigger(triggers.arm, trigger.id)
  const fired = fireManually(triggers.arm, { triggerId: trigger.id, input: {}, scope: 'test' })
  await expect(fired).rejects.toMatchObject({ code: 'TRIGGER_DISABLED' })
})

test('a manual fire follows the overlap policy, and the ledger says why nothing was started', async () => {
  const trigger = await triggers.create('manual', { overlap: 'skip' })
  const request = { triggerId: trigger.id, input: {}, scope: 'test' }
  expect((await fireManually(triggers.arm, request)).executionId).not.toBeNull()
  expect(await fireManually(triggers.arm, request)).toMatchObject({
    executionId: null,
    disposition: 'skipped',
    reason: 'overlap',
  })
  expect((await triggers.ledger(trigger.id)).map(line => [line.disposition, line.reason])).toEqual([
    ['fired', null],
    ['skipped', 'overlap'],
  ])
})

test('a key stands for one request: with another input it is refused, with the same fields in another order it is not', async () => {
  const trigger = await triggers.create('manual', {})
  const request = { triggerId: trigger.id, scope: 'test', key: 'order' }
  const first = await fireManually(triggers.arm, { ...request, input: { a: 1, b: { c: 2, d: 3 } } })
  const again = await fireManually(triggers.arm, { ...request, input: { b: { d: 3, c: 2 }, a: 1 } })
  expect(again).toEqual({ ...first, repeated: true })
  const other = fireManually(triggers.arm, { ...request, input: { a: 2 } })
  await expect(other).rejects.toMatchObject({ code: 'REQUEST_CONFLICT' })
  expect(await triggers.countExecutions(trigger.id)).toBe(1)
})
