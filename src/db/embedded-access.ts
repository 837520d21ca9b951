// How clients reach the embedded server: the password and the port, each in a file beside the data.
import { randomBytes, randomInt } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { MbflowError } from '../base/errors.ts'
import { type Account, give } from './embedded-account.ts'
import { clusterMajor, NAME } from './embedded-cluster.ts'
import type { Place } from './embedded-place.ts'
import { canListen, hostOf, LOOPBACK } from './embedded-socket.ts'

/** Below the ports that systems hand to outgoing connections, so that a stopped server finds its port free again. */
const PORTS = [20_000, 32_000] as const
const ATTEMPTS = 100

/** The password of the cluster, made for one that is yet to be made. The account reads it too, to make the cluster. */
export async function passwordIn({ passwordFile, data, account }: Place): Promise<string> {
  if (!existsSync(passwordFile)) {
    if (clusterMajor(data) !== undefined) {
      throw new MbflowError('EMBEDDED_FAILED', `${passwordFile}, which opens the data in ${data}, is gone`, {
        hint: 'put it back, or move the data away to begin without them',
      })
    }
    await replace(passwordFile, { text: randomBytes(24).toString('base64url'), mode: 0o600, account })
  }
  return readFileSync(passwordFile, 'utf8')
}

/** Of the server that runs. */
export function urlOf(data: string, port: number, password: string): string {
  return `postgres://${NAME}:${password}@${hostOf(data, port)}:${port}/${NAME}`
}

/** The port the server last had, or another if that is taken and `mayMove`. */
export async function choosePort(file: string, { mayMove }: { readonly mayMove: boolean }): Promise<number> {
  const last = existsSync(file) ? Number(readFileSync(file, 'utf8')) : undefined
  if (last !== undefined && (await canListen({ port: last, host: LOOPBACK }))) return last
  if (last !== undefined && !mayMove) {
    throw new MbflowError('EMBEDDED_FAILED', `port ${last} of the embedded PostgreSQL was taken by another program`, {
      hint: 'end that program, or stop every mbflow process of this data folder: the next start takes another port',
    })
  }
  const port = await freePort()
  await replace(file, { text: String(port), mode: 0o644, account: undefined })
  return port
}

export async function freePort(): Promise<number> {
  for (let i = 0; i < ATTEMPTS; i++) {
    const port = randomInt(...PORTS)
    if (await canListen({ port, host: LOOPBACK })) return port
  }
  throw new MbflowError('EMBEDDED_FAILED', `found no free port for the embedded PostgreSQL in ${PORTS.join('–')}`)
}

interface Content {
  readonly text: string
  readonly mode: number
  readonly account: Account | undefined
}

/** Whole or not at all, and on the disk. */
async function replace(file: string, { text, mode, account }: Content): Promise<void> {
  const draft = `${file}.new`
  await rm(draft, { force: true })
  await writeFile(draft, text, { flag: 'wx', mode, flush: true })
  await give(draft, account)
  await rename(draft, file)
}
