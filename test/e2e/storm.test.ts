// The foundation's promise under fire: two daemons, 200 triggers at one per second for a minute, one daemon killed and
// restarted, PostgreSQL killed once. Afterwards every owed slot is accounted for exactly once, and nothing is stuck.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/log.ts'
import { acquireEmbedded } from '../../src/db/embedded.ts'
import { createPool, type Pool } from '../../src/db/pool.ts'
import { sql } from '../../src/db/sql.ts'
import { readEvents } from '../../src/event/event-log.ts'
import { verify } from '../../src/verify/verify.ts'
import { createCatalog } from '../../src/workflow/catalog.ts'
import { type Running, runMbflow, startMbflow } from '../support/processes.ts'
import { makeFolder, serverPid } from './embedded-folder.ts'

const TRIGGERS = 200
const SECONDS = 60

test('two daemons lose no slot and fire none twice while one is killed and PostgreSQL is killed', {
  timeout: 300_000,
}, async () => {
  const folder = await makeFolder()
  onTestFinished(() => folder.remove())
  const env = { MBFLOW_DATA_DIR: folder.dataDir, PORT: '0', LOG_LEVEL: 'warn', MBFLOW_LOG_FORMAT: 'json' }
  const daemon = async (): Promise<Running> => {
    const running = startMbflow(['start'], { env })
    await running.line(/is running/, 60_000)
    return running
  }
  const documents = async (enabled: boolean): Promise<void> => {
    const file = join(folder.root, 'storm.yaml')
    await writeFile(file, storms(enabled))
    const applied = await runMbflow(['apply', '-f', file], { env })
    expect(applied, applied.stderr).toMatchObject({ code: 0 })
  }

  const first = await daemon()
  await documents(true)
  const second = await daemon()
  // This test is one more user of the same server.
  const server = await acquireEmbedded({ dataDir: folder.dataDir, log: silentLogger })
  const pool = createPool({ url: server.url, applicationName: 'mbflow:storm', max: 2, log: silentLogger })

  await slotsSpan(pool, 15)
  await first.stop('SIGKILL')
  await slotsSpan(pool, 20)
  const third = await daemon()
  await slotsSpan(pool, 35)
  process.kill(serverPid(folder.dataDir) ?? 0, 'SIGQUIT')
  await slotsSpan(pool, SECONDS)
  await documents(false)
  await until(
    pool,
    sql('storm.open')`select count(*) as left from public.executions where completed_at is null`,
    row => row.left === 0,
  )

  const [unaccounted] = await pool.rows(sql('storm.unaccounted')`
    select count(*) as triggers from (
      select trigger_id, sum(slot_count) as slots, extract(epoch from max(slot_until) - min(slot_at)) + 1 as owed
      from public.trigger_fires group by trigger_id
    ) as ledger where slots <> owed`)
  expect(unaccounted).toEqual({ triggers: 0 })
  const [kept] = await pool.rows<{ triggers: number; executions: number; failed: number }>(sql('storm.kept')`
    select (select count(distinct trigger_id) from public.trigger_fires) as triggers, count(*) as executions,
      count(*) filter (where status <> 'completed') as failed
    from public.executions`)
  expect(kept).toMatchObject({ triggers: TRIGGERS, failed: 0 })
  expect(kept?.executions).toBeGreaterThanOrEqual(TRIGGERS * SECONDS)
  const catalog = createCatalog(pool)
  expect(await verify({ db: pool, plan: catalog.plan, events: id => readEvents(pool, id) })).toEqual([])

  for (const running of [second, third])
    expect(await running.stop('SIGTERM'), running.stderr()).toEqual({ code: 0, signal: null })
  await pool.end()
  await server.release()
})

/** Four documents that share the triggers. */
function storms(enabled: boolean): string {
  const documents = Array.from({ length: 4 }, (_, part) => ({
    name: `storm ${part}`,
    nodes: [
      { key: 'first', type: 'transform' },
      { key: 'second', type: 'transform', config: { expression: 'input' } },
    ],
    edges: [{ from: 'first', to: 'second' }],
    triggers: Array.from({ length: TRIGGERS / 4 }, (_, i) => ({
      key: `every-second-${i}`,
      type: 'interval',
      enabled,
      config: { every: '1s', misfire: { policy: 'fire_all' }, input: { part, i } },
    })),
  }))
  return documents.map(document => JSON.stringify(document)).join('\n---\n')
}

/** Waits until the slots disposed of span so many seconds. */
async function slotsSpan(pool: Pool, seconds: number): Promise<void> {
  const statement = sql('storm.span')`
    select coalesce(extract(epoch from max(slot_until) - min(slot_at)), 0)::integer as span from public.trigger_fires`
  await until(pool, statement, ({ span = 0 }) => span >= seconds)
}

/** Asks until the answer is right; an unreachable server is asked again. */
async function until(
  pool: Pool,
  statement: ReturnType<ReturnType<typeof sql>>,
  isRight: (row: Record<string, number>) => boolean,
): Promise<void> {
  for (const patience = AbortSignal.timeout(120_000); ; await systemClock.sleep(200)) {
    const [row] = await pool.rows<Record<string, number>>(statement).catch(() => [])
    if (row !== undefined && isRight(row)) return
    if (patience.aborted) throw new Error(`waited in vain: ${statement.text} is ${JSON.stringify(row)}`)
  }
}
