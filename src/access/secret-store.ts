// The SQL of stored secrets.
import type { Db, Tx } from '../db/pool.ts'
import { constant, sql } from '../db/sql.ts'
import type { Label, Sealed } from './envelope.ts'

export type StoredSecret = Label & Sealed

const columns = constant`name, version, value, data_key as "dataKey", key_id as "keyId"`

/** Until the transaction ends nobody else changes any; reading goes on. */
export async function lockSecrets(tx: Tx): Promise<void> {
  await tx.run(sql('secret.lock')`lock table public.secrets in share row exclusive mode`)
}

export async function loadSecret(db: Db, name: string): Promise<StoredSecret | undefined> {
  const rows = await db.rows<StoredSecret>(sql('secret.load')`
    select ${columns} from public.secrets where name = ${name}`)
  return rows[0]
}

export function loadSecrets(db: Db): Promise<StoredSecret[]> {
  return db.rows(sql('secret.loadAll')`select ${columns} from public.secrets order by name`)
}

/** A secret without what is sealed. */
export interface StoredLine {
  readonly name: string
  readonly version: number
  readonly keyId: string
  readonly updatedBy: string
  readonly createdAt: Date
  readonly updatedAt: Date
}

export function listSecrets(db: Db): Promise<StoredLine[]> {
  return db.rows(sql('secret.list')`
    select name, version, key_id as "keyId", updated_by as "updatedBy", created_at as "createdAt", updated_at as "updatedAt"
    from public.secrets order by name`)
}

export async function saveSecret(tx: Tx, secret: StoredSecret, by: string): Promise<void> {
  const { name, version, value, dataKey, keyId } = secret
  await tx.run(sql('secret.save')`
    insert into public.secrets (name, version, value, data_key, key_id, updated_by)
    values (${name}, ${version}, ${value}, ${dataKey}, ${keyId}, ${by})
    on conflict (name) do update
      set version = excluded.version, value = excluded.value, data_key = excluded.data_key, key_id = excluded.key_id,
        updated_by = excluded.updated_by, updated_at = now()`)
}

/** Who set it, and when, stays. */
export async function saveDataKey(tx: Tx, { name, dataKey, keyId }: StoredSecret): Promise<void> {
  await tx.run(sql('secret.saveDataKey')`
    update public.secrets set data_key = ${dataKey}, key_id = ${keyId} where name = ${name}`)
}

/** Whether it was there. */
export async function dropSecret(tx: Tx, name: string): Promise<boolean> {
  return (await tx.run(sql('secret.drop')`delete from public.secrets where name = ${name}`)) > 0
}
