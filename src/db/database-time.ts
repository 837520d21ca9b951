// What time it is for the database, and who tells a process. Without a look before its first id, and one now and then, a
// daemon whose wall clock is wrong would make ids of its own time for as long as it runs: the one that only serves HTTP
// learns the time from no work of its own. Nor does the monotonic clock count while a machine sleeps.
import { type Clock, createDatabaseClock, type DatabaseClock } from '../base/clock.ts'
import { createIds, type Ids } from '../base/id.ts'
import type { Logger } from '../base/log.ts'
import { createLoop, type Service } from '../base/service.ts'
import type { Db } from './pool.ts'
import { sql } from './sql.ts'

/** Not the instant the transaction began: it may have waited for a mutex since, and its predecessor fired meanwhile. */
export async function databaseNow(db: Db): Promise<Date> {
  const [row] = await db.rows<{ now: Date }>(sql('db.now')`select clock_timestamp()::timestamptz(3) as now`)
  return row?.now ?? new Date()
}

/** For a process that does one thing: its ids have the time of the database. */
export async function createDatabaseIds(db: Db, clock: Clock): Promise<Ids> {
  const databaseClock = createDatabaseClock(clock)
  await look(db, { clock, databaseClock })
  return createIds(databaseClock.now)
}

export interface TimekeeperDeps {
  readonly pool: Db
  readonly clock: Clock
  readonly databaseClock: DatabaseClock
  readonly log: Logger
  /** Time between two looks, milliseconds. */
  readonly every: number
}

/** When it has started, the estimate is right. */
export function createTimekeeper(deps: TimekeeperDeps): Service {
  const { pool, clock, log, every } = deps
  const loop = createLoop({
    name: 'timekeeper',
    clock,
    log,
    every,
    tick: () => look(pool, deps).then(() => undefined),
  })
  return {
    ...loop,
    async start() {
      await look(pool, deps)
      await loop.start()
    },
  }
}

async function look(db: Db, { clock, databaseClock }: Pick<TimekeeperDeps, 'clock' | 'databaseClock'>): Promise<void> {
  const askedAt = clock.monotonic()
  databaseClock.observe(await databaseNow(db), askedAt)
}
