// Events in an inbox, and drains that do what they are told to.
import { systemClock } from '../../src/base/clock.ts'
import type { Json, JsonObject } from '../../src/base/json.ts'
import { silentLogger } from '../../src/base/log.ts'
import type { Service } from '../../src/base/service.ts'
import type { Pool } from '../../src/db/pool.ts'
import { sql } from '../../src/db/sql.ts'
import { createEvaluator } from '../../src/expression/evaluator.ts'
import type { Evaluator } from '../../src/expression/expression.ts'
import { acceptEvents } from '../../src/inbox/accept.ts'
import type { InboundEvent } from '../../src/inbox/cloud-event.ts'
import { type DrainDeps, tick } from '../../src/inbox/drain.ts'
import type { TestTriggers } from './triggers.ts'

/** How much is given to the type of an event; the rest is made up. */
export type Told = Partial<Omit<InboundEvent, 'type'>> & { readonly type: string }

let told = 0

export function eventOf({ type, ...rest }: Told): InboundEvent {
  return { source: '/test', externalId: `e${told++}`, type, attributes: {}, data: null, ...rest }
}

export interface TestInbox {
  readonly deps: DrainDeps
  readonly evaluator: Evaluator & Service
  /** Takes events, and gives their ids in the inbox. */
  tell(...events: readonly Told[]): Promise<string[]>
  /** Drains until nothing happens any more. */
  drain(): Promise<void>
  /** Moves everything that is remembered of groups, and what was received, so far into the past. */
  age(ms: number): Promise<void>
  /** What the executions of a trigger were given, in the order in which they were made. */
  inputs(triggerId: string): Promise<Json[]>
  /** Of each event of a trigger what became of it, by external id. */
  fates(triggerId: string): Promise<Record<string, string>>
}

export function createTestInbox(pool: Pool, triggers: TestTriggers): TestInbox {
  const evaluator = createEvaluator({ size: 1, log: silentLogger })
  const deps: DrainDeps = {
    ...triggers.arm,
    pool,
    evaluator,
    clock: systemClock,
    log: silentLogger,
    pollInterval: 1_000,
  }
  return {
    deps,
    evaluator,
    async tell(...events) {
      const inbound = events.map(eventOf)
      await acceptEvents(pool, inbound)
      const ids: string[] = []
      for (const { source, externalId } of inbound) {
        const [row] = await pool.rows<{ id: string }>(
          sql(
            'test.event',
          )`select id from public.inbound_events where source = ${source} and external_id = ${externalId}`,
        )
        ids.push(row?.id ?? '')
      }
      return ids
    },
    async drain() {
      for (let idle = 0; idle < 2; ) {
        const { processed, fired } = await tick(deps)
        idle = processed + fired.length > 0 ? 0 : idle + 1
      }
    },
    async age(ms) {
      await pool.transaction(async tx => {
        await tx.run(sql('test.ageEvents')`
          update public.inbound_events set received_at = received_at - ${ms} * interval '1 millisecond'`)
        await tx.run(sql('test.ageGroups')`
          update public.event_groups
          set opened_at = opened_at - ${ms} * interval '1 millisecond', due_at = due_at - ${ms} * interval '1 millisecond'`)
        await tx.run(sql('test.ageMembers')`
          update public.event_group_members set member_at = member_at - ${ms} * interval '1 millisecond'`)
      })
    },
    async inputs(triggerId) {
      const rows = await pool.rows<{ input: JsonObject }>(
        sql(
          'test.inputs',
        )`select input_data as input from public.executions where trigger_id = ${triggerId} order by id`,
      )
      return rows.map(({ input }) => input)
    },
    async fates(triggerId) {
      const rows = await pool.rows<{ id: string; fate: string }>(sql('test.fates')`
        select i.external_id as id, concat_ws(' ', f.disposition, f.reason) as fate
        from public.trigger_fires f join public.inbound_events i on f.fire_key = 'evt:' || i.id
        where f.trigger_id = ${triggerId} order by i.received_at, i.id`)
      return Object.fromEntries(rows.map(({ id, fate }) => [id, fate]))
    },
  }
}
