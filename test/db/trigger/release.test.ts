import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json.ts'
import { sql } from '../../../src/db/sql.ts'
import { disableTrigger, editTrigger, enableTrigger, removeTriggers } from '../../../src/trigger/arm.ts'
import { fireManually } from '../../../src/trigger/fire-manually.ts'
import { triggerHistory } from '../../../src/trigger/look-back.ts'
import { tick } from '../../../src/trigger/poller.ts'
import { createReleaser, release } from '../../../src/trigger/release.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, type TestEngine } from '../../support/engine.ts'
import { createTestTriggers, type TestTriggers } from '../../support/triggers.ts'

/** Anchored in the past, so that moving the cursor back makes slots owed. */
const everySecond = { every: '1s', anchor: '2026-01-01T00:00:00Z' }
const hourly = { every: '1h', anchor: '2026-01-01T00:00:00Z', misfire: { policy: 'fire_all' } }

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

async function openOf(triggerId: string): Promise<string[]> {
  const rows = await engine.pool.rows<{ id: string }>(sql('test.open')`
    select id from public.executions where trigger_id = ${triggerId} and completed_at is null order by id`)
  return rows.map(row => row.id)
}

/** Ends an execution behind the engine's back, as an append that nobody heard of. */
async function end(id: string | undefined): Promise<void> {
  await engine.pool.run(sql('test.end')`
    update public.executions set status = 'completed', started_at = now(), completed_at = now() where id = ${id}`)
}

/** The trigger owes five slots, the last one now; one execution of it may be under way already. */
async function meetFive(config: JsonObject): Promise<string> {
  const trigger = await triggers.create('interval', { ...hourly, ...config })
  await engine.pool.run(sql('test.five')`
    update public.trigger_cursors set next_fire_at = date_trunc('hour', now()) - interval '4 hours' where trigger_id = ${trigger.id}`)
  await catchUp()
  return trigger.id
}

/** In the order of the slots: f(ired), b(uffered), s(kipped). */
async function fates(triggerId: string): Promise<string> {
  return (await triggers.ledger(triggerId)).map(line => line.disposition.charAt(0).repeat(line.slots)).join('')
}

/** What the ledger holds after each end of the execution under way, and its release. */
async function fatesAfterEnds(triggerId: string): Promise<string[]> {
  const seen = [await fates(triggerId)]
  for (;;) {
    const [first] = await openOf(triggerId)
    if (first === undefined) return seen
    await end(first)
    await release(triggers.arm, [triggerId])
    seen.push(await fates(triggerId))
  }
}

describe('five slots meet a slow workflow', () => {
  test.each<[JsonObject, string[]]>([
    [{ overlap: 'allow' }, ['fffff', 'fffff', 'fffff', 'fffff', 'fffff', 'fffff']],
    [{ overlap: 'skip' }, ['fssss', 'fssss']],
    [{ overlap: 'skip', concurrency: 2 }, ['ffsss', 'ffsss', 'ffsss']],
    [{ overlap: 'buffer_one' }, ['fbsss', 'ffsss', 'ffsss']],
    [{ overlap: 'buffer_one', concurrency: 2 }, ['ffbss', 'fffss', 'fffss', 'fffss']],
    [{ overlap: 'buffer_all' }, ['fbbbb', 'ffbbb', 'fffbb', 'ffffb', 'fffff', 'fffff']],
    [{ overlap: 'buffer_all', buffer: 2 }, ['fbbss', 'ffbss', 'fffss', 'fffss']],
    [{ overlap: 'cancel_running' }, ['fbsss', 'ffsss', 'ffsss']],
    [{ overlap: 'cancel_running', concurrency: 2 }, ['ffbss', 'fffss', 'fffss', 'fffss']],
    [{ overlap: 'buffer_all', concurrency: 3 }, ['fffbb', 'ffffb', 'fffff', 'fffff', 'fffff', 'fffff']],
  ])('%j: %j, an end at a time', async (config, expected) => {
    const id = await meetFive(config)
    expect(await fatesAfterEnds(id)).toEqual(expected)
    expect(await triggers.countExecutions(id)).toBe([...(expected.at(-1) ?? '')].filter(fate => fate === 'f').length)
  })
})

