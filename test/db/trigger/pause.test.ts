import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json.ts'
import { sql } from '../../../src/db/sql.ts'
import { applyDocument } from '../../../src/trigger/apply.ts'
import { disableTrigger, editTrigger } from '../../../src/trigger/arm.ts'
import { findTrigger } from '../../../src/trigger/find.ts'
import { fireManually } from '../../../src/trigger/fire-manually.ts'
import { explainTrigger } from '../../../src/trigger/look-back.ts'
import { pauseFailing, pauseTrigger, resumeTrigger } from '../../../src/trigger/pause.ts'
import { tick } from '../../../src/trigger/poller.ts'
import { createReleaser, release } from '../../../src/trigger/release.ts'
import { loadCooldowns } from '../../../src/trigger/start-store.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, documentOf, type TestEngine } from '../../support/engine.ts'
import { createTestTriggers, type TestTriggers } from '../../support/triggers.ts'

const everySecond = { every: '1s', anchor: '2026-01-01T00:00:00Z' }
const ADA = { by: 'cli:ada', note: 'for the move' }

let engine: TestEngine
let triggers: TestTriggers

beforeAll(async () => {
  engine = await createTestEngine((await createTestDatabase()).pool)
  triggers = await createTestTriggers(engine)
})
afterAll(() => engine.stop())

const fire = (triggerId: string) => fireManually(triggers.arm, { triggerId, input: {}, scope: 'test' })

test('pausing disposes of what was owed, drops the cursor and keeps who and why', async () => {
  const { id } = await triggers.create('interval', everySecond)
  await triggers.makeOverdue([id], 3_000)
  await pauseTrigger(triggers.arm, { id, ...ADA })
  const fired = await triggers.countExecutions(id)
  expect(fired).toBeGreaterThanOrEqual(4)
  expect(await triggers.cursor(id)).toBeUndefined()
  expect(await findTrigger(engine.pool, id)).toMatchObject({
    enabled: true,
    pausedBy: 'cli:ada',
    pauseNote: 'for the move',
  })
  await tick(triggers.poller)
  expect(await triggers.countExecutions(id)).toBe(fired)
})

test('resumed, it goes on with its next slot', async () => {
  const { id } = await triggers.create('interval', everySecond)
  await pauseTrigger(triggers.arm, { id, ...ADA })
  await resumeTrigger(triggers.arm, id)
  expect(await findTrigger(engine.pool, id)).toMatchObject({ pausedAt: null, pausedBy: null, pauseNote: null })
  expect((await triggers.cursor(id))?.getTime()).toBeGreaterThan(Date.now() - 5_000)
})

test('a paused trigger refuses to be fired, and says who paused it and why', async () => {
  const { id } = await triggers.create('manual', {})
  await pauseTrigger(triggers.arm, { id, ...ADA })
  await expect(fire(id)).rejects.toMatchObject({
    code: 'TRIGGER_PAUSED',
    message: expect.stringContaining('paused by cli:ada: for the move'),
  })
})

test('the time it was paused is explained from the rules it had, without rows', async () => {
  const { id } = await triggers.create('interval', { ...everySecond, every: '1h' })
  await pauseTrigger(triggers.arm, { id, ...ADA })
  const next = Math.ceil(Date.now() / 3_600_000) * 3_600_000 + 3_600_000
  const explain = async () => {
    const { explanations } = await explainTrigger(engine.pool, id, () => ({ kind: 'instants', at: [next] }))
    return explanations[0]
  }
  expect(await explain()).toMatchObject({ reason: 'paused', text: expect.stringContaining('for the move') })
  await resumeTrigger(triggers.arm, id)
  expect(await explain()).toMatchObject({ outcome: 'will_fire', rule: { spec_version: 3 } })
  expect(await triggers.ledger(id)).toEqual([])
})

test('no document resumes what was paused, and what it enables stays paused', async () => {
  const document = {
    ...{ name: 'held', description: null, variables: {}, settings: {}, ...documentOf(['a']) },
    triggers: [{ key: 't', name: 't', type: 'interval', config: everySecond, enabled: true }],
  }
  const apply = () => engine.pool.transaction(tx => applyDocument(tx, triggers.arm, { document, prune: false }))
  await apply()
  const { id } = await findTrigger(engine.pool, 'held/t')
  await pauseTrigger(triggers.arm, { id, ...ADA })
  await disableTrigger(triggers.arm, id)
  await apply()
  expect(await findTrigger(engine.pool, id)).toMatchObject({ enabled: true, pausedBy: 'cli:ada' })
  expect(await triggers.cursor(id)).toBeUndefined()
})

const create = (more: JsonObject = {}) => triggers.create('manual', { pause_after_failures: 3, ...more })
/** Executions of the trigger that end so, one after the other. */
async function ends(triggerId: string, statuses: string): Promise<void> {
  for (const status of statuses) {
    const { executionId } = await fire(triggerId)
    await engine.pool.run(sql('test.end')`
      update public.executions set started_at = now(), completed_at = clock_timestamp(),
        status = ${{ f: 'failed', c: 'completed', x: 'cancelled' }[status]}, error = ${status === 'f' ? 'broken' : null}
      where id = ${executionId}`)
  }
}
const pausedBy = async (id: string) => (await findTrigger(engine.pool, id)).pausedBy

