// `mbflow migrate up | down | status | reset`, and the same as `migrate -database-url URL -command up`.
import type { Command } from 'commander'
import { MbflowError } from '../base/errors.ts'
import type { MigrateOptions, MigrationReport, MigrationStep } from '../db/migrate.ts'
import type { MigrationStatus } from '../db/migration.ts'
import type { CliContext, Family } from './context.ts'
import { type Column, renderTable, type Style } from './table.ts'
import { exactly, roughly } from './text.ts'

export const migrateFamily: Family = (program, context) => {
  const migrate = program
    .command('migrate')
    .description('Bring the database to the schema of this program, and back')
    .addHelpText('after', '\nAlso: migrate -database-url URL -command up|down|status|reset')
  migrate
    .command('up')
    .description('Apply all pending migrations, and bring the queue up to date')
    .option('--to <migration>', 'stop after this one (its name or number)')
    .action(({ to }: { to?: string }) => up(context, to))
  migrate
    .command('down')
    .description('Roll back the last migration, or the last so many')
    .argument('[count]', 'how many')
    .action((count?: string) => down(context, count))
  migrate
    .command('status')
    .description('List every migration, its state and when it was applied')
    .option('--check', 'fail unless the database is up to date')
    .action(({ check = false }: { check?: boolean }) => status(context, check))
  migrate
    .command('reset')
    .description('Roll back all migrations: drops every table, and the queue')
    .option('--yes', 'do not ask')
    .option('--force', 'even if the database is not on this machine')
    .action(({ yes = false, force = false }: { yes?: boolean; force?: boolean }) => reset(context, { yes, force }))
  // After the commands, which would inherit it.
  migrate.allowExcessArguments().action((_options, command: Command) => {
    const [given] = command.args
    if (given === undefined) command.help({ error: true })
    const commands = command.commands.map(one => one.name()).join(', ')
    throw new MbflowError('USAGE', `migrate has no command "${given}"`, { hint: `There are: ${commands}` })
  })
}

/** Rewrites the migrations README's flags (`migrate -database-url URL -command up`) to ours (`migrate up --database-url URL`). */
export function normaliseFlags(argv: readonly string[]): string[] {
  const start = argv.findIndex(word => !word.startsWith('-')) + 1
  if (argv[start - 1] !== 'migrate') return [...argv]
  const words = argv.slice(start).map(word => word.replace(/^-(?=[a-z][a-z-]+(=|$))/, '--'))
  const at = words.findIndex(
    (word, i) => word.startsWith('--command=') || (word === '--command' && i + 1 < words.length),
  )
  if (at < 0) return [...argv.slice(0, start), ...words]
  const [flag = '', next = ''] = words.splice(at, words[at] === '--command' ? 2 : 1)
  return [...argv.slice(0, start), flag === '--command' ? next : flag.slice('--command='.length), ...words]
}

/** Nothing of this is loaded before a command runs. */
async function tools(context: CliContext): Promise<MigrateOptions & typeof import('../db/migrate.ts')> {
  const [{ url, log }, verbs] = await Promise.all([context.connect(), import('../db/migrate.ts')])
  return { ...verbs, url, log }
}

async function up(context: CliContext, to: string | undefined): Promise<void> {
  const { migrateUp, url, log } = await tools(context)
  const { installQueue } = await import('../queue/queue.ts')
  const applied = await migrateUp({ url, log, afterUp: () => installQueue(url, log), ...(to !== undefined && { to }) })
  const upToDate = to === undefined ? 'the database is up to date' : `the database has ${to} and all before it`
  context.output.one({ applied: applied.map(toJson) }, () =>
    applied.length === 0 ? [`Nothing to apply: ${upToDate}.`] : applied.map(stepLine('applied')),
  )
}

async function down(context: CliContext, count = '1'): Promise<void> {
  if (!/^[1-9]\d{0,3}$/.test(count)) {
    throw new MbflowError('USAGE', `the number of migrations to roll back must be 1 or more, is "${count}"`)
  }
  const { migrateDown, url, log } = await tools(context)
  const rolledBack = await migrateDown({ url, log, steps: Number(count) })
  context.output.one({ rolled_back: rolledBack.map(toJson) }, () =>
    rolledBack.length === 0 ? ['Nothing to roll back.'] : rolledBack.map(stepLine('rolled back')),
  )
}

async function reset(context: CliContext, { yes, force }: { yes: boolean; force: boolean }): Promise<void> {
  const { migrateReset, url, log } = await tools(context)
  const { databaseAddress, isLocal } = await import('../db/errors.ts')
  const address = databaseAddress(url)
  if (!force && !isLocal(address)) {
    throw new MbflowError('REFUSED', `not reset: ${address.host} is not this machine`, {
      hint: 'With --force it is done all the same.',
    })
  }
  const where = `database "${address.database}" at ${address.host}:${address.port}`
  if (!yes && !(await context.confirm(`Drop every table of mbflow and its queue, with all data, in ${where}?`))) {
    throw new MbflowError('REFUSED', 'not reset: nothing was changed')
  }
  const rolledBack = await migrateReset({ url, log })
  context.output.one({ rolled_back: rolledBack.map(toJson) }, () => [
    ...rolledBack.map(stepLine('rolled back')),
    `Nothing of mbflow is left in ${where}.`,
  ])
}

async function status(context: CliContext, check: boolean): Promise<void> {
  const { migrationStatus, url } = await tools(context)
  const { inState, refuseEdited, refuseNewer } = await import('../db/migration.ts')
  const { migrations, queueVersion } = await migrationStatus({ url })
  context.output.one(reportJson({ migrations, queueVersion }), () => [
    ...renderTable(migrations, columns(new Date()), context.output),
    '',
    `queue (pg-boss): ${queueVersion === null ? 'not installed' : `schema version ${queueVersion}`}`,
  ])
  if (!check) return
  refuseNewer(migrations)
  refuseEdited(migrations)
  const pending = inState(migrations, 'pending')
  if (pending.length === 0) return
  throw new MbflowError('MIGRATION_PENDING', `pending: ${pending.join(', ')}`, { hint: 'Run: mbflow migrate up' })
}

const styles = { applied: 'green', pending: 'yellow', edited: 'red', unknown: 'red' } as const satisfies Record<
  string,
  Style
>

function columns(now: Date): Column<MigrationStatus>[] {
  return [
    { title: 'MIGRATION', cell: ({ name }) => name },
    { title: 'STATE', cell: ({ state }) => state, style: ({ state }) => styles[state] },
    { title: 'APPLIED AT', cell: ({ appliedAt }) => (appliedAt === null ? '' : exactly(appliedAt, now)), leaves: 1 },
  ]
}

function stepLine(done: string): (step: MigrationStep) => string {
  return ({ name, durationMs }) => `${done} ${name} (${roughly(durationMs)})`
}

function toJson({ name, durationMs }: MigrationStep): unknown {
  return { name, duration_ms: durationMs }
}

function reportJson({ migrations, queueVersion }: MigrationReport): unknown {
  return {
    migrations: migrations.map(({ name, state, appliedAt, durationMs }) => ({
      name,
      state,
      applied_at: appliedAt,
      duration_ms: durationMs,
    })),
    queue_version: queueVersion,
  }
}