test('what waited keeps its slot, its place and when it began to wait, and has its job', async () => {
  const id = await meetFive({ overlap: 'buffer_all', input: { who: 'you' } })
  const [, second] = await triggers.ledger(id)
  await end((await openOf(id))[0])
  const { fired } = await release(triggers.arm, [id])
  const [row] = await engine.pool.rows(sql('test.released')`
    select e.input_data, e.scheduled_for, e.fire_key, e.trigger_data ->> 'slot' as slot,
      f.execution_id = e.id as recorded, f.decided_at > f.buffered_at as waited,
      (select count(*) from pgboss.job j where j.id = e.id) as jobs
    from public.executions e join public.trigger_fires f using (trigger_id, fire_key) where e.id = ${fired[0]?.executionId}`)
  expect(row).toEqual({
    input_data: { who: 'you' },
    scheduled_for: second?.from,
    fire_key: second?.key,
    slot: second?.from?.toISOString(),
    recorded: true,
    waited: true,
    jobs: 1,
  })
})

test('a request that waits keeps its input, and its key stands for one execution', async () => {
  const { id } = await triggers.create('manual', { overlap: 'buffer_all', input: { a: 1, b: 1 } })
  const ask = (key: string, b: number) =>
    fireManually(triggers.arm, { triggerId: id, input: { b }, scope: 'test', key })
  await ask('first', 1)
  expect(await ask('second', 2)).toMatchObject({ disposition: 'buffered', executionId: null, repeated: false })
  expect(await ask('second', 2)).toMatchObject({ disposition: 'buffered', executionId: null, repeated: true })
  await end((await openOf(id))[0])
  await release(triggers.arm, [id])
  const again = await ask('second', 2)
  expect(again).toMatchObject({ disposition: 'fired', repeated: true })
  const [row] = await engine.pool.rows(sql('test.carried')`
    select e.input_data as input, f.carried from public.executions e join public.trigger_fires f on f.execution_id = e.id
    where e.id = ${again.executionId}`)
  expect(row).toEqual({ input: { a: 1, b: 2 }, carried: null })
  expect(await triggers.countExecutions(id)).toBe(2)
})

test('history says how long a fire waited', async () => {
  const id = await meetFive({ overlap: 'buffer_one' })
  await end((await openOf(id))[0])
  await release(triggers.arm, [id])
  const entries = await triggerHistory(engine.pool, id, { limit: 10 })
  expect(entries.filter(one => one.bufferedAt !== null)).toMatchObject([{ disposition: 'fired' }])
})

test('a trigger that is out of service keeps what waits, and starts it when it is back', async () => {
  const id = await meetFive({ overlap: 'buffer_one' })
  await disableTrigger(triggers.arm, id)
  await end((await openOf(id))[0])
  await release(triggers.arm, [id])
  expect(await fates(id)).toBe('fbsss')
  await enableTrigger(triggers.arm, id)
  await release(triggers.arm, [id])
  expect(await fates(id)).toBe('ffsss')
})

test('what waits when the policy is edited still fires, under the new one', async () => {
  const id = await meetFive({ overlap: 'buffer_all' })
  await engine.pool.transaction(tx => editTrigger(tx, triggers.arm, { id, change: { config: hourly } }))
  await release(triggers.arm, [id])
  expect(await fates(id)).toBe('fffff')
})

test('what waits when the trigger is removed is recorded as skipped', async () => {
  const id = await meetFive({ overlap: 'buffer_all' })
  await engine.pool.transaction(tx => removeTriggers(tx, triggers.arm, [id]))
  expect((await triggers.ledger(id)).map(line => line.reason)).toEqual([null, ...Array(4).fill('removed')])
})

test('the end of an execution is told to whoever releases, if its trigger limits how many there are', async () => {
  const told: string[] = []
  const { pool } = await createTestDatabase()
  const own = await createTestEngine(pool, {}, { onEnded: ({ triggerIds }) => told.push(...triggerIds) })
  const { arm, create } = await createTestTriggers(own)
  const runner = own.runner()
  await runner.start()
  const [limited, free] = [await create('manual', { overlap: 'skip' }), await create('manual', {})]
  for (const { id } of [free, limited]) {
    const { executionId } = await fireManually(arm, { triggerId: id, input: {}, scope: 'test' })
    await own.ended(executionId ?? '')
  }
  expect(told).toEqual([limited.id])
  await runner.stop()
  await own.stop()
})