describe('pause_after_failures', () => {
  test.each([
    ['ff', null],
    ['fff', 'mbflow'],
    ['ffcff', null],
    ['cfff', 'mbflow'],
    ['fxfxf', 'mbflow'],
    ['ffcxfff', 'mbflow'],
  ])('after %s it is paused by %s', async (statuses, by) => {
    const { id } = await create()
    await ends(id, statuses)
    await pauseFailing(triggers.arm, id)
    expect(await pausedBy(id)).toBe(by)
  })

  test('its note says how many failed', async () => {
    const { id } = await create()
    await ends(id, 'fff')
    await pauseFailing(triggers.arm, id)
    expect((await findTrigger(engine.pool, id)).pauseNote).toBe('3 executions in a row failed (pause_after_failures)')
  })

  test('the next failures are counted anew when it is resumed, or edited', async () => {
    const { id } = await create()
    await ends(id, 'fff')
    await pauseFailing(triggers.arm, id)
    await resumeTrigger(triggers.arm, id)
    await ends(id, 'ff')
    await pauseFailing(triggers.arm, id)
    expect(await pausedBy(id)).toBeNull()
    const change = { config: { pause_after_failures: 3, input: { mended: true } } }
    await engine.pool.transaction(tx => editTrigger(tx, triggers.arm, { id, change }))
    await ends(id, 'ff')
    await pauseFailing(triggers.arm, id)
    expect(await pausedBy(id)).toBeNull()
    await ends(id, 'f')
    await pauseFailing(triggers.arm, id)
    expect(await pausedBy(id)).toBe('mbflow')
  })

  test('it is paused by the first who hears of the last failure', async () => {
    const { id } = await create()
    await ends(id, 'fff')
    expect((await release(triggers.arm, [id])).failing).toEqual([id])
    const releaser = createReleaser(triggers.poller)
    await releaser.start()
    releaser.tell([id])
    while ((await pausedBy(id)) === null) {}
    await releaser.stop()
    expect(await pausedBy(id)).toBe('mbflow')
  })

  test('if nobody heard of it, the next slot is skipped and finds it out', async () => {
    const { id } = await triggers.create('interval', { ...everySecond, pause_after_failures: 1 })
    await ends(id, 'f')
    await triggers.makeOverdue([id], 2_000)
    await tick(triggers.poller)
    const slots = (await triggers.ledger(id)).filter(line => line.key.startsWith('slot:'))
    expect(new Set(slots.map(line => line.reason))).toEqual(new Set(['paused']))
    expect(slots.reduce((sum, line) => sum + line.slots, 0)).toBeGreaterThanOrEqual(3)
    expect(await pausedBy(id)).toBe('mbflow')
    expect(await triggers.cursor(id)).toBeUndefined()
  })

  test('what waits goes on waiting', async () => {
    const { id } = await create({ overlap: 'buffer_all', pause_after_failures: 1 })
    const first = await fire(id)
    await fire(id)
    await engine.pool.run(sql('test.fail')`
      update public.executions set started_at = now(), completed_at = now(), status = 'failed', error = 'broken'
      where id = ${first.executionId}`)
    expect((await release(triggers.arm, [id])).fired).toEqual([])
    await pauseFailing(triggers.arm, id)
    await resumeTrigger(triggers.arm, id)
    expect((await release(triggers.arm, [id])).fired).toHaveLength(1)
  })
})

describe('cooldown', () => {
  test('a request too soon after a fire is skipped, and one after the rest is not', async () => {
    const { id } = await triggers.create('manual', { cooldown: '1h' })
    expect((await fire(id)).disposition).toBe('fired')
    expect(await fire(id)).toMatchObject({ disposition: 'skipped', reason: 'cooldown', executionId: null })
    await engine.pool.run(sql('test.rested')`
      update public.triggers set cooldown_until = now() - interval '1 second' where id = ${id}`)
    expect((await fire(id)).disposition).toBe('fired')
  })

  test('slots that come too soon are one run, and what is on time counts from its slot', async () => {
    const { id } = await triggers.create('interval', { ...everySecond, cooldown: '10s' })
    await triggers.makeOverdue([id], 15_000)
    await tick(triggers.poller)
    const ledger = await triggers.ledger(id)
    expect(ledger.map(({ disposition, reason }) => [disposition, reason])).toEqual([
      ['fired', null],
      ['skipped', 'cooldown'],
      ['fired', null],
      ['skipped', 'cooldown'],
    ])
    expect(ledger[1]?.slots).toBe(9)
    expect((await loadCooldowns(engine.pool, [id])).get(id)).toBe((ledger[2]?.from?.getTime() ?? 0) + 10_000)
  })

  test('what waits starts no sooner than the rest is over', async () => {
    const { id } = await triggers.create('manual', { cooldown: '1h', overlap: 'buffer_all' })
    const { executionId } = await fire(id)
    const rested = sql('test.rested2')`update public.triggers set cooldown_until = now() where id = ${id}`
    await engine.pool.run(rested)
    expect((await fire(id)).disposition).toBe('buffered')
    await engine.pool.run(sql('test.rests')`
      update public.triggers set cooldown_until = now() + interval '1 hour' where id = ${id}`)
    await engine.pool.run(sql('test.over')`
      update public.executions set started_at = now(), completed_at = now(), status = 'completed' where id = ${executionId}`)
    expect((await release(triggers.arm, [id])).fired).toEqual([])
    await engine.pool.run(rested)
    expect((await release(triggers.arm, [id])).fired).toHaveLength(1)
    expect((await loadCooldowns(engine.pool, [id])).get(id)).toBeGreaterThan(Date.now() + 3_000_000)
  })

  test('a changed cooldown counts from the next fire on', async () => {
    const { id } = await triggers.create('manual', { cooldown: '1h' })
    await fire(id)
    await engine.pool.transaction(tx => editTrigger(tx, triggers.arm, { id, change: { config: { cooldown: '2h' } } }))
    expect((await fire(id)).disposition).toBe('fired')
    expect((await fire(id)).disposition).toBe('skipped')
  })
})
