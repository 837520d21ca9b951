// What lies where in the data folder of an embedded server:
//   pg/  the cluster · password · port · postgres.log · users/  who uses it · lock  held to change any of it
// Beside it lies master-key, which `access/` makes for the secrets in the database.
import { chmod, mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
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
  const made = await mkdir(folder, { recursive: true, mode: account === undefined ? 0o700 : 0o755 })
  // Whatever our umask, the server's account must be able to pass through.
  if (made !== undefined && account !== undefined) await chmod(folder, 0o755)
  if ((await mkdir(users, { recursive: true })) !== undefined) await give(users, account)
}

export function programsFor({ folder, data, account }: Place, binDir: string | undefined): Promise<Programs> {
  return findPrograms({ binDir, account, major: clusterMajor(data), copyTo: folder })
}
