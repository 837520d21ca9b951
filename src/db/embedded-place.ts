// What lies where in the data folder of an embedded server:
//   pg/  the cluster · password · port · postgres.log · users/  who uses it · lock  held to change any of it
// Beside it lies master-key, which `access/` makes for the secrets in the database.
import { chmod, mkdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { systemCode } from '../base/errors.ts'
import { type Account, give, serverAccount } from './embedded-account.ts'
import { clusterMajor } from './embedded-cluster.ts'
import { findPrograms, type Programs } from './embedded-programs.ts'

export interface Place {
  readonly folder: string
  readonly data: string
  readonly passwordFile: string
  readonly portFile: string
  readonly logFile: string
  readonly users: string
  readonly lockFile: string
  /** Who the server runs as, if not we ourselves. */
  readonly account: Account | undefined
}

/** The server and its programs run in folders of their own, so that a relative path would lead them elsewhere. */
export function placeIn(path: string): Place {
  const folder = resolve(path)
  const data = join(folder, 'pg')
  return {
    folder,
    data,
    passwordFile: join(folder, 'password'),
    portFile: join(folder, 'port'),
    logFile: join(folder, 'postgres.log'),
    users: join(folder, 'users'),
    lockFile: join(folder, 'lock'),
    account: serverAccount(data, folder),
  }
}

export async function makeFolders({ folder, users, account }: Place): Promise<void> {
  const made = await makeFolder(folder, account === undefined ? 0o700 : 0o755)
  // Whatever our umask, the server's account must be able to pass through.
  if (made && account !== undefined) await chmod(folder, 0o755)
  if (await makeFolder(users, 0o755)) await give(users, account)
}

/**
 * With its parents; whether it was not there before. Node's own `recursive` does not come back from a place that takes no
 * folders, such as /proc, and of one that may not be written it says that it is missing.
 */
async function makeFolder(path: string, mode: number): Promise<boolean> {
  try {
    return await makeLast(path, mode)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    await makeFolder(dirname(path), mode)
    return makeLast(path, mode)
  }
}

async function makeLast(path: string, mode: number): Promise<boolean> {
  try {
    await mkdir(path, { mode })
    return true
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
    return false
  }
}

export function programsFor({ folder, data, account }: Place, binDir: string | undefined): Promise<Programs> {
  return findPrograms({ binDir, account, major: clusterMajor(data), copyTo: folder })
}
