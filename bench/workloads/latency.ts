// An idle system, a manual fire: how long until the first node runs, and until the execution is over.
import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/log.ts'
import { createMetrics } from '../../src/base/metrics.ts'
import { sql } from '../../src/db/sql.ts'
import { createTrigger } from '../../src/trigger/arm.ts'
import { fireManually } from '../../src/trigger/fire-manually.ts'
import { openGround } from '../ground.ts'
import { quantile, report } from '../report.ts'
import { layered, publish } from '../shapes.ts'

const FIRES = 220
const WARM_UP = 20

const ground = await openGround()
try {
  const { pool, queue, ids } = ground
  const deps = { pool, queue, ids, metrics: createMetrics(), log: silentLogger }
  const workflowId = await publish(ground, layered('latency', 1, 1))
  const wanted = {
    workflowId,
    workflowName: 'latency',
    key: 'now',
    name: 'now',
    type: 'manual' as const,
    config: {},
    enabled: true,
  }
  const trigger = await pool.transaction(tx => createTrigger(tx, deps, wanted))
  const daemon = await ground.daemon()
  for (let i = 0; i < FIRES; i++) {
    await fireManually(deps, { triggerId: trigger.id, input: {}, scope: 'bench' })
    await systemClock.sleep(30 + Math.random() * 20)
  }
  const rows = await pool.rows<{ started: number; completed: number }>(sql('bench.latency')`
    select (extract(epoch from n.started_at - f.decided_at) * 1000)::float8 as started,
      (extract(epoch from e.completed_at - f.decided_at) * 1000)::float8 as completed
    from public.trigger_fires f
    join public.executions e on e.id = f.execution_id
    join public.node_executions n on n.execution_id = e.id
    order by f.decided_at`)
  const warm = rows.slice(WARM_UP)
  const figure = (name: string, value: number, bar: string): void =>
    report({ workload: 'latency', figure: name, unit: 'ms', values: [value], bar })
  figure(
    'fire → first node, p50',
    quantile(
      warm.map(row => row.started),
      0.5,
    ),
    '≤ 5',
  )
  figure(
    'fire → completed, p50',
    quantile(
      warm.map(row => row.completed),
      0.5,
    ),
    '≤ 8',
  )
  figure(
    'fire → completed, p99',
    quantile(
      warm.map(row => row.completed),
      0.99,
    ),
    '≤ 20',
  )
  await daemon.stop()
} finally {
  await ground.close()
}
