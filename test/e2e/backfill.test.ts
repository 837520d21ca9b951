// A backfill whose daemon is killed again and again: every slot is fired once all the same.
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
import { makeFolder } from './embedded-folder.ts'

const SLOTS = 3_000
const KILLS = 4
const DOCUMENT = `
name: made-up-for
nodes: [{ key: a, type: transform }]
triggers: [{ key: minutely, type: cron, enabled: false, config: { schedule: "* * * * *" } }]
`

test('a backfill goes on where it was, however often its daemon is killed', { timeout: 180_000 }, async () => {
  const folder = await makeFolder()
  onTestFinished(() => folder.remove())
  const env = { MBFLOW_DATA_DIR: folder.dataDir, PORT: '0', LOG_LEVEL: 'warn', MBFLOW_LOG_FORMAT: 'json' }
  const daemon = async (): Promise<Running> => {
    const running = startMbflow(['start'], { env })
    await running.line(/is running/, 60_000)
    return running
  }
  const mbflow = async (...args: string[]): Promise<string> => {
    const ended = await runMbflow([...args, '--json'], { env })
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    return ended.stdout
  }
  const file = join(folder.root, 'document.yaml')
  await writeFile(file, DOCUMENT)
  // This test is one more user of the same server, so that it stays when daemons are killed.
  const server = await acquireEmbedded({ dataDir: folder.dataDir, log: silentLogger })
  const pool = createPool({ url: server.url, applicationName: 'mbflow:backfill', max: 2, log: silentLogger })

  let running = await daemon()
  await mbflow('apply', '-f', file)
  const range = ['--from', '2026-01-01T00:00Z', '--to', '2026-01-03T02:00Z']
  const how = ['--overlap', 'allow', '--max-running', '400', '--rate', '20000/min']
  const { id, slot_count } = JSON.parse(await mbflow('backfill', 'start', 'minutely', ...range, ...how))
  expect(slot_count).toBe(SLOTS)
  for (let kill = 1; kill <= KILLS; kill++) {
    await until(pool, DONE, (SLOTS * kill) / (KILLS + 2))
    await running.stop('SIGKILL')
    running = await daemon()
  }
  await until(pool, DONE, SLOTS)
  await until(pool, OVER, SLOTS)

  const shown = JSON.parse(await mbflow('backfill', 'show', id))
  expect(shown).toMatchObject({ status: 'completed', done_count: SLOTS, fired_count: SLOTS })
  const [fired] = await pool.rows(sql('backfill.proof')`
    select count(*) as executions, count(distinct scheduled_for) as slots,
      min(scheduled_for) as first, max(scheduled_for) as last
    from public.executions`)
  expect(fired).toEqual({
    executions: SLOTS,
    slots: SLOTS,
    first: new Date('2026-01-01T00:00Z'),
    last: new Date('2026-01-03T01:59Z'),
  })
  const catalog = createCatalog(pool)
  const events = (executionId: string) => readEvents(pool, executionId)
  expect(await verify({ db: pool, plan: catalog.plan, events })).toEqual([])
  await running.stop('SIGINT')
  await pool.end()
  await server.release()
})

const DONE = sql('backfill.done')`select done_count as count from public.backfills`
const OVER = sql('backfill.over')`select count(*) as count from public.executions where completed_at is not null`

async function until(pool: Pool, statement: typeof DONE, least: number): Promise<void> {
  for (;;) {
    const [row] = await pool.rows<{ count: number }>(statement)
    if ((row?.count ?? 0) >= least) return
    await systemClock.sleep(20)
  }
}
