// The program's own migrations, and folders for tests that need other ones.
import { readdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** The names of the program's own, in order. */
export const OWN = readdirSync(join(import.meta.dirname, '../../../migrations'))
  .filter(file => file.endsWith('.up.sql'))
  .map(file => file.slice(0, -'.up.sql'.length))
  .sort()

export const LAST = OWN.at(-1) ?? ''

/** What `up` calls when nothing is pending. */
const PARTITIONS = [
  'create function mbflow_ensure_event_partitions() returns integer language sql as $$ select 0 $$;',
  'drop function mbflow_ensure_event_partitions();',
] as const

/** `{ '001_a': [up, down] }`, after a `000_partitions`; gone when the test ends. */
export async function migrationFolder(scripts: Readonly<Record<string, readonly [string, string]>>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'mbflow-migrations-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  for (const [name, [up, down]] of Object.entries({ '000_partitions': PARTITIONS, ...scripts })) {
    await writeFile(join(dir, `${name}.up.sql`), up)
    await writeFile(join(dir, `${name}.down.sql`), down)
  }
  return dir
}
