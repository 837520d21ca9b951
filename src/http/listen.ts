// Taking a port, and saying what to do when that fails.
import { MbflowError, messageOf, systemCode } from '../base/errors.ts'

export interface ListenOptions {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** Whether somebody asked for this port. If nobody did and it is taken, the next free one of ten is used. */
  readonly portChosen: boolean
}

interface Listener {
  listen(address: { host: string; port: number }): Promise<unknown>
}

const OTHER_PORTS = 9

/** Throws LISTEN_FAILED. */
export async function listen(server: Listener, { host, port, portChosen }: ListenOptions): Promise<void> {
  const last = portChosen || port === 0 ? port : Math.min(port + OTHER_PORTS, 65_535)
  for (let candidate = port; ; candidate++) {
    try {
      await server.listen({ host, port: candidate })
      return
    } catch (error) {
      if (systemCode(error) === 'EADDRINUSE' && candidate < last) continue
      throw explain(error, host, port)
    }
  }
}

function explain(cause: unknown, host: string, port: number): MbflowError {
  const failed = (message: string, hint: string) => new MbflowError('LISTEN_FAILED', message, { hint, cause })
  switch (systemCode(cause)) {
    case 'EADDRINUSE':
      return failed(
        `port ${port} of ${host} is in use`,
        `choose another one, for example PORT=${port < 65_535 ? port + 1 : port - 1}, or stop the program that listens there`,
      )
    case 'EACCES':
      return failed(
        `this user may not listen on port ${port}`,
        'ports below 1024 need a privilege (CAP_NET_BIND_SERVICE); choose a higher PORT',
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return failed(
        `${host} is not an address of this machine`,
        'set MBFLOW_HOST to one of its addresses, to 127.0.0.1, or to 0.0.0.0 for all of them',
      )
    default:
      return failed(`cannot listen on port ${port} of ${host}: ${messageOf(cause)}`, 'check MBFLOW_HOST and PORT')
  }
}
