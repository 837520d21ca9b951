import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from '../../../src/db/sql.ts'
import { disableTrigger, enableTrigger } from '../../../src/trigger/arm.ts'
import { explainTrigger, triggerHistory } from '../../../src/trigger/look-back.ts'
import { tick } from '../../../src/trigger/poller.ts'
import type { Instant } from '../../../src/trigger/trigger-type.ts'
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

async function catchUp(): Promise<void> {
  while ((await tick(triggers.poller)).claimed > 0) {}
}

/** The trigger's rule is said to be older than it is, as its slots are. */
async function backdate(id: string): Promise<void> {
  await engine.pool.run(
    sql(
      'test.backdate',
    )`update public.trigger_specs set valid_from = now() - interval '1 day' where trigger_id = ${id}`,
  )
}

async function explain(id: string, at: readonly Instant[]) {
  const { explanations } = await explainTrigger(engine.pool, id, () => ({ kind: 'instants', at }))
  return explanations
}

test('what explain says of owed slots is what the poller makes of them', async () => {
  const { id } = await triggers.create('interval', { ...everySecond, overlap: 'skip', misfire: { threshold: '20s' } })
  await backdate(id)
  await triggers.makeOverdue([id], 60_000)
  const from = (await triggers.cursor(id))?.getTime() ?? 0
  const slots = Array.from({ length: 60 }, (_, i) => from + i * 1_000)
  expect(new Set((await explain(id, slots)).map(({ outcome }) => outcome))).toEqual(new Set(['owed']))
  await catchUp()
  const after = await explain(id, slots)
  expect(new Set(after.map(({ outcome }) => outcome))).toEqual(new Set(['coalesced', 'fired', 'skipped']))
  const ledger = await triggers.ledger(id)
  for (const { at, outcome, reason, fire } of after) {
    const line = ledger.find(({ from, until }) => (from ?? at) <= at && at <= (until ?? at))
    expect([outcome, reason, fire?.executionId]).toEqual([line?.disposition, line?.reason, line?.execution])
  }
})

test('a slot that was foretold to fire did, and names its execution with its status', async () => {
  const { id } = await triggers.create('interval', { ...everySecond, every: '1h' })
  const slot = (await triggers.cursor(id))?.getTime() ?? 0
  expect((await explain(id, [slot]))[0]?.outcome).toBe('will_fire')
  await backdate(id)
  await triggers.makeOverdue([id], 3_600_000)
  await catchUp()
  const [line] = await triggers.ledger(id)
  expect((await explain(id, [line?.from?.getTime() ?? 0]))[0]).toMatchObject({
    outcome: 'fired',
    fire: { executionId: line?.execution, executionStatus: 'pending' },
  })
})

test('the time it was disabled is explained from the rules it had', async () => {
  const { id } = await triggers.create('interval', { ...everySecond, every: '1h' })
  await disableTrigger(triggers.arm, id)
  const next = Math.ceil(Date.now() / 3_600_000) * 3_600_000 + 3_600_000
  expect((await explain(id, [next]))[0]).toMatchObject({ outcome: 'no_slot', reason: 'disabled' })
  await enableTrigger(triggers.arm, id)
  expect((await explain(id, [next]))[0]).toMatchObject({ outcome: 'will_fire', rule: { spec_version: 3 } })
})

test('a range gives its slots, and where to go on', async () => {
  const { id } = await triggers.create('interval', { ...everySecond, every: '1h' })
  const from = Date.parse('2030-01-01T00:00:00Z')
  const { explanations, next } = await explainTrigger(engine.pool, id, () => ({
    kind: 'range',
    from,
    until: from + 86_400_000,
    count: 5,
  }))
  expect(explanations.map(({ at, outcome }) => [at.getTime(), outcome])).toEqual(
    [0, 1, 2, 3, 4].map(hour => [from + hour * 3_600_000, 'will_fire']),
  )
  expect(next).toEqual(new Date(from + 5 * 3_600_000))
})

test('history pages through the ledger, the latest first, without loss and repetition', async () => {
  const { id } = await triggers.create('interval', { ...everySecond, misfire: { threshold: '1h' } })
  await triggers.makeOverdue([id], 10_000)
  await catchUp()
  const whole = await triggerHistory(engine.pool, id, { limit: 1_000 })
  const slots = whole.map(({ slotAt }) => slotAt?.getTime() ?? 0)
  expect(slots).toEqual(slots.toSorted((a, b) => b - a))
  expect(whole[0]).toMatchObject({ disposition: 'fired', executionStatus: 'pending' })
  const first = await triggerHistory(engine.pool, id, { limit: 4 })
  const rest = await triggerHistory(engine.pool, id, { limit: 1_000, before: first[3]?.fireKey ?? '' })
  expect([...first, ...rest]).toEqual(whole)
})

test('history refuses a fire key that the trigger does not have', async () => {
  const { id } = await triggers.create('interval', everySecond)
  await expect(triggerHistory(engine.pool, id, { limit: 5, before: 'slot:no' })).rejects.toMatchObject({
    code: 'INPUT_INVALID',
  })
})
