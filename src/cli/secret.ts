import type { KeyState, ListedSecret, SecretDeps } from '../access/secrets.ts'
import type { CliContext, Family } from './context.ts'
import type { Style } from './table.ts'
import { relative } from './text.ts'
import { userName } from './user.ts'

export const secretFamily: Family = (program, context) => {
  const secret = program
    .command('secret')
    .description('Secrets in the database, by name: set, list, delete, rotate their key')

  secret
    .command('set')
    .description('Store a secret, or replace it; its value is asked for, or read from standard input')
    .argument('<name>', 'what workflows call it')
    .action((name: string) => set(context, name))

  secret
    .command('list')
    .description('List the secrets in the database: names, when and by whom they were set; never values')
    .action(() => list(context))

  secret
    .command('delete')
    .description('Delete a secret from the database')
    .argument('<name>', 'its name')
    .action(async (name: string) => {
      const { deleteSecret } = await import('../access/secrets.ts')
      const { pool } = await context.connect()
      await deleteSecret(pool, name)
      context.output.one({ secret: name, deleted: true }, () => [`${name} is deleted`])
    })

  secret
    .command('rotate-key')
    .description('Seal every secret with the newest master key; beside an embedded PostgreSQL a new one is made')
    .action(() => rotate(context))
}

async function set(context: CliContext, name: string): Promise<void> {
  const { setSecret } = await import('../access/secrets.ts')
  const { secretVariable } = await import('../base/secrets.ts')
  const deps = await open(context)
  const value = await context.secret(`The value of ${name}: `)
  const { name: stored, version } = await setSecret(deps, { name, value, by: userName() })
  context.output.one({ secret: stored, version }, () => [
    version === 1 ? `${stored} is set` : `${stored} is replaced (version ${version})`,
  ])
  if (context.config().secrets.has(secretVariable(name)))
    context.output.note(`A daemon that has ${secretVariable(name)}, as it is set here, takes that instead.`)
}

const styles = { current: undefined, old: 'yellow', missing: 'red' } as const satisfies Record<
  KeyState,
  Style | undefined
>

async function list(context: CliContext): Promise<void> {
  const { listSecrets } = await import('../access/secrets.ts')
  const listed = await listSecrets(await open(context))
  const now = new Date()
  context.output.rows(
    listed.map(toLine),
    [
      { title: 'SECRET', cell: one => one.name, least: 12 },
      { title: 'VERSION', cell: one => String(one.version), align: 'right', leaves: 2 },
      { title: 'SET', cell: one => relative(one.updated_at, now) },
      { title: 'BY', cell: one => one.updated_by, least: 8, leaves: 1 },
      { title: 'KEY', cell: one => one.key, style: one => styles[one.key] },
    ],
    'no secrets are stored yet; mbflow secret set NAME adds one',
  )
}

function toLine({ name, version, updatedAt, createdAt, updatedBy, key, keyId }: ListedSecret) {
  return { name, version, created_at: createdAt, updated_at: updatedAt, updated_by: updatedBy, key, key_id: keyId }
}

async function rotate(context: CliContext): Promise<void> {
  const { rotateKey } = await import('../access/secrets.ts')
  const { keyId, resealed, file } = await rotateKey(await open(context))
  context.output.one({ key_id: keyId, resealed, file: file ?? null }, () => [
    `${resealed === 1 ? '1 secret was' : `${resealed} secrets were`} resealed; all are sealed with the key ${keyId}`,
  ])
  if (file === undefined)
    context.output.note('Once every daemon has this key, the older ones can be taken out of MBFLOW_MASTER_KEY.')
  else context.output.note(`The key is in ${file}. Backups from before need the one it replaced.`)
}

async function open(context: CliContext): Promise<SecretDeps> {
  const { createMasterKeys } = await import('../access/master-keys.ts')
  const { pool, dataDir } = await context.connect()
  return { pool, keys: createMasterKeys({ masterKeys: context.config().masterKeys, dataDir }) }
}
