// Hooks: webhook triggers by the tokens in their URLs. A trigger is given its token when it becomes one of this type, and
// keeps it whatever else is edited, until somebody rotates it.
import { MbflowError } from '../base/errors.ts'
import { createUrlToken, hashUrlToken } from '../base/url-token.ts'
import type { Db, Pool, Tx } from '../db/pool.ts'
import { insertToken, loadHooks, loadTokens, retireTokens } from './hook-store.ts'
import { lockTrigger } from './store.ts'
import type { Trigger } from './trigger.ts'

/** Where tokens stand in URLs. */
export const HOOKS_PATH = '/hooks/'

/** The path of a hook's URL. */
export const hookPath = (token: string): string => `${HOOKS_PATH}${token}`

export interface FoundHook {
  /** The instant of the database. */
  readonly now: Date
  /** Null where no enabled webhook trigger has the token. */
  readonly trigger: Trigger | null
}

/** By the hashes of tokens, one each for all of them. */
export async function findHooks(db: Db, hashes: readonly string[]): Promise<Map<string, FoundHook>> {
  const rows = await loadHooks(db, hashes)
  return new Map(rows.map(({ hash, now, ...row }) => [hash, { now, trigger: row.id === null ? null : row }]))
}

/** Gives a webhook trigger that has no token its first one. Under the trigger's mutex. */
export async function giveToken(tx: Tx, { id, type }: Pick<Trigger, 'id' | 'type'>): Promise<void> {
  if (type !== 'webhook') return
  const token = createUrlToken()
  await insertToken(tx, { triggerId: id, token, hash: hashUrlToken(token) ?? '' })
}

/** From now on the hook has another URL; the one before works on for `grace` milliseconds. Resolves to the new token. */
export function rotateToken(pool: Pool, trigger: Trigger, grace: number): Promise<string> {
  requireHook(trigger)
  return pool.transaction(async tx => {
    await lockTrigger(tx, trigger.id)
    await retireTokens(tx, { triggerId: trigger.id, grace })
    await giveToken(tx, trigger)
    const [present] = await loadTokens(tx, trigger.id)
    return present?.token ?? ''
  })
}

export interface ShownHook {
  readonly token: string
  /** Those before it that still work, and until when. */
  readonly previous: readonly { readonly token: string; readonly validUntil: Date }[]
}

/** Throws TRIGGER_NOT_WEBHOOK for a trigger of another type. */
export async function showHook(db: Db, trigger: Trigger): Promise<ShownHook> {
  requireHook(trigger)
  const tokens = await loadTokens(db, trigger.id)
  const previous = tokens.flatMap(({ token, validUntil }) => (validUntil === null ? [] : [{ token, validUntil }]))
  return { token: tokens[0]?.token ?? '', previous }
}

function requireHook({ type, workflowName, key }: Trigger): void {
  if (type === 'webhook') return
  throw new MbflowError('TRIGGER_NOT_WEBHOOK', `the trigger ${workflowName}/${key} is of type ${type} and has no URL`, {
    hint: 'mbflow trigger list shows which are webhooks',
  })
}
