// Who the embedded server's programs run as. PostgreSQL refuses to run as root, so root hands them to an account that is
// there already: never is one made on the user's machine.
import { type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import { chown } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { MbflowError } from '../base/errors.ts'

export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** The account that existing data belong to, else `postgres`, else `nobody`; undefined = whoever we are. */
export function serverAccount(...existing: readonly string[]): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  const accounts = readAccounts()
  for (const path of existing) {
    const owner = statSync(path, { throwIfNoEntry: false })
    if (owner !== undefined && owner.uid !== 0) {
      const name = accounts.find(({ uid }) => uid === owner.uid)?.name ?? `user ${owner.uid}`
      return { name, uid: owner.uid, gid: owner.gid }
    }
  }
  const account = ['postgres', 'nobody'].flatMap(name => accounts.find(known => known.name === name) ?? [])[0]
  if (account !== undefined) return account
  throw new MbflowError(
    'EMBEDDED_FAILED',
    'the embedded PostgreSQL cannot run as root, and there is no other account for it',
    {
      hint: 'start mbflow as an ordinary user, add a user named postgres, or set DATABASE_URL',
    },
  )
}

function readAccounts(): Account[] {
  return readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map(line => line.split(':'))
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
}

/** How a program of the server is spawned: nothing of our environment, folder, rights or terminal reaches it. */
export function spawnAs(account: Account | undefined): SpawnOptions {
  const env = { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/local/bin:/usr/bin:/bin' }
  return { cwd: '/', env, detached: true, ...(account && { uid: account.uid, gid: account.gid }) }
}

/** What the program writes to stdout; rejects with its reason when it fails. */
export async function run(
  program: string,
  args: readonly string[],
  { account, input }: { readonly account: Account | undefined; readonly input?: string },
): Promise<string> {
  const child = spawn(program, args, { ...spawnAs(account), stdio: 'pipe' })
  // A program that ends before it has read its input says why itself.
  child.stdin.on('error', () => {}).end(input)
  const [stdout, stderr, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
  ])
  if (code === 0) return stdout
  throw new Error(reasonIn(stderr) || `${program} ended with ${signal ?? code}`)
}

/** What a program of the server gave as its reason: the lines that name an error, else the last ones. */
export function reasonIn(output: string): string {
  const lines = output.trim().split('\n')
  const errors = lines.filter(line => /\b(FATAL|PANIC|ERROR|error):/.test(line))
  return (errors.length > 0 ? errors : lines).slice(-3).join('\n')
}

export async function give(path: string, account: Account | undefined): Promise<void> {
  if (account !== undefined) await chown(path, account.uid, account.gid)
}
