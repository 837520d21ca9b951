// The law of rates: on however many daemons, never more begin than the rate says, and nobody waits longer than it does.
import { expect, test } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import { createPool } from '../../../src/db/pool.ts'
import { sql } from '../../../src/db/sql.ts'
import { createPacer } from '../../../src/execution/pace.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createTestEngine, documentOf, scripted, type TestEngine } from '../../support/engine.ts'

const { pool, url } = await createTestDatabase()
const NEVER_MS = 3_600_000

async function passedAt(key: string): Promise<number[]> {
  const rows = await pool.rows<{ at: Date }>(sql('test.passed')`
    select created_at as at from public.events where event_type = 'execution_passed' and payload ->> 'key' = ${key}
    order by created_at`)
  return rows.map(row => row.at.getTime())
}

test('four daemons together let no more begin than the rate says, and not fewer', { timeout: 60_000 }, async () => {
  const rate = { limit: 20, period_ms: 1_000, burst: 5, key: 'input' }
  const [KEYS, EACH] = [3, 30]
  const nodeTypes = scripted(async () => ({ kind: 'completed', output: null }))
  const daemons = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const own = createPool({ url, applicationName: 'mbflow:test', max: 4, log: silentLogger })
      const engine: TestEngine = await createTestEngine(own, { nodeTypes }, { onWaiting: () => pacer.wake() })
      const runner = engine.runner({ slots: 20 })
      const pacer = createPacer({ ...engine.deps, ids: engine.ids, pollInterval: NEVER_MS, onAdmitted: runner.wake })
      return { own, engine, runner, pacer }
    }),
  )
  const [{ engine }] = daemons as [(typeof daemons)[number]]
  const version = await engine.publish({ ...documentOf(['a']), settings: { rate } })
  const ids = await engine.begin(
    version,
    Array.from({ length: KEYS * EACH }, (_, i) => `k${i % KEYS}`),
  )
  for (const one of daemons) {
    await one.pacer.start()
    await one.runner.start()
  }
  for (const id of ids) await engine.ended(id)
  expect(await engine.violations()).toEqual([])
  for (const one of daemons) {
    await one.runner.stop()
    await one.pacer.stop()
    await one.engine.stop()
    await one.own.end()
  }
  for (let key = 0; key < KEYS; key++) {
    const passed = await passedAt(`test/"k${key}"`)
    expect(passed).toHaveLength(EACH)
    // Instants of events are rounded to milliseconds: a stretch may be one longer than it looks.
    const excess = passed.flatMap((from, i) =>
      passed.slice(i).map((to, j) => j + 1 - (rate.burst + (to - from + 1) / (rate.period_ms / rate.limit))),
    )
    expect(Math.max(...excess)).toBeLessThanOrEqual(0)
    const lasted = ((passed.at(-1) ?? 0) - (passed[0] ?? 0)) / 1000
    expect(lasted).toBeLessThan((EACH - rate.burst) / rate.limit + 5)
  }
})
