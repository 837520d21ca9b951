// What a migration is, and how the files of this program compare with what a database says was applied to it. Pure but
// for the hash.
// 1. A database fits if what was applied to it is a prefix of the files, unchanged.
// 2. The checksum is of the up file alone: mending a down file later is no edit of history.
import { createHash } from 'node:crypto'
import { MbflowError, type Problem } from '../base/errors.ts'

export interface Script {
  readonly file: string
  readonly text: string
}

export interface Migration {
  /** `001_init_schema` */
  readonly name: string
  readonly up: Script
  readonly down: Script
  readonly checksum: string
}

/** What a database remembers of a migration. */
export interface AppliedMigration {
  readonly name: string
  readonly checksum: string
  readonly appliedAt: Date
  readonly durationMs: number
}

/** `unknown`: applied by a program that has more migrations than this one. */
export type MigrationState = 'applied' | 'pending' | 'edited' | 'unknown'

export interface MigrationStatus {
  readonly name: string
  readonly state: MigrationState
  readonly appliedAt: Date | null
  readonly durationMs: number | null
}

const FILE = /^(?<name>(?<number>\d{3})_[a-z0-9_]+)\.(?<direction>up|down)\.sql$/

/** In order of application. Throws CONFIG_INVALID with everything that is wrong with the files. */
export function readMigrations(files: ReadonlyMap<string, string>): Migration[] {
  const problems: Problem[] = []
  const scripts = new Map<string, { up?: Script; down?: Script }>()
  const numbers = new Map<string, string>()
  for (const [file, text] of files) {
    const { name, number, direction } = FILE.exec(file)?.groups ?? {}
    if (name === undefined || number === undefined) {
      problems.push({ path: file, message: 'is not named like 001_topic.up.sql or 001_topic.down.sql' })
      continue
    }
    const other = numbers.get(number) ?? name
    if (other !== name) problems.push({ path: file, message: `has the number of ${other}` })
    numbers.set(number, other)
    scripts.set(name, { ...scripts.get(name), [direction === 'up' ? 'up' : 'down']: { file, text } })
  }
  const migrations: Migration[] = []
  for (const [name, { up, down }] of [...scripts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (up && down) migrations.push({ name, up, down, checksum: checksumOf(up.text) })
    else problems.push({ path: `${name}.${up ? 'down' : 'up'}.sql`, message: 'is missing' })
  }
  if (files.size === 0) problems.push({ path: '.', message: 'holds no migration' })
  if (problems.length > 0) {
    throw new MbflowError('CONFIG_INVALID', 'the migration files are not in order', {
      problems,
      hint: 'Install mbflow again.',
    })
  }
  return migrations
}

/** A checkout that writes other line ends is not an edit. */
function checksumOf(text: string): string {
  return createHash('sha256').update(text.replaceAll('\r\n', '\n')).digest('hex')
}

export function compare(migrations: readonly Migration[], applied: readonly AppliedMigration[]): MigrationStatus[] {
  const files = new Map(migrations.map(migration => [migration.name, migration]))
  const done = new Map(applied.map(one => [one.name, one]))
  const names = [...new Set([...files.keys(), ...done.keys()])].sort()
  return names.map(name => {
    const { appliedAt = null, durationMs = null } = done.get(name) ?? {}
    return { name, state: stateOf(files.get(name), done.get(name)), appliedAt, durationMs }
  })
}

function stateOf(file: Migration | undefined, done: AppliedMigration | undefined): MigrationState {
  if (file === undefined) return 'unknown'
  if (done === undefined) return 'pending'
  return done.checksum === file.checksum ? 'applied' : 'edited'
}

export function inState(statuses: readonly MigrationStatus[], state: MigrationState): string[] {
  return statuses.filter(status => status.state === state).map(({ name }) => name)
}

export function refuseNewer(statuses: readonly MigrationStatus[]): void {
  const unknown = inState(statuses, 'unknown')
  if (unknown.length === 0) return
  throw new MbflowError(
    'DATABASE_NEWER',
    `the database is newer than this program, which does not know ${listed(unknown)}`,
    {
      hint: 'Upgrade mbflow to the version that brought what it does not know.',
    },
  )
}

export function refuseEdited(statuses: readonly MigrationStatus[]): void {
  const edited = inState(statuses, 'edited').map(name => `${name}.up.sql`)
  if (edited.length === 0) return
  throw new MbflowError('MIGRATION_EDITED', `${listed(edited)} changed after being applied`, {
    hint: 'Restore the file and write the change as a new migration. (`mbflow migrate reset` drops everything and starts anew.)',
  })
}

/** A file that came in below what is applied already, as a merge of branches can make it. */
export function refuseGap(statuses: readonly MigrationStatus[]): void {
  const last = statuses.findLastIndex(({ state }) => state !== 'pending')
  const below = inState(statuses.slice(0, Math.max(last, 0)), 'pending')
  if (below.length === 0) return
  throw new MbflowError(
    'MIGRATION_ORDER',
    `${listed(below)} would come before ${statuses[last]?.name}, which is applied`,
    {
      hint: 'Give it the next free number.',
    },
  )
}

export function refusePending(statuses: readonly MigrationStatus[]): void {
  const pending = inState(statuses, 'pending')
  if (pending.length === 0) return
  throw new MbflowError('DATABASE_NOT_MIGRATED', `the database lacks ${listed(pending)}`, {
    hint: 'Run: mbflow migrate up',
  })
}

function listed(names: readonly string[]): string {
  return names.join(', ')
}

const NO_TRANSACTION = /^--\s*mbflow:no-transaction\s*$/m

/**
 * The pieces to send one by one, if the script must not run in a transaction (`create index concurrently`): there, every
 * statement ends with a `;` at the end of a line, and nothing else does. Otherwise nothing.
 */
export function separateStatements(text: string): string[] | undefined {
  if (!NO_TRANSACTION.test(text)) return undefined
  return text.split(/(?<=;)[ \t]*\r?$/m).filter(piece => piece.replace(/--.*$/gm, '').trim() !== '')
}

/** Where the `position`-th character (from 1, as PostgreSQL counts) of a text is. */
export function lineAndColumn(text: string, position: number): { line: number; column: number } {
  const lines = [...text]
    .slice(0, position - 1)
    .join('')
    .split('\n')
  return { line: lines.length, column: [...(lines.at(-1) ?? '')].length + 1 }
}
