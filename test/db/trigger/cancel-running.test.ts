// overlap: cancel_running with real executions: what runs is cancelled for what waits.
import { expect, onTestFinished, test } from 'vitest'
import { sql } from '../../../src/db/sql.ts'
import type { NodeContext, Outcome } from '../../../src/node/node-type.ts'
import { fireManually } from '../../../src/trigger/fire-manually.ts'
import { createReleaser } from '../../../src/trigger/release.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, scripted, type TestEngine } from '../../support/engine.ts'
import { createTestTriggers } from '../../support/triggers.ts'

/** A trigger whose executions hang until they are cancelled. */
async function scene() {
  const begun: string[] = []
  const waiters: (() => void)[] = []
  const hang = ({ signal, log }: NodeContext): Promise<Outcome> =>
    new Promise((_, reject) => {
      begun.push(String(log.bindings().executionId))
      for (const waiter of waiters.splice(0)) waiter()
      signal.addEventListener('abort', () => reject(signal.reason))
    })
  const told: { tell(ids: readonly string[]): void } = { tell: () => {} }
  const { pool } = await createTestDatabase()
  const engine = await createTestEngine(
    pool,
    { nodeTypes: scripted(hang) },
    { onEnded: ({ triggerIds }) => told.tell(triggerIds) },
  )
  const triggers = await createTestTriggers(engine)
  const runner = engine.runner()
  const releaser = createReleaser({ ...triggers.poller, onFired: runner.wake })
  told.tell = releaser.tell
  onTestFinished(async () => {
    await releaser.stop()
    await runner.stop()
    await engine.stop()
  })
  const { id } = await triggers.create('manual', { overlap: 'cancel_running' })
  return {
    engine,
    triggers,
    runner,
    releaser,
    id,
    fire: () => fireManually(triggers.arm, { triggerId: id, input: {}, scope: 'test' }),
    /** Resolves once so many attempts have begun. */
    async began(count: number): Promise<void> {
      while (begun.length < count) await new Promise<void>(resolve => waiters.push(resolve))
    },
  }
}

async function asked(engine: TestEngine, executionId: string | null): Promise<string[]> {
  const events = await engine.eventLog.read(executionId ?? '')
  return events.flatMap(({ body }) => (body.type === 'workflow_cancel_requested' ? [body.payload.by] : []))
}

test('a run under way is asked once to end, and what waited starts when it has', async () => {
  const { engine, runner, releaser, id, fire, began } = await scene()
  await runner.start()
  const first = await fire()
  await began(1)
  expect(await fire()).toMatchObject({ disposition: 'buffered' })
  expect(await fire()).toMatchObject({ disposition: 'skipped', reason: 'overlap' })
  await releaser.start()
  releaser.tell([id])
  while ((await asked(engine, first.executionId)).length === 0) await engine.commands.look()
  await engine.commands.look()
  expect((await engine.ended(first.executionId ?? '')).status).toBe('cancelled')
  await began(2)
  expect(await asked(engine, first.executionId)).toEqual([`trigger:${id}`])
  expect(await engine.violations()).toEqual([])
})

test('one that has not begun is cancelled at once, and what waited takes its place', async () => {
  const { engine, releaser, triggers, id, fire } = await scene()
  const first = await fire()
  await fire()
  await releaser.start()
  expect((await engine.ended(first.executionId ?? '')).status).toBe('cancelled')
  const waiting = sql('test.waiting')`
    select from public.trigger_fires where trigger_id = ${id} and disposition = 'buffered'`
  while ((await engine.pool.rows(waiting)).length > 0) releaser.look()
  expect((await triggers.ledger(id)).map(line => line.disposition)).toEqual(['fired', 'fired'])
  expect(await engine.violations()).toEqual([])
})
