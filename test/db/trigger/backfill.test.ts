import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import type { JsonObject } from '../../../src/base/json.ts'
import { sql } from '../../../src/db/sql.ts'
import { disableTrigger, editTrigger, removeTriggers } from '../../../src/trigger/arm.ts'
import { type BackfillerDeps, drainBackfills } from '../../../src/trigger/backfiller.ts'
import {
  type BackfillRequest,
  commandBackfill,
  listBackfills,
  planBackfill,
  showBackfill,
  startBackfill,
} from '../../../src/trigger/backfills.ts'
import { explainTrigger } from '../../../src/trigger/look-back.ts'
import type { Trigger } from '../../../src/trigger/trigger.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, type TestEngine } from '../../support/engine.ts'
import { createTestTriggers, type TestTriggers } from '../../support/triggers.ts'

const HOUR_MS = 3_600_000
const from = Date.parse('2026-01-01T00:00:00Z')
const hourly = { every: '1h', anchor: '2026-01-01T00:00:00Z' }
const unlimited = { overlap: 'allow', maxRunning: 100_000, ratePerMinute: null } as const

let engine: TestEngine
let triggers: TestTriggers
let deps: BackfillerDeps

beforeAll(async () => {
  engine = await createTestEngine((await createTestDatabase()).pool)
  triggers = await createTestTriggers(engine)
  deps = { ...triggers.arm, clock: systemClock, pollInterval: 1_000 }
})
afterAll(() => engine.stop())

interface Begun {
  readonly trigger: Trigger
  readonly id: string
}

async function begin(
  hours: number,
  { config = hourly, ...how }: Partial<BackfillRequest> & { config?: JsonObject } = {},
): Promise<Begun> {
  const trigger = await triggers.create('interval', config)
  const range = { from, until: from + hours * HOUR_MS }
  const id = await startBackfill(deps, { ...unlimited, trigger: trigger.id, range, ...how })
  return { trigger, id }
}

const show = (id: string) => showBackfill(engine.pool, id)
const hours = (instants: readonly (Date | null)[]) => instants.map(at => ((at?.getTime() ?? 0) - from) / HOUR_MS)

/** Ends the executions that a trigger has open, as far as counts go. */
async function endOpen({ id }: Trigger): Promise<void> {
  await engine.pool.run(sql('test.end')`
    update public.executions set status = 'cancelled', completed_at = now() where trigger_id = ${id} and completed_at is null`)
}

async function drainAll(id: string): Promise<void> {
  while ((await show(id)).status === 'running') await drainBackfills(deps)
}

test('every slot of the range is fired once, under its own key, with its instant as the slot', async () => {
  const { trigger, id } = await begin(1_000)
  await drainAll(id)
  expect(await show(id)).toMatchObject({ status: 'completed', slotCount: 1_000, doneCount: 1_000, firedCount: 1_000 })
  const ledger = await triggers.ledger(trigger.id)
  expect(hours(ledger.map(line => line.from))).toEqual(Array.from({ length: 1_000 }, (_, i) => i))
  expect(ledger[1]?.key).toBe(`bf:${id}:2026-01-01T01:00:00.000Z`)
  const [row] = await engine.pool.rows(sql('test.bf')`
    select scheduled_for, priority, trigger_data ->> 'slot' as slot from public.executions where id = ${ledger[1]?.execution ?? ''}`)
  expect(row).toEqual({
    scheduled_for: new Date(from + HOUR_MS),
    priority: -1,
    slot: '2026-01-01T01:00:00.000Z',
  })
})

test('the dry run counts and shows what is then fired', async () => {
  const config = { ...hourly, exclude: [{ weekdays: ['SAT', 'SUN'] }] }
  const { trigger, id } = await begin(24 * 7, { config })
  const range = { from, until: from + 24 * 7 * HOUR_MS }
  const plan = await planBackfill(engine.pool, trigger.id, { range, show: 1_000 })
  await drainAll(id)
  const shown = await show(id)
  expect([plan.slotCount, plan.excludedCount]).toEqual([shown.doneCount, shown.doneCount - shown.firedCount])
  const fired = (await triggers.ledger(trigger.id)).filter(line => line.disposition === 'fired')
  const dry = plan.slots.filter(({ excludedBy }) => excludedBy === null)
  expect(fired.map(line => line.from)).toEqual(dry.map(({ slot }) => new Date(slot)))
  expect(shown.outcomes).toEqual([
    { kind: 'execution', outcome: 'pending', slots: 120 },
    { kind: 'skipped', outcome: 'excluded', slots: 48 },
  ])
})

