// The forecast over the triggers that are there.
import { databaseNow } from '../db/database-time.ts'
import type { Pool } from '../db/pool.ts'
import { type Forecast, forecast } from './forecast.ts'
import { holdSnapshot } from './past-store.ts'
import { loadStanding } from './standing.ts'
import { listTriggers, loadTriggers } from './store.ts'
import type { Instant } from './trigger-type.ts'

const DAY_MS = 86_400_000

export interface ForecastWish {
  /** Unless given: now. */
  readonly from?: Instant
  /** Unless given: a day later. */
  readonly until?: Instant
  readonly worst: number
}

export interface LoadForecast extends Forecast {
  readonly from: Date
  readonly to: Date
  /** How many triggers with a cursor there are. */
  readonly triggers: number
}

/** Throws INPUT_INVALID. */
export async function forecastLoad(pool: Pool, wish: ForecastWish): Promise<LoadForecast> {
  const { now, loaded } = await pool.transaction(async tx => {
    await holdSnapshot(tx)
    const at = await databaseNow(tx)
    const armed = (await listTriggers(tx, undefined)).filter(
      ({ enabled, nextFireAt }) => enabled && nextFireAt !== null,
    )
    const cursors = new Map(armed.map(({ id, nextFireAt }) => [id, nextFireAt?.getTime() ?? null]))
    const triggers = await loadTriggers(tx, [...cursors.keys()])
    const standing = await loadStanding(tx, triggers)
    return {
      now: at.getTime(),
      loaded: triggers.map(trigger => ({
        trigger,
        prospect: { now: at.getTime(), cursor: cursors.get(trigger.id) ?? null, ...standing(trigger) },
      })),
    }
  })
  const { from = now, worst } = wish
  const until = wish.until ?? from + DAY_MS
  const found = forecast(loaded, { from, until, worst })
  return { from: new Date(from), to: new Date(until), triggers: loaded.length, ...found }
}
