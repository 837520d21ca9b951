// Who uses the embedded server: one file per user in a folder beside the data, holding the identity of its process, so
// that a user that was killed stops counting. Callers hold the lock on the data folder.
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { identityOf, isAlive } from '../base/process-lock.cjs'

/** Counts this process once more; the file to remove when it leaves. */
export function joinUsers(folder: string): string {
  const file = join(folder, `${process.pid}-${randomBytes(4).toString('hex')}`)
  writeFileSync(file, identityOf(process.pid) ?? '', { flag: 'wx' })
  return file
}

/** How many use the server; the dead are forgotten. */
export function countUsers(folder: string): number {
  const files = readdirSync(folder).map(name => join(folder, name))
  const dead = files.filter(file => !isAlive(readFileSync(file, 'utf8')))
  for (const file of dead) rmSync(file, { force: true })
  return files.length - dead.length
}
