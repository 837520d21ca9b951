// Previews, simulations and forecasts of triggers on a real database.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { check } from '../../../src/trigger/apply-files.ts'
import { disableTrigger } from '../../../src/trigger/arm.ts'
import { forecastLoad } from '../../../src/trigger/load-forecast.ts'
import { preview } from '../../../src/trigger/preview.ts'
import { loadDocumentDraft, loadEdited, loadSubject } from '../../../src/trigger/subject.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, type TestEngine } from '../../support/engine.ts'
import { createTestTriggers, type TestTriggers } from '../../support/triggers.ts'

const DAY_MS = 86_400_000
const hourly = { every: '1h', anchor: '2026-01-01T00:00:00Z' }

let engine: TestEngine
let triggers: TestTriggers

beforeAll(async () => {
  engine = await createTestEngine((await createTestDatabase()).pool)
  triggers = await createTestTriggers(engine)
})
afterAll(() => engine.stop())

test('the first slot that is previewed is the one the cursor waits for', async () => {
  const { id } = await triggers.create('interval', hourly)
  const { trigger, prospect } = await loadSubject(engine.pool, id)
  const { slots } = preview(trigger, prospect, { from: prospect.now, count: 1, provisional: false })
  expect(slots[0]?.slot).toEqual(await triggers.cursor(id))
})

const documentOf = (key: string, exclude: string) =>
  check(`
name: fired
nodes: [{ key: a, type: transform }]
triggers: [{ key: ${key}, type: interval, config: { every: 2h, exclude: [${exclude}] } }]
`)

test('a document that names a trigger that is there edits that one', async () => {
  const { id, anchorAt } = await triggers.create('interval', hourly, 'edited')
  const documents = documentOf('edited', '{ weekdays: [SUN] }')
  const draft = await loadDocumentDraft(engine.pool, { documents, word: undefined })
  expect(draft.trigger).toMatchObject({ id, anchorAt, config: { every: '2h' } })
  expect(draft.present?.trigger.config).toEqual(hourly)
})

test('a document with a trigger that is not there would create it', async () => {
  const documents = documentOf('not-yet', '{ weekdays: [SUN] }')
  expect(await loadDocumentDraft(engine.pool, { documents, word: 'not-yet' })).toMatchObject({
    present: null,
    trigger: { enabled: true, workflowName: 'fired' },
  })
})

test('a calendar that is neither there nor in the documents is an error', async () => {
  const documents = documentOf('not-yet', 'gone')
  await expect(loadDocumentDraft(engine.pool, { documents, word: undefined })).rejects.toMatchObject({
    code: 'DOCUMENT_INVALID',
  })
})

test('a trigger that is not in the documents is an error with a guess', async () => {
  const documents = documentOf('not-yet', '{ weekdays: [SUN] }')
  await expect(loadDocumentDraft(engine.pool, { documents, word: 'not-yte' })).rejects.toMatchObject({
    code: 'TRIGGER_NOT_FOUND',
    hint: 'did you mean not-yet?',
  })
})

test('an edit that makes no rule is refused with its problem', async () => {
  const { id } = await triggers.create('interval', hourly)
  const edit = () => ({ every: 'often' })
  await expect(loadEdited(engine.pool, { word: id, edit })).rejects.toMatchObject({
    code: 'DOCUMENT_INVALID',
    problems: [{ path: expect.stringContaining('every') }],
  })
})

test('a forecast counts the triggers that are enabled', async () => {
  const before = await forecastLoad(engine.pool, { worst: 1 })
  await triggers.create('interval', hourly)
  const { id } = await triggers.create('interval', hourly)
  await disableTrigger(triggers.arm, id)
  const from = before.from.getTime()
  const after = await forecastLoad(engine.pool, { from, until: from + DAY_MS, worst: 1 })
  expect([after.triggers - before.triggers, after.fires - before.fires]).toEqual([1, 24])
})
