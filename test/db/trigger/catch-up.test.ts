// What becomes of the slots of an hour in which no daemon ran, by policy: a slot every ten minutes, the last one now.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json.ts'
import { sql } from '../../../src/db/sql.ts'
import { editTrigger } from '../../../src/trigger/arm.ts'
import { tick } from '../../../src/trigger/poller.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, type TestEngine } from '../../support/engine.ts'
import { createTestTriggers, type TestTriggers } from '../../support/triggers.ts'

const HOUR = 3_600_000

let engine: TestEngine
let triggers: TestTriggers

beforeAll(async () => {
  engine = await createTestEngine((await createTestDatabase()).pool)
  triggers = await createTestTriggers(engine)
})
afterAll(() => engine.stop())

/** A trigger whose seven slots of the last hour nobody has disposed of. */
async function afterAnHour(config: JsonObject): Promise<string> {
  const [row] = await engine.pool.rows<{ now: Date }>(sql('test.now')`select date_trunc('second', now()) as now`)
  const first = new Date((row?.now.getTime() ?? 0) - HOUR)
  const { id } = await triggers.create('interval', { every: '10m', anchor: first.toISOString(), ...config })
  await engine.pool.run(sql('test.down')`
    update public.trigger_cursors set next_fire_at = ${first} where trigger_id = ${id}`)
  return id
}

/** In the order of the slots: f(ired), c(oalesced), s(kipped), b(uffered). */
async function fates(triggerId: string): Promise<string> {
  return (await triggers.ledger(triggerId)).map(line => line.disposition.charAt(0).repeat(line.slots)).join('')
}

async function catchUp(): Promise<void> {
  while ((await tick(triggers.poller)).claimed > 0) {}
}

const cases: [JsonObject, string][] = [
  [{}, 'cccccff'],
  [{ misfire: { policy: 'skip' } }, 'ssssssf'],
  [{ misfire: { policy: 'fire_once' } }, 'cccccff'],
  [{ misfire: { policy: 'fire_all' } }, 'fffffff'],
  [{ misfire: { policy: 'fire_all', max: 2 } }, 'ssssfff'],
  [{ misfire: { policy: 'skip', threshold: '25m' } }, 'ssssfff'],
  [{ misfire: { policy: 'fire_once', threshold: '2h' } }, 'fffffff'],
  [{ misfire: { policy: 'fire_once', catch_up_window: '25m' } }, 'sssscff'],
  [{ misfire: { policy: 'fire_all', catch_up_window: '25m' } }, 'ssssfff'],
  [{ misfire: { policy: 'fire_all', catch_up_window: '25m', max: 1 } }, 'sssssff'],
  [{ misfire: { policy: 'skip', catch_up_window: '25m' } }, 'ssssssf'],
  [{ misfire: { policy: 'fire_all' }, overlap: 'skip' }, 'fssssss'],
  [{ misfire: { policy: 'fire_all' }, overlap: 'buffer_one' }, 'fbsssss'],
  [{ misfire: { policy: 'fire_all' }, overlap: 'buffer_all' }, 'fbbbbbb'],
  [{ misfire: { policy: 'fire_all' }, overlap: 'buffer_all', concurrency: 3, buffer: 2 }, 'fffbbss'],
  [{ misfire: { policy: 'fire_once' }, overlap: 'buffer_all' }, 'cccccfb'],
  [{ misfire: { policy: 'fire_all' }, cooldown: '5m' }, 'fssssss'],
  [{ misfire: { policy: 'fire_all' }, max_fires: 3 }, 'fffssss'],
]

test.each(cases)('after an hour %j makes %s', async (config, expected) => {
  const id = await afterAnHour(config)
  await catchUp()
  expect(await fates(id)).toBe(expected)
  expect(await triggers.countExecutions(id)).toBe([...expected].filter(fate => fate === 'f').length)
})

test.each(cases)('the same if an edit of %j finds the slots first', async (config, expected) => {
  const id = await afterAnHour(config)
  const change = { config: { ...config, every: '10m', input: { edited: true } } }
  await engine.pool.transaction(tx => editTrigger(tx, triggers.arm, { id, change }))
  expect(await fates(id)).toBe(expected)
})

test('the same hour caught up by four daemons at once has each slot once', async () => {
  const ids = await Promise.all(cases.map(([config]) => afterAnHour(config)))
  await Promise.all([catchUp(), catchUp(), catchUp(), catchUp()])
  expect(await Promise.all(ids.map(fates))).toEqual(cases.map(([, expected]) => expected))
  expect(await engine.violations()).toEqual([])
})