test('to make room, as many executions as wait are named, the oldest first', async () => {
  const id = await meetFive({ overlap: 'cancel_running', concurrency: 3 })
  const [first] = await openOf(id)
  expect((await release(triggers.arm, [id])).crowded).toEqual([{ id: first, triggerId: id }])
  await end(first)
  expect((await release(triggers.arm, [id])).crowded).toEqual([])
})

test('a sweep finds what waits though nobody tells', async () => {
  const ids = [await meetFive({ overlap: 'buffer_one' }), await meetFive({ overlap: 'buffer_all', concurrency: 4 })]
  for (const id of ids) await end((await openOf(id))[0])
  const started = Promise.withResolvers<void>()
  const releaser = createReleaser({ ...triggers.poller, onFired: started.resolve })
  await releaser.start()
  await started.promise
  await releaser.stop()
  expect(await Promise.all(ids.map(fates))).toEqual(['ffsss', 'fffff'])
})

test('a trigger that somebody else holds is asked for again, one that is gone is not', async () => {
  const id = await meetFive({ overlap: 'buffer_one' })
  await end((await openOf(id))[0])
  await engine.pool.transaction(async tx => {
    await tx.rows(sql('test.hold')`select pg_advisory_xact_lock(hashtextextended(${id}, 1))`)
    const gone = engine.ids.next()
    expect(await release(triggers.arm, [id, gone])).toMatchObject({ fired: [], again: [id] })
  })
  expect((await release(triggers.arm, [id])).fired).toHaveLength(1)
})

test('four pollers and releasers at once never exceed the limit and never lose what waits', async () => {
  const plans = fc.record({
    overlap: fc.constantFrom('buffer_one', 'buffer_all'),
    concurrency: fc.integer({ min: 1, max: 3 }),
    seconds: fc.integer({ min: 1, max: 20 }),
    requests: fc.nat(3),
  })
  await fc.assert(
    fc.asyncProperty(plans, async ({ overlap, concurrency, seconds, requests }) => {
      const { id } = await triggers.create('interval', { ...everySecond, overlap, concurrency })
      await triggers.makeOverdue([id], seconds * 1_000)
      let most = 0
      const look = async (): Promise<string[]> => {
        const open = await openOf(id)
        most = Math.max(most, open.length)
        return open
      }
      const poll = async (): Promise<void> => {
        for (let i = 0; i < 3; i++) {
          await tick(triggers.poller)
          await release(triggers.arm, [id])
          await end((await look())[0])
          await release(triggers.arm, [id])
        }
      }
      const ask = async (): Promise<void> => {
        for (let i = 0; i < requests; i++) await fireManually(triggers.arm, { triggerId: id, input: {}, scope: 'test' })
      }
      await Promise.all([poll(), poll(), poll(), poll(), ask()])
      await disableTrigger(triggers.arm, id)
      const before = await triggers.ledger(id)
      // A trigger out of service releases nothing, so it goes back on, with nothing owed for an hour.
      const later = { ...hourly, overlap, concurrency }
      const change = { enabled: true, config: later }
      await engine.pool.transaction(tx => editTrigger(tx, triggers.arm, { id, change }))
      for (;;) {
        await release(triggers.arm, [id])
        const [first] = await look()
        if (first === undefined) break
        await end(first)
      }
      const after = await triggers.ledger(id)
      expect(most).toBeLessThanOrEqual(concurrency)
      expect(after.filter(line => line.disposition === 'buffered')).toEqual([])
      const bound = before.filter(line => line.disposition !== 'skipped').map(line => line.key)
      expect(new Set(after.filter(line => line.disposition === 'fired').map(line => line.key))).toEqual(new Set(bound))
      expect(await triggers.countExecutions(id)).toBe(bound.length)
      await engine.pool.transaction(tx => removeTriggers(tx, triggers.arm, [id]))
    }),
    { numRuns: 15 },
  )
}, 120_000)
