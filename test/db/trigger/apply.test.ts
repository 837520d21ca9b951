import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Tx } from '../../../src/db/pool.ts'
import type { Statement } from '../../../src/db/sql.ts'
import { applyDocument } from '../../../src/trigger/apply.ts'
import { disableTrigger } from '../../../src/trigger/arm.ts'
import { findTrigger } from '../../../src/trigger/find.ts'
import type { WorkflowDocument } from '../../../src/workflow/workflow.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, documentOf, type TestEngine } from '../../support/engine.ts'
import { createTestTriggers, type TestTriggers } from '../../support/triggers.ts'

let engine: TestEngine
let triggers: TestTriggers

beforeAll(async () => {
  engine = await createTestEngine((await createTestDatabase()).pool)
  triggers = await createTestTriggers(engine)
})
afterAll(() => engine.stop())

test('a document that does not say whether a trigger is enabled leaves it as an operator set it a moment ago', async () => {
  const document: WorkflowDocument = {
    name: 'raced',
    description: null,
    variables: {},
    settings: {},
    ...documentOf(['a']),
    triggers: [{ key: 't', name: 't', type: 'interval', config: { every: '1h' } }],
  }
  const apply = (tx: Tx) => applyDocument(tx, triggers.arm, { document, prune: false })
  await engine.pool.transaction(apply)
  const { id } = await findTrigger(engine.pool, 'raced/t')
  await engine.pool.transaction(tx =>
    apply({
      ...tx,
      // The operator comes after the apply has looked and before it changes.
      rows: async <R>(statement: Statement) => {
        const rows = await tx.rows<R>(statement)
        if (statement.name === 'trigger.loadOf') await disableTrigger(triggers.arm, id)
        return rows
      },
    }),
  )
  expect(await findTrigger(engine.pool, 'raced/t')).toMatchObject({ enabled: false })
})
