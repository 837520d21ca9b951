// The promise under fire: four daemons, one of them with a clock that jumps; 200 triggers at one per second for a minute,
// of every overlap policy, edited again and again; one daemon killed and restarted, PostgreSQL killed once. Afterwards
// every owed slot is accounted for exactly once, no limit was exceeded, and nothing is stuck or waits.
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
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
const POLICIES = ['allow', 'skip', 'buffer_one', 'buffer_all', 'cancel_running'] as const
/** An event's instant may differ from its transaction's by a tenth of a second; so may the end of one run and the start of the next. */
const TOLERANCE_S = 0.3

test('four daemons lose no slot, fire none twice and exceed no limit, whatever is killed, edited or wrong about the time', {
  timeout: 400_000,
}, async () => {
  const folder = await makeFolder()
  onTestFinished(() => folder.remove())
  const slow = await slowServer()
  const env = {
    MBFLOW_DATA_DIR: folder.dataDir,
    PORT: '0',
    LOG_LEVEL: 'warn',
    MBFLOW_LOG_FORMAT: 'json',
    MBFLOW_ALLOW_PRIVATE: '127.0.0.1',
  }
  const daemon = async (more: Record<string, string> = {}): Promise<Running> => {
    const running = startMbflow(['start'], { env: { ...env, ...more } })
    await running.line(/is running/, 60_000)
    return running
  }
  const documents = async (storm: Storm): Promise<void> => {
    const file = join(folder.root, 'storm.yaml')
    await writeFile(file, storms(slow, storm))
    const applied = await runMbflow(['apply', '-f', file], { env })
    expect(applied, applied.stderr).toMatchObject({ code: 0 })
  }

  const first = await daemon()
  await documents({ revision: 1 })
  const others = [await daemon(), await daemon({ NODE_OPTIONS: `--import=${JUMPING_CLOCK}` }), await daemon()]
  // This test is one more user of the same server.
  const server = await acquireEmbedded({ dataDir: folder.dataDir, log: silentLogger })
  const pool = createPool({ url: server.url, applicationName: 'mbflow:storm', max: 2, log: silentLogger })

  await slotsSpan(pool, 15)
  await first.stop('SIGKILL')
  await documents({ revision: 2 })
  await slotsSpan(pool, 20)
  others.push(await daemon())
  await slotsSpan(pool, 35)
  process.kill(serverPid(folder.dataDir) ?? 0, 'SIGQUIT')
  await slotsSpan(pool, 45)
  await documents({ revision: 3 })
  await slotsSpan(pool, SECONDS)
  await documents({ revision: 4, until: new Date() })
  await until(
    pool,
    sql('storm.open')`
      select (select count(*) from public.executions where completed_at is null)
        + (select count(*) from public.trigger_fires where disposition = 'buffered') as left`,
    row => row.left === 0,
  )

  const [unaccounted] = await pool.rows(sql('storm.unaccounted')`
    select count(*) filter (where slots <> owed or span <> owed) as wrong, count(*) as triggers
    from (
      -- Every whole second after the first rule, up to the last, which has none.
      select trigger_id, floor(extract(epoch from max(valid_from))) - floor(extract(epoch from min(valid_from))) as owed
      from public.trigger_specs group by trigger_id
    ) as due left join (
      select trigger_id, sum(slot_count) as slots, extract(epoch from max(slot_until) - min(slot_at)) + 1 as span
      from public.trigger_fires group by trigger_id
    ) as ledger using (trigger_id)`)
  expect(unaccounted).toEqual({ wrong: 0, triggers: TRIGGERS })
  // Each against the latest end of those that began before it.
  const [overlapping] = await pool.rows(sql('storm.overlapping')`
    select count(*) as executions from (
      select e.started_at, max(e.completed_at) over (
        partition by e.trigger_id order by e.started_at, e.id rows between unbounded preceding and 1 preceding) as ended_at
      from public.executions e join public.triggers t on t.id = e.trigger_id
      where t.config ->> 'overlap' <> 'allow' and e.started_at is not null
    ) as run
    where started_at < ended_at - ${TOLERANCE_S} * interval '1 second'`)
  expect(overlapping).toEqual({ executions: 0 })
  const kept = await pool.rows<{ overlap: string; executions: number; waited: number; failed: number }>(sql(
    'storm.kept',
  )`
    select t.config ->> 'overlap' as overlap, count(*) as executions, count(f.buffered_at) as waited,
      count(*) filter (where e.status not in ('completed', 'cancelled')) as failed
    from public.executions e join public.triggers t on t.id = e.trigger_id
    join public.trigger_fires f on f.execution_id = e.id
    group by 1`)
  expect(kept.map(({ overlap }) => overlap).sort()).toEqual([...POLICIES].sort())
  expect(kept.filter(({ failed }) => failed > 0)).toEqual([])
  const of = (policy: string) => kept.find(({ overlap }) => overlap === policy)
  expect(of('allow')?.executions).toBeGreaterThanOrEqual((TRIGGERS / POLICIES.length) * SECONDS)
  expect(of('buffer_all')?.executions).toBeGreaterThanOrEqual((TRIGGERS / POLICIES.length) * SECONDS)
  expect(of('buffer_all')?.waited).toBeGreaterThan(0)
  const catalog = createCatalog(pool)
  expect(await verify({ db: pool, plan: catalog.plan, events: id => readEvents(pool, id) })).toEqual([])

  for (const running of others)
    expect(await running.stop('SIGTERM'), running.stderr()).toEqual({ code: 0, signal: null })
  await pool.end()
  await server.release()
})

/** Answers after up to a second. */
async function slowServer(): Promise<string> {
  let asked = 0
  const server = createServer(async (_, response) => {
    await systemClock.sleep(((asked++ * 37) % 8) * 150)
    response.end('1')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

const JUMPING_CLOCK = new URL('./support/jumping-clock.mjs', import.meta.url).href

interface Storm {
  /** Another one is another rule for every trigger. */
  readonly revision: number
  /** There are no slots from then on. */
  readonly until?: Date
}

/** Four documents that share the triggers; the first one's runs take about as long as it is to their next slot. */
function storms(slow: string, { revision, until }: Storm): string {
  const documents = Array.from({ length: 4 }, (_, part) => ({
    name: `storm ${part}`,
    nodes: [
      part === 0
        ? { key: 'first', type: 'http', config: { url: slow }, retry: { max_attempts: 5, delay: '100ms' } }
        : { key: 'first', type: 'transform' },
      { key: 'second', type: 'transform', config: { expression: 'input' } },
    ],
    edges: [{ from: 'first', to: 'second' }],
    triggers: Array.from({ length: TRIGGERS / 4 }, (_, i) => ({
      key: `every-second-${i}`,
      type: 'interval',
      config: {
        every: '1s',
        misfire: { policy: 'fire_all' },
        overlap: POLICIES[i % POLICIES.length],
        input: { part, i, revision },
        ...(until && { end_at: until.toISOString() }),
      },
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