test('several schedulers at once, some of which fail at the end of their transactions, fire no slot twice', async () => {
  const { trigger, id } = await begin(600)
  let passes = 0
  const failing: BackfillerDeps = {
    ...deps,
    queue: {
      ...deps.queue,
      async enqueue(tx, jobs) {
        await deps.queue.enqueue(tx, jobs)
        if (passes++ % 2 === 0) throw new Error('killed')
      },
    },
  }
  while ((await show(id)).status === 'running')
    await Promise.allSettled([failing, deps, failing, deps].map(drainBackfills))
  const ledger = await triggers.ledger(trigger.id)
  expect(hours(ledger.map(line => line.from))).toEqual(Array.from({ length: 600 }, (_, i) => i))
  expect(await triggers.countExecutions(trigger.id)).toBe(600)
  expect(await engine.violations()).toEqual([])
})

test('with buffer_all it waits until no execution of the trigger is open, one slot after the other', async () => {
  const { trigger, id } = await begin(3, { overlap: 'buffer_all' })
  for (const count of [1, 2, 3]) {
    await drainBackfills(deps)
    await drainBackfills(deps)
    expect(await triggers.countExecutions(trigger.id)).toBe(count)
    await endOpen(trigger)
  }
  expect(await show(id)).toMatchObject({ status: 'completed' })
})

test('with skip, slots whose turn comes while an execution is open are recorded as skipped', async () => {
  const { trigger, id } = await begin(5, { overlap: 'skip' })
  await drainAll(id)
  expect(
    (await triggers.ledger(trigger.id)).map(({ disposition, reason, slots }) => [disposition, reason, slots]),
  ).toEqual([
    ['fired', null, 1],
    ['skipped', 'overlap', 4],
  ])
})

test('no more of its executions are open than max_running allows', async () => {
  const { trigger, id } = await begin(10, { maxRunning: 4 })
  for (const count of [4, 8, 10]) {
    for (let i = 0; i < 3; i++) await drainBackfills(deps)
    expect(await triggers.countExecutions(trigger.id)).toBe(count)
    await endOpen(trigger)
  }
  expect((await show(id)).status).toBe('completed')
})

test('a rate lets one fire at once and says how long to wait for the next', async () => {
  const { trigger, id } = await begin(10, { ratePerMinute: 2 })
  const pause = await drainBackfills(deps)
  expect(pause).toBeGreaterThan(25_000)
  expect(pause).toBeLessThanOrEqual(30_000)
  await drainBackfills(deps)
  expect(await triggers.countExecutions(trigger.id)).toBe(1)
  await engine.pool.run(
    sql('test.later')`update public.backfills set not_before = not_before - interval '30 s' where id = ${id}`,
  )
  await drainBackfills(deps)
  expect(await triggers.countExecutions(trigger.id)).toBe(2)
  await commandBackfill(deps, id, { status: 'cancelled', note: null })
})

test('paused it fires nothing, resumed it goes on where it was, cancelled it is over', async () => {
  const { trigger, id } = await begin(10, { maxRunning: 2 })
  await drainBackfills(deps)
  expect(await commandBackfill(deps, id, { status: 'paused', note: 'month end' })).toMatchObject({ note: 'month end' })
  await endOpen(trigger)
  await drainBackfills(deps)
  expect(await triggers.countExecutions(trigger.id)).toBe(2)
  expect(await commandBackfill(deps, id, { status: 'running', note: null })).toMatchObject({ note: null, sinceDone: 2 })
  await drainBackfills(deps)
  expect(hours((await triggers.ledger(trigger.id)).map(line => line.from))).toEqual([0, 1, 2, 3])
  expect(await commandBackfill(deps, id, { status: 'cancelled', note: null })).toMatchObject({ status: 'cancelled' })
  await endOpen(trigger)
  await drainBackfills(deps)
  expect(await triggers.countExecutions(trigger.id)).toBe(4)
  const resumed = commandBackfill(deps, id, { status: 'running', note: null })
  await expect(resumed).rejects.toMatchObject({ code: 'REFUSED' })
  // The same again is no error.
  expect(await commandBackfill(deps, id, { status: 'cancelled', note: null })).toMatchObject({ status: 'cancelled' })
})

