// The SQL of hooks: the tokens in their URLs, and how many requests they have taken.
import type { Db, Tx } from '../db/pool.ts'
import { sql } from '../db/sql.ts'
import { columns } from './store.ts'
import type { Trigger } from './trigger.ts'

/** One row per hash, whatever there is: it has the database's instant, and no trigger where none takes it that is enabled and not paused. */
export type HookRow = { readonly hash: string; readonly now: Date } & (Trigger | { readonly id: null })

export function loadHooks(db: Db, hashes: readonly string[]): Promise<HookRow[]> {
  return db.rows(sql('hook.load')`
    select hash, clock_timestamp()::timestamptz(3) as now, ${columns}
    from unnest(${hashes}::text[]) as asked (hash)
    left join public.hook_tokens h
      on h.token_hash = decode(hash, 'hex') and (h.valid_until is null or h.valid_until > clock_timestamp())
    left join public.triggers t on t.id = h.trigger_id and t.enabled and t.paused_at is null and t.type = 'webhook'`)
}

/** Unless the trigger has one. */
export async function insertToken(tx: Tx, one: { triggerId: string; token: string; hash: string }): Promise<void> {
  await tx.run(sql('hook.insertToken')`
    insert into public.hook_tokens (token_hash, token, trigger_id)
    values (decode(${one.hash}, 'hex'), ${one.token}, ${one.triggerId})
    on conflict (trigger_id) where valid_until is null do nothing`)
}

/** The present token works for so long from now on, milliseconds; without any grace nor do those before it. */
export async function retireTokens(tx: Tx, { triggerId, grace }: { triggerId: string; grace: number }): Promise<void> {
  await tx.run(sql('hook.dropTokens')`
    delete from public.hook_tokens where trigger_id = ${triggerId} and (${grace} = 0 or valid_until <= now())`)
  await tx.run(sql('hook.retireToken')`
    update public.hook_tokens set valid_until = now() + ${grace} * interval '1 millisecond'
    where trigger_id = ${triggerId} and valid_until is null`)
}

export interface HookToken {
  readonly token: string
  /** Null for the present one. */
  readonly validUntil: Date | null
}

/** Those that work now, the present one first. */
export function loadTokens(db: Db, triggerId: string): Promise<HookToken[]> {
  return db.rows(sql('hook.tokens')`
    select token, valid_until as "validUntil"
    from public.hook_tokens
    where trigger_id = ${triggerId} and (valid_until is null or valid_until > now())
    order by valid_until desc nulls first`)
}

export interface Rate {
  readonly triggerId: string
  /** The beginning of the latest minute in which it took any. */
  readonly minute: Date
  readonly taken: number
}

/** Of those triggers that have ever taken any. */
export function loadRates(tx: Tx, ids: readonly string[]): Promise<Rate[]> {
  return tx.rows(sql('hook.rates')`
    select trigger_id as "triggerId", minute, taken from public.hook_rates where trigger_id = any(${ids}::uuid[])`)
}

export async function saveRates(tx: Tx, rates: readonly Rate[]): Promise<void> {
  const each = <T>(pick: (rate: Rate) => T): T[] => rates.map(pick)
  await tx.run(sql('hook.saveRates')`
    insert into public.hook_rates (trigger_id, minute, taken)
    select * from unnest(${each(rate => rate.triggerId)}::uuid[], ${each(rate => rate.minute)}::timestamptz[],
      ${each(rate => rate.taken)}::integer[])
    on conflict (trigger_id) do update set minute = excluded.minute, taken = excluded.taken`)
}
