import { afterAll, beforeAll, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/base/json.ts'
import { sql } from '../../../src/db/sql.ts'
import { applyDocument } from '../../../src/trigger/apply.ts'
import { type AllApplied, applyAll, check } from '../../../src/trigger/apply-files.ts'
import { editTrigger } from '../../../src/trigger/arm.ts'
import { deleteCalendar, listCalendars, requireCalendars } from '../../../src/trigger/calendars.ts'
import { fireManually } from '../../../src/trigger/fire-manually.ts'
import { tick } from '../../../src/trigger/poller.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, type TestEngine } from '../../support/engine.ts'
import { createTestTriggers, type TestTriggers } from '../../support/triggers.ts'

const HOUR = 3_600_000
const hourly = { every: '1h', anchor: '2026-01-01T00:00:00Z', misfire: { policy: 'fire_all' } }

let engine: TestEngine
let triggers: TestTriggers

beforeAll(async () => {
  engine = await createTestEngine((await createTestDatabase()).pool)
  triggers = await createTestTriggers(engine)
})
afterAll(() => engine.stop())

function apply(text: string, dryRun = false): Promise<AllApplied> {
  const { problems, ...documents } = check(text)
  expect(problems).toEqual([])
  return applyAll(triggers.arm, { documents, prune: false, dryRun })
}

const calendar = (name: string, dates: string): string => `kind: calendar\nname: ${name}\ndates: [${dates}]\n`
const workflow = (name: string, exclude: string): string =>
  `name: ${name}\nnodes: [{ key: a, type: transform }]\n` +
  `triggers: [{ key: t, type: cron, config: { schedule: "@daily", exclude: [${exclude}] } }]\n`

/** Every day of every year. */
const ALWAYS = '{ from: 01-01, to: 12-31 }'
const NEVER = '1999-12-31'

async function catchUp(): Promise<void> {
  while ((await tick(triggers.poller)).claimed > 0) {}
}

async function outcomes(triggerId: string): Promise<string[]> {
  const lines = await triggers.ledger(triggerId)
  return lines.map(({ disposition, reason, slots }) => `${disposition} ${reason} ${slots}`)
}

test('a calendar is created, left as it is, and changed', async () => {
  const changes: unknown[] = []
  for (const dates of ['12-25', '12-25', '12-26']) changes.push(...(await apply(calendar('once', dates))).calendars)
  expect(changes).toEqual([
    { calendar: 'once', change: 'created' },
    { calendar: 'once', change: 'unchanged' },
    { calendar: 'once', change: 'changed' },
  ])
})

test('a dry run says what would become of a calendar, and leaves it', async () => {
  expect((await apply(calendar('tried', '12-25'), true)).calendars).toEqual([{ calendar: 'tried', change: 'created' }])
  expect((await apply(calendar('tried', '12-25'), true)).calendars).toEqual([{ calendar: 'tried', change: 'created' }])
})

test('a trigger may name a calendar that comes with it', async () => {
  const { workflows } = await apply(`${workflow('with', 'beside')}---\n${calendar('beside', '12-25')}`)
  expect(workflows[0]?.triggers).toEqual([{ key: 't', change: 'created' }])
})

test('a trigger that names a calendar that is not there is refused, with the one that may be meant', async () => {
  await apply(calendar('holidays', '12-25'))
  await expect(apply(`${workflow('without', 'holydays')}---\n${calendar('refused', '12-25')}`)).rejects.toMatchObject({
    code: 'DOCUMENT_INVALID',
    problems: [{ path: 'without/t', message: 'there is no calendar "holydays"', hint: 'did you mean "holidays"?' }],
  })
  expect((await apply(calendar('refused', '12-25'))).calendars).toEqual([{ calendar: 'refused', change: 'created' }])
})

test('excluded slots are skipped in one row, and the trigger goes on with the next slot', async () => {
  await apply(calendar('always', ALWAYS))
  const trigger = await triggers.create('interval', { ...hourly, exclude: ['always'] })
  await triggers.makeOverdue([trigger.id], 3 * HOUR)
  await catchUp()
  expect(await outcomes(trigger.id)).toEqual(['skipped excluded 3'])
  expect(await triggers.countExecutions(trigger.id)).toBe(0)
  expect((await triggers.cursor(trigger.id))?.getTime()).toBeGreaterThan(Date.now())
})

test('a changed calendar counts for the slots that are still to come', async () => {
  await apply(calendar('changing', ALWAYS))
  const trigger = await triggers.create('interval', { ...hourly, exclude: ['changing'] })
  await apply(calendar('changing', NEVER))
  await triggers.makeOverdue([trigger.id], HOUR)
  await catchUp()
  expect(await outcomes(trigger.id)).toEqual(['fired null 1'])
})

test('an edit disposes of what is owed by the calendars the old rule names', async () => {
  await apply(calendar('ever', ALWAYS))
  const trigger = await triggers.create('interval', { ...hourly, exclude: ['ever'] })
  await triggers.makeOverdue([trigger.id], HOUR)
  await engine.pool.transaction(tx => editTrigger(tx, triggers.arm, { id: trigger.id, change: { config: hourly } }))
  expect(await outcomes(trigger.id)).toEqual(['skipped excluded 1'])
})

test('a calendar that a trigger names is not deleted', async () => {
  await apply(`${calendar('used', '12-25')}---\n${workflow('user', 'used')}`)
  await expect(deleteCalendar(engine.pool, 'used')).rejects.toMatchObject({
    code: 'REFUSED',
    message: 'the calendar used is named by user/t',
  })
})

test('a calendar that no trigger names is deleted', async () => {
  await apply(calendar('unused', '12-25'))
  const isListed = async () => (await listCalendars(engine.pool)).some(({ name }) => name === 'unused')
  expect(await isListed()).toBe(true)
  await deleteCalendar(engine.pool, 'unused')
  expect(await isListed()).toBe(false)
  await expect(deleteCalendar(engine.pool, 'unused')).rejects.toMatchObject({
    code: 'CALENDAR_NOT_FOUND',
    hint: 'did you mean used?',
  })
})

test('a calendar is not deleted while a trigger that names it is being applied', async () => {
  await apply(calendar('raced', '12-25'))
  const { workflows } = check(workflow('racing', 'raced'))
  const [document] = workflows
  if (document === undefined) throw new Error('no document')
  let deletion: Promise<unknown> | undefined
  await engine.pool.transaction(async tx => {
    await requireCalendars(tx, [{ key: 'racing/t', config: { exclude: ['raced'] } }])
    deletion = deleteCalendar(engine.pool, 'raced').catch(error => error)
    await applyDocument(tx, triggers.arm, { document, prune: false })
  })
  expect(await deletion).toMatchObject({ code: 'REFUSED' })
})

test('a list of calendars counts the triggers that name each', async () => {
  await apply(`${calendar('counted', '12-25')}---\n${workflow('one', 'counted')}---\n${workflow('two', 'counted')}`)
  const listed = (await listCalendars(engine.pool)).find(({ name }) => name === 'counted')
  expect(listed).toMatchObject({ form: { dates: ['12-25'] }, triggerCount: 2 })
})

test('a trigger whose calendar was removed behind our back is disarmed, and says so', async () => {
  await apply(calendar('removed', ALWAYS))
  const trigger = await triggers.create('interval', { ...hourly, exclude: ['removed'] })
  await engine.pool.run(sql('test.remove')`delete from public.calendars where name = 'removed'`)
  await triggers.makeOverdue([trigger.id], HOUR)
  await catchUp()
  const [row] = await engine.pool.rows(sql('test.note')`
    select paused_by as by, pause_note as note from public.triggers where id = ${trigger.id}`)
  expect(row).toEqual({ by: 'mbflow', note: 'disarmed: there is no calendar "removed"' })
})

test('a trigger fires as often as it may, then the rest says why there are no more', async () => {
  const trigger = await triggers.create('interval', { ...hourly, max_fires: 2 })
  await fireManually(triggers.arm, { triggerId: trigger.id, input: {}, scope: 'test' }) // does not count
  await triggers.makeOverdue([trigger.id], 5 * HOUR)
  await catchUp()
  const ofSlots = (await outcomes(trigger.id)).filter((_, i) => i < 3)
  expect(ofSlots).toEqual(['fired null 1', 'fired null 1', 'skipped limit 3'])
  expect(await triggers.cursor(trigger.id)).toBeUndefined()
})

test('what was fired before counts, and raising the limit sets the schedule going again', async () => {
  const trigger = await triggers.create('interval', { ...hourly, max_fires: 1 })
  await triggers.makeOverdue([trigger.id], 5 * HOUR)
  await catchUp()
  const edit = (config: JsonObject) =>
    engine.pool.transaction(tx => editTrigger(tx, triggers.arm, { id: trigger.id, change: { config } }))
  const anchor = '2026-01-01T00:30:00Z' // slots of its own
  await edit({ ...hourly, anchor, max_fires: 3 })
  expect((await triggers.cursor(trigger.id))?.getTime()).toBeGreaterThan(Date.now())
  await triggers.makeOverdue([trigger.id], 5 * HOUR)
  await catchUp()
  expect((await outcomes(trigger.id)).toSorted()).toEqual([
    'fired null 1',
    'fired null 1',
    'fired null 1',
    'skipped limit 3',
    'skipped limit 4',
  ])
})
