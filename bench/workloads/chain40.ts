// Forty nodes one after the other: alone on an idle system, and fifty at once.

import { systemClock } from '../../src/base/clock.ts'
import { notify } from '../../src/db/listener.ts'
import { sql } from '../../src/db/sql.ts'
import { type Ground, openGround } from '../ground.ts'
import { quantile, report } from '../report.ts'
import { begin, layered, publish } from '../shapes.ts'
import { throughput } from '../throughput.ts'

const SHAPE = layered('chain40', 40, 1)
const ALONE = 60

await throughput({ shape: SHAPE, count: 500, bars: { ratio: '≥ 0.60', rate: '' } })
await alone()

async function alone(): Promise<void> {
  const ground = await openGround()
  try {
    const workflowId = await publish(ground, SHAPE)
    const daemon = await ground.daemon()
    const totals: number[] = []
    for (let i = 0; i < ALONE; i++) totals.push(await one(ground, workflowId))
    const warm = totals.slice(10)
    report({ workload: 'chain40', figure: 'alone, total p50', unit: 'ms', values: [quantile(warm, 0.5)], bar: '≤ 40' })
    report({ workload: 'chain40', figure: 'alone, total p99', unit: 'ms', values: [quantile(warm, 0.99)] })
    await daemon.stop()
  } finally {
    await ground.close()
  }
}

/** Milliseconds from the start of the first node to the end of the execution, by the database's clock. */
async function one(ground: Ground, workflowId: string): Promise<number> {
  await begin(ground, workflowId, 1)
  await notify(ground.pool, 'jobs')
  for (;;) {
    await systemClock.sleep(20)
    const [row] = await ground.pool.rows<{ ms: number }>(sql('bench.one')`
      select (extract(epoch from completed_at - started_at) * 1000)::float8 as ms
      from public.executions where workflow_id = ${workflowId} and status = 'completed'
        and not exists (select from public.executions o where o.workflow_id = ${workflowId} and o.status <> 'completed')
      order by id desc limit 1`)
    if (row !== undefined) return row.ms
  }
}
