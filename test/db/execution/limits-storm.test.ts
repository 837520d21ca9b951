// The law of limits: whatever comes and ends, on however many daemons, no more run than may, and nobody waits for ever.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { createPool, type Pool } from '../../../src/db/pool.ts'
import { sql } from '../../../src/db/sql.ts'
import { createAdmitter } from '../../../src/execution/admit.ts'
import { control } from '../../../src/execution/control.ts'
import type { Outcome } from '../../../src/node/node-type.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, documentOf, scripted, type TestEngine } from '../../support/engine.ts'

const { url } = await createTestDatabase()
const DAEMONS = 4
const NEVER_MS = 3_600_000

interface Daemon {
  readonly engine: TestEngine
  readonly pool: Pool
  start(): Promise<void>
  look(): void
  stop(): Promise<void>
}

/** Its lines are looked at only when it is told of one: a wake-up that is lost is lost for good. */
async function daemon(execute: (executionId: string, input: Input) => Promise<Outcome>): Promise<Daemon> {
  const pool = createPool({ url, applicationName: 'mbflow:test', max: 4, log: silentLogger })
  const nodeTypes = scripted(({ log, scope }) =>
    execute(String(log.bindings().executionId), scope.input as unknown as Input),
  )
  const engine: TestEngine = await createTestEngine(
    pool,
    { nodeTypes },
    { onEnded: ({ limitKeys }) => admitter.tell(limitKeys), onWaiting: (_, keys) => admitter.tell(keys) },
  )
  const runner = engine.runner({ slots: 20 })
  const deps = { ...engine.deps, ids: engine.ids }
  const admitter = createAdmitter({ ...deps, log: silentLogger, pollInterval: NEVER_MS, onAdmitted: runner.wake })
  return {
    engine,
    pool,
    async start() {
      await admitter.start()
      await runner.start()
    },
    look: admitter.look,
    async stop() {
      await runner.stop()
      await admitter.stop()
      await engine.stop()
      await pool.end()
    },
  }
}

interface Input {
  readonly key: number
  readonly turns: number
  readonly fails: boolean
}

const input = fc.record({ key: fc.nat(2), turns: fc.nat(8), fails: fc.boolean() })
const storm = fc.record({
  max: fc.integer({ min: 1, max: 3 }),
  inputs: fc.array(input, { minLength: 10, maxLength: 60 }),
  /** Which of them are cancelled while it blows. */
  cancelled: fc.array(fc.nat(59), { maxLength: 8 }),
})

test('of one key never more run than may, and every execution comes to its end', { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(storm, async ({ max, inputs, cancelled }) => {
      const running = new Map<number, Set<string>>()
      let most = 0
      const daemons = await Promise.all(
        Array.from({ length: DAEMONS }, () =>
          daemon(async (id, { key, turns, fails }) => {
            const beside = running.get(key) ?? new Set()
            running.set(key, beside.add(id))
            most = Math.max(most, beside.size)
            for (let turn = 0; turn < turns; turn++) await new Promise(resolve => setImmediate(resolve))
            beside.delete(id)
            return fails
              ? { kind: 'failed', error: { code: 'BROKEN', message: 'it broke', retryable: false } }
              : { kind: 'completed', output: null }
          }),
        ),
      )
      const [{ engine, pool }] = daemons as [Daemon]
      const limit = { concurrency: { max, key: 'input.key' } }
      const ids = await engine.begin(
        await engine.publish({ ...documentOf(['a']), settings: limit }),
        inputs.map(one => ({ ...one })),
      )
      await Promise.all(daemons.map(one => one.start()))
      const doomed = cancelled.flatMap(i => ids[i] ?? [])
      await control({ ...engine.deps, ids: engine.ids }, { verb: 'cancel', by: 'test' }, doomed)
      for (const one of daemons) one.look() // as the notification of a cancellation makes them
      const open = async (): Promise<string[]> =>
        (
          await pool.rows<{ standing: string }>(sql('test.open')`
            select concat_ws(' ', id, status, parked_reason, limit_key) as standing from public.executions
            where completed_at is null and id = any(${ids}::uuid[])`)
        ).map(row => row.standing)
      for (const patience = AbortSignal.timeout(20_000); (await open()).length > 0; await systemClock.sleep(10)) {
        await engine.commands.look()
        if (patience.aborted) expect(await open()).toEqual([])
      }
      expect(await engine.violations()).toEqual([])
      await Promise.all(daemons.map(one => one.stop()))
      expect(most).toBeLessThanOrEqual(max)
    }),
    { numRuns: 12, endOnFailure: true },
  )
})
