// Triggers on a real database, made due by moving their cursors into the past.
import { createDatabaseClock, systemClock } from '../../src/base/clock.ts'
import type { JsonObject } from '../../src/base/json.ts'
import { silentLogger } from '../../src/base/log.ts'
import { createMetrics } from '../../src/base/metrics.ts'
import { part, sql } from '../../src/db/sql.ts'
import { type ArmDeps, createTrigger } from '../../src/trigger/arm.ts'
import type { PollerDeps } from '../../src/trigger/poller.ts'
import type { Trigger } from '../../src/trigger/trigger.ts'
import { documentOf, type TestEngine } from './engine.ts'

export interface LedgerLine {
  readonly key: string
  readonly disposition: string
  readonly reason: string | null
  readonly slots: number
  readonly from: Date | null
  readonly until: Date | null
  readonly execution: string | null
}

export interface TestTriggers {
  readonly arm: ArmDeps
  readonly poller: PollerDeps
  create(type: Trigger['type'], config: JsonObject, key?: string): Promise<Trigger>
  /** Makes the trigger owe every slot of the last `ms` milliseconds. */
  makeOverdue(ids: readonly string[], ms: number): Promise<void>
  ledger(triggerId: string): Promise<LedgerLine[]>
  countExecutions(triggerId: string): Promise<number>
  cursor(triggerId: string): Promise<Date | undefined>
}

export async function createTestTriggers({ pool, queue, ids, publish }: TestEngine): Promise<TestTriggers> {
  const metrics = createMetrics()
  const arm: ArmDeps = { pool, queue, ids, metrics, log: silentLogger }
  const workflowId = await publish({ name: 'fired', ...documentOf(['a']) })
  let created = 0
  return {
    arm,
    poller: { ...arm, clock: systemClock, databaseClock: createDatabaseClock(systemClock), pollInterval: 1_000 },
    create: (type, config, key = `t${created++}`) =>
      pool.transaction(tx =>
        createTrigger(tx, arm, { workflowId, workflowName: 'fired', key, name: key, type, config, enabled: true }),
      ),
    async makeOverdue(triggerIds, ms) {
      const past = part`date_trunc('second', now()) - ${ms} * interval '1 millisecond'`
      await pool.run(
        sql(
          'test.overdue',
        )`update public.trigger_cursors set next_fire_at = ${past} where trigger_id = any(${triggerIds}::uuid[])`,
      )
    },
    ledger: triggerId =>
      pool.rows(sql('test.ledger')`
        select fire_key as key, disposition, reason, slot_count as slots, slot_at as "from", slot_until as until, execution_id as execution
        from public.trigger_fires where trigger_id = ${triggerId} order by slot_at, decided_at`),
    async countExecutions(triggerId) {
      const [row] = await pool.rows<{ count: number }>(
        sql('test.executions')`select count(*) as count from public.executions where trigger_id = ${triggerId}`,
      )
      return row?.count ?? 0
    },
    async cursor(triggerId) {
      const [row] = await pool.rows<{ at: Date }>(
        sql('test.cursor')`select next_fire_at as at from public.trigger_cursors where trigger_id = ${triggerId}`,
      )
      return row?.at
    },
  }
}
