// The Unix socket of an embedded server, in the folder of its cluster, where nobody else gets: what goes through it costs
// both sides less than through TCP. Where there can be none (a path too long, a file system without sockets, Windows) there
// is TCP alone; whether the file is there tells.
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer, type ListenOptions } from 'node:net'
import { join } from 'node:path'

/** Bytes of a path, on macOS; Linux takes four more. */
const LONGEST_PATH = 103

/** PostgreSQL's name for it. */
function socketFile(data: string, port: number): string {
  return join(data, `.s.PGSQL.${port}`)
}

/** Clears what a killed server left behind, and says whether there can be a socket. The server must not be running. */
export async function preparesSocket(data: string, port: number): Promise<boolean> {
  const path = socketFile(data, port)
  await rm(path, { force: true })
  // As with the pid file: whoever has its pid by now would be taken for the owner.
  await rm(`${path}.lock`, { force: true })
  return process.platform !== 'win32' && Buffer.byteLength(path) <= LONGEST_PATH && (await canListen({ path }))
}

/** As the host of a URL: where the running server is reached from this machine. */
export function hostOf(data: string, port: number): string {
  return existsSync(socketFile(data, port)) ? encodeURIComponent(data) : LOOPBACK
}

/** The same server for programs that know no sockets. */
export function overTcp(url: string): string {
  const over = new URL(url)
  over.hostname = LOOPBACK
  return over.href
}

export const LOOPBACK = '127.0.0.1'

/** Whether nobody else listens there, and we may. */
export async function canListen(where: ListenOptions): Promise<boolean> {
  const server = createServer()
  try {
    server.listen({ ...where, exclusive: true })
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}