test('it follows the rule it was started with, whatever is edited, also while the trigger is disabled', async () => {
  const { trigger, id } = await begin(4, { maxRunning: 2, config: { ...hourly, input: { rule: 'old' } } })
  await drainBackfills(deps)
  const change = { config: { every: '5m', input: { rule: 'new' } } }
  await engine.pool.transaction(tx => editTrigger(tx, triggers.arm, { id: trigger.id, change }))
  await disableTrigger(triggers.arm, trigger.id)
  await endOpen(trigger)
  await drainAll(id)
  expect(hours((await triggers.ledger(trigger.id)).map(line => line.from))).toEqual([0, 1, 2, 3])
  const inputs = await engine.pool.rows(sql('test.rules')`
    select distinct input_data ->> 'rule' as rule from public.executions where trigger_id = ${trigger.id}`)
  expect(inputs).toEqual([{ rule: 'old' }])
})

test('one whose calendar is gone pauses with the error, alone, and goes on when it is back', async () => {
  await engine.pool.run(
    sql('test.cal')`insert into public.calendars (name, config) values ('off', '{"weekdays": ["SUN"]}')`,
  )
  const { id } = await begin(4, { config: { ...hourly, exclude: ['off'] } })
  const { id: other } = await begin(4)
  await engine.pool.run(sql('test.uncal')`delete from public.calendars`)
  await drainAll(other)
  expect(await show(id)).toMatchObject({ status: 'paused', note: 'stopped: there is no calendar "off"', doneCount: 0 })
  await engine.pool.run(
    sql('test.cal')`insert into public.calendars (name, config) values ('off', '{"weekdays": ["SUN"]}')`,
  )
  await commandBackfill(deps, id, { status: 'running', note: null })
  await drainAll(id)
  expect((await show(id)).status).toBe('completed')
})

test('when its trigger is removed it is cancelled and says so; what it did stays', async () => {
  const { trigger, id } = await begin(10, { maxRunning: 2 })
  await drainBackfills(deps)
  await engine.pool.transaction(tx => removeTriggers(tx, triggers.arm, [trigger.id]))
  await endOpen(trigger)
  await drainBackfills(deps)
  expect(await show(id)).toMatchObject({
    status: 'cancelled',
    note: 'the trigger was removed',
    trigger: null,
    doneCount: 2,
  })
})

test.each([
  [{ from, until: from }, 'ends before it begins'],
  [{ from, until: Date.now() + HOUR_MS }, 'is of the past'],
  [{ from: from + 1, until: from + 2 }, 'has no slot in that range'],
])('the range %j is refused', async (range, message) => {
  const trigger = await triggers.create('interval', hourly)
  const started = startBackfill(deps, { ...unlimited, trigger: trigger.id, range })
  await expect(started).rejects.toMatchObject({ code: 'INPUT_INVALID', message: expect.stringContaining(message) })
})

test('a range of more than a million slots, and a trigger without slots, are refused', async () => {
  const second = await triggers.create('interval', { ...hourly, every: '1s' })
  const manual = await triggers.create('manual', {})
  const range = { from, until: from + 1_000_001_000 }
  for (const trigger of [second.id, manual.id])
    await expect(startBackfill(deps, { ...unlimited, trigger, range })).rejects.toMatchObject({ code: 'INPUT_INVALID' })
})

test('explain tells of the backfills that fired a slot, beside what became of it in its time', async () => {
  const { trigger, id } = await begin(3)
  await drainAll(id)
  const at = [from + HOUR_MS, from + HOUR_MS + 1]
  const { explanations } = await explainTrigger(engine.pool, trigger.id, () => ({ kind: 'instants', at }))
  expect(explanations[0]).toMatchObject({
    outcome: 'no_slot',
    reason: 'not_created',
    backfills: [{ fireKey: `bf:${id}:2026-01-01T01:00:00.000Z`, executionStatus: 'pending' }],
  })
  expect(explanations[1]?.backfills).toEqual([])
})

test('a backfill is found by the beginning of its id, and the latest are listed first', async () => {
  const { id } = await begin(1)
  expect((await listBackfills(engine.pool, 1)).map(one => one.id)).toEqual([id])
  expect((await show(id.slice(0, -2))).id).toBe(id)
  for (const word of ['', 'ffffffff']) await expect(show(word)).rejects.toMatchObject({ code: 'BACKFILL_NOT_FOUND' })
  await expect(show('0')).rejects.toMatchObject({ code: 'NAME_AMBIGUOUS' })
})
